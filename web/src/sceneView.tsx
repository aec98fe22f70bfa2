// A scene, down to its pixels: one tile of it beside the query, or a crop to search with.

import { useEffect, useRef, useState } from "preact/hooks";
import { address, go, link } from "./address";
import { api, picture, type SceneDetail, type Tile, type Window } from "./api";
import { CropEntry, windowOf } from "./cropEntry";
import { Facts } from "./facts";
import { FileName } from "./fileName";
import { counted, named, timeText, windowText, WORDS } from "./format";
import { boxText, footprintText } from "./geo";
import { useLoaded } from "./loaded";
import { Locator } from "./locator";
import { QueryPicture, TilePicture } from "./pictures";
import { paramsOf, searchOf, withExample } from "./query";
import { SceneMap, type SceneView as View } from "./sceneMap";
import { useSearch } from "./searching";
import { useKeys, useTitle } from "./shell";
import { Trouble } from "./trouble";

/** More tiles than this are not drawn one by one. */
const MOST_CELLS = 4000;
/** Of a scene whose file is gone so many tiles are shown, by their thumbnails. */
const MOST_LINKS = 60;

/** The scene that a stored tile is in. */
export function TileView({ row }: { row: number }) {
  const tile = useLoaded(`tile ${row}`, (stop) => api.tile(row, stop));
  if (tile.problem)
    return (
      <main class="alone" id="main">
        <h1>Tile {row}</h1>
        <Trouble problem={tile.problem} />
        <p>
          <a href={link(["scenes"])}>All scenes</a>
        </p>
      </main>
    );
  if (!tile.data)
    return (
      <main class="alone" id="main">
        <h1 class="hidden">Tile {row}</h1>
        <p class="empty">Loading…</p>
      </main>
    );
  return <SceneView id={tile.data.id} tile={tile.data} />;
}

export function SceneView({ id, tile = null }: { id: string; tile?: Tile | null }) {
  const scene = useLoaded(`scene ${id}`, (stop) => api.scene(id, stop));
  const tiles = useLoaded(`tiles ${id}`, (stop) => allTiles(id, stop));
  useTitle(scene.data ? named(scene.data.path) : "Scene");
  if (scene.problem)
    return (
      <main class="alone" id="main">
        <h1>Scene</h1>
        <Trouble problem={scene.problem} />
        <p>
          <a href={link(["scenes"])}>All scenes</a>
        </p>
      </main>
    );
  if (!scene.data)
    return (
      <main class="alone" id="main">
        <h1 class="hidden">Scene</h1>
        <p class="empty">Loading…</p>
      </main>
    );
  return <OpenScene key={id} scene={scene.data} tile={tile} tiles={tiles.data ?? []} />;
}

function OpenScene({
  scene,
  tile,
  tiles,
}: {
  scene: SceneDetail;
  tile: Tile | null;
  tiles: Omit<Tile, "code">[];
}) {
  const { params } = address.value;
  const search = searchOf(params);
  const { data: result } = useSearch(params);
  const element = useRef<HTMLDivElement>(null);
  const map = useRef<SceneMap | null>(null);
  const [drawing, setDrawing] = useState(false);
  const [dimmed, setDimmed] = useState(true);
  const [grid, setGrid] = useState(tile === null);
  const crop = windowOf(params.get("window"));
  const focus = crop ?? tile?.window ?? null;
  const readable = scene.available && scene.width !== null && scene.height !== null;

  // Only the newest address is changed, whatever an old rendering remembers.
  const show = (name: string, value: string): void => {
    const { path, params: now } = address.value;
    const next = new URLSearchParams(now);
    next.set(name, value);
    go(link(path, next), "replace");
  };

  useEffect(() => {
    if (!readable) return undefined;
    let moved = false;
    const made = new SceneMap(element.current!, scene.id, scene.width!, scene.height!, {
      onTile: (row) => go(link(["tiles", String(row)], paramsOf(searchOf(address.value.params)))),
      onCrop: (window) => {
        const next = paramsOf(searchOf(address.value.params));
        next.set("window", window.join(","));
        go(link(["scenes", scene.id], next));
      },
      onDrawing: setDrawing,
      onView: () => moved && show("view", viewText(made.view())),
    });
    map.current = made;
    const view = viewOf(params.get("view"));
    if (view) made.setView(view);
    else made.fit(focus);
    for (const name of ["pointerdown", "wheel", "keydown"]) {
      element.current!.addEventListener(name, () => void (moved = true), { passive: true });
    }
    const resized = new ResizeObserver(() => made.map.invalidateSize({ animate: false }));
    resized.observe(element.current!);
    return () => {
      resized.disconnect();
      made.remove();
    };
  }, [readable]);

  const shownBefore = useRef(true);
  useEffect(() => {
    map.current?.focus(focus, dimmed);
    if (!shownBefore.current && !params.get("view")) map.current?.fit(focus);
    shownBefore.current = false;
  }, [focus?.join(), dimmed, readable]);
  useEffect(() => {
    map.current?.setTiles(tiles.map(({ row, window }) => ({ row, window, title: `tile ${row}` })));
  }, [tiles, readable]);
  useEffect(() => map.current?.showGrid(grid), [grid, readable]);

  const hit = tile && result?.hits.find((one) => one.row === tile.row);
  const step = (by: number): void => {
    const at = result?.hits.findIndex((one) => one.row === tile?.row) ?? -1;
    const next = at < 0 ? undefined : result?.hits[at + by];
    if (next) go(link(["tiles", String(next.row)], paramsOf(search)));
  };
  const backToHits = link(["search"], withHit(paramsOf(search), tile?.row));
  useKeys({
    "]": () => step(1),
    "[": () => step(-1),
    d: () => setDimmed(!dimmed),
    t: () => setGrid(!grid),
    b: () => search.like.length && go(backToHits),
  });

  const asQuery = crop ? `scene:${scene.id}@${crop.join(",")}` : tile ? `row:${tile.row}` : null;
  const searchWith = (query: string): string =>
    link(["search"], paramsOf({ ...search, like: [query], unlike: [] }));
  const compared = search.like[0];

  return (
    <main class="scene" id="main">
      <aside class="rail" aria-label="The scene">
        {compared && (
          <a class="back" href={backToHits}>
            ← {result ? counted(result.hits.length, "hit") : "Hits"}
          </a>
        )}
        <h1 title={scene.path}>
          <FileName name={named(scene.path)} />
        </h1>
        {compared && (tile || crop) && (
          <div class="beside">
            <figure>
              <QueryPicture text={compared} asked={result?.queries[0]} size={512} />
              <figcaption>query</figcaption>
            </figure>
            <figure>
              {crop && readable ? (
                <img class="tile sharp" src={picture.scene(scene.id, 512, crop)} alt="the crop" />
              ) : (
                tile && <TilePicture row={tile.row} alt={`tile ${tile.row}`} size={512} />
              )}
              <figcaption>{crop ? "crop" : hit ? `hit ${hit.rank}` : `tile ${tile?.row}`}</figcaption>
            </figure>
          </div>
        )}
        {!compared && tile && !readable && <TilePicture row={tile.row} alt={`tile ${tile.row}`} size={512} />}
        {hit && (
          <p class="verdict">
            <b>{counted(hit.distance, "bit")}</b> <i class={`word ${hit.match}`}>{WORDS[hit.match].name}</i>{" "}
            <span>{WORDS[hit.match].meaning}</span>
          </p>
        )}
        {hit && result && (
          <div class="steps">
            <button type="button" disabled={result.hits[0]?.row === hit.row} onClick={() => step(-1)}>
              ← Hit{hit.rank > 1 ? ` ${hit.rank - 1}` : ""}
            </button>
            <span>
              {hit.rank} of {result.hits.length}
            </span>
            <button type="button" disabled={result.hits.at(-1)?.row === hit.row} onClick={() => step(1)}>
              Hit{hit.rank < result.hits.length ? ` ${hit.rank + 1}` : ""} →
            </button>
          </div>
        )}
        {!asQuery && readable && (
          <p class="note">To search with a part of the scene, click a tile or draw a crop.</p>
        )}
        {asQuery && (
          <div class="actions">
            <a class="button primary" href={searchWith(asQuery)}>
              Search with this {crop ? "crop" : "tile"}
            </a>
            {compared && (
              <a class="button" href={link(["search"], paramsOf(withExample(search, asQuery, "like")))}>
                Add to the search
              </a>
            )}
            {compared && (
              <a class="button" href={link(["search"], paramsOf(withExample(search, asQuery, "unlike")))}>
                Not like this
              </a>
            )}
          </div>
        )}
        <SceneFacts scene={scene} tile={tile} crop={crop} />
      </aside>
      <section class="viewer" aria-label="Pixels of the scene">
        {readable ? (
          <>
            <div class="tools">
              <button
                type="button"
                class={drawing ? "" : "primary"}
                aria-pressed={drawing}
                onClick={() => map.current?.draw(!drawing)}
              >
                {drawing ? "Drag a crop…" : "Draw a crop"}
              </button>
              <CropEntry
                crop={crop}
                width={scene.width!}
                height={scene.height!}
                onCrop={(window) => {
                  const next = paramsOf(search);
                  next.set("window", window.join(","));
                  go(link(["scenes", scene.id], next));
                }}
              />
              <span class="spacer" />
              <button
                type="button"
                aria-pressed={grid}
                onClick={() => setGrid(!grid)}
                title="Show the tiles (T)"
              >
                Tiles
              </button>
              {focus && (
                <button
                  type="button"
                  aria-pressed={dimmed}
                  onClick={() => setDimmed(!dimmed)}
                  title="Dim outside the tile (D)"
                >
                  Dim
                </button>
              )}
              {focus && (
                <button type="button" onClick={() => map.current?.fit(focus)}>
                  Zoom to {crop ? "crop" : "tile"}
                </button>
              )}
              <button type="button" onClick={() => map.current?.fit(null)}>
                Whole scene
              </button>
              <button
                type="button"
                onClick={() => map.current?.zoom(0)}
                title="Show each pixel of the scene as one pixel of the screen"
              >
                1:1
              </button>
            </div>
            <div
              class="map pixels"
              ref={element}
              tabIndex={0}
              role="application"
              aria-label="The scene. Arrows move it, plus and minus zoom."
            />
          </>
        ) : (
          <div class="gone-scene">
            <p class="empty">
              {sentence(scene.unavailable ?? "the file of this scene cannot be read")} You can still search
              with its tiles. If the file has moved, run <code>scenehash store relocate</code>
            </p>
            <ul class="strip" aria-label="Tiles of the scene">
              {tiles.slice(0, MOST_LINKS).map((one) => (
                <li key={one.row}>
                  <a href={link(["tiles", String(one.row)], paramsOf(search))} title={`tile ${one.row}`}>
                    <TilePicture row={one.row} alt={`tile ${one.row}`} size={96} />
                  </a>
                </li>
              ))}
            </ul>
          </div>
        )}
      </section>
    </main>
  );
}

function SceneFacts({ scene, tile, crop }: { scene: SceneDetail; tile: Tile | null; crop: Window | null }) {
  const footprint = tile?.footprint ?? scene.footprint;
  return (
    <>
      <Facts
        facts={[
          ["Taken", timeText(scene.time)],
          ["Place", footprint ? footprintText(footprint) : boxText(scene.bbox)],
          scene.width !== null && [
            "Size",
            `${scene.width} × ${scene.height} px, ${counted(scene.tiles, "tile")}`,
          ],
          tile && !crop ? ["Tile", `row ${tile.row}, ${windowText(tile.window)}`] : false,
          crop ? ["Crop", windowText(crop)] : false,
          scene.labels.length > 0 && ["Labels", scene.labels.join(", ")],
          tile ? ["Code", tile.code, "mono"] : false,
          ["File", <FileName name={scene.path} />, "path"],
        ]}
      />
      {footprint && <Locator ring={footprint} />}
    </>
  );
}

async function allTiles(id: string, stop: AbortSignal): Promise<Omit<Tile, "code">[]> {
  const found: Omit<Tile, "code">[] = [];
  let after: number | undefined;
  do {
    const page = await api.sceneTiles(id, after, stop);
    found.push(...page.tiles);
    after = page.next ?? undefined;
  } while (after !== undefined && found.length < MOST_CELLS);
  return found;
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

function withHit(params: URLSearchParams, row: number | undefined): URLSearchParams {
  if (row !== undefined) params.set("hit", String(row));
  return params;
}

function viewOf(text: string | null): View | null {
  const [zoom, x, y] = (text ?? "").split("/").map(Number);
  return text && [zoom, x, y].every(Number.isFinite) ? { zoom: zoom!, x: x!, y: y! } : null;
}

function viewText({ zoom, x, y }: View): string {
  return `${Math.round(100 * zoom) / 100}/${x}/${y}`;
}
