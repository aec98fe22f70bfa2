// The search: examples and filters, hits, and where they are.

import { useEffect } from "preact/hooks";
import { address, go, link } from "./address";
import { api, type Row, type Scene } from "./api";
import { Examples } from "./examples";
import { Filters } from "./filters";
import type { MapView } from "./footprintMap";
import { count, counted, durationText, named, timeText } from "./format";
import { DistanceScale, HitGrid, type HitActions } from "./hits";
import { Inspector } from "./inspector";
import { useLoaded } from "./loaded";
import { MapPanel } from "./mapPanel";
import { TilePicture } from "./pictures";
import { apiParams, makesSense, paramsOf, searchOf, withCodes, withExample, type Search } from "./query";
import { useSearch } from "./searching";
import { CollectionIntro } from "./collectionView";
import { session, useTitle } from "./shell";
import { Trouble } from "./trouble";

const SCENES_ON_MAP = 1000;
const NEWEST = 20;
const DEFAULT_BITS = 64;
const NONE: Scene[] = [];

export function SearchView() {
  const { params } = address.value;
  const search = searchOf(params);
  const engine = session.value?.engine ?? null;
  const { data: result, problem, loading } = useSearch(params);
  const shown = params.get("show") === "map" ? "map" : "hits";
  const asked = search.like.length > 0;
  const unread = [...params.getAll("q"), ...params.getAll("not")].filter((text) => !makesSense(text));
  // What is seen first is asked for first; the map's boxes come after it.
  const idle = !asked && !engine;
  const newest = useLoaded(idle ? "newest" : null, (stop) => api.scenes({ limit: NEWEST }, stop));
  const more = newest.data?.next != null;
  const boxes = useLoaded(idle && more ? "scenes" : null, (stop) =>
    api.scenes({ limit: SCENES_ON_MAP }, stop),
  );
  const placed = more ? boxes.data : newest.data;
  const hits = asked ? (result?.hits ?? null) : null;
  const chosen = hits?.find((hit) => String(hit.row) === params.get("hit")) ?? null;
  const row = chosen?.footprint && typeof chosen.row === "number" ? chosen.row : null;
  const tile = useLoaded(row === null ? null : `tile ${row}`, (stop) => api.tile(row!, stop));
  useTitle(asked ? `Search: ${counted(hits?.length ?? 0, "hit")}` : "Search");

  // The station forgets an upload: the address of a part of one has its code as soon as that is known.
  useEffect(() => {
    const coded = result && !loading ? withCodes(search, result) : null;
    if (coded) go(link(["search"], withView(paramsOf(coded), params, ["hit", "map", "show"])), "replace");
  }, [result, loading]);

  // The map's view and the chosen hit stay when the search changes in a small way.
  const change = (next: Search): void =>
    go(link(["search"], withView(paramsOf(next), params, ["map", "show"])));
  const show = (name: string, value: string | null): void => {
    const next = new URLSearchParams(address.value.params);
    if (value === null) next.delete(name);
    else next.set(name, value);
    go(link(["search"], next), "replace");
  };
  const example = (row: Row, side: "like" | "unlike"): void =>
    change(withExample(search, `row:${row}`, side));
  const sceneLink = (row: Row): string => link(["tiles", String(row)], paramsOf(search));
  const actions: HitActions = {
    onSelect: (row) => show("hit", String(row)),
    // An engine has no pixels to open.
    onOpen: (row) => (engine ? show("hit", String(row)) : go(sceneLink(row))),
    onMore: (row) => example(row, "like"),
    onNot: (row) => example(row, "unlike"),
  };

  return (
    <main class={`search show-${shown}`} id="main">
      <h1 class="hidden">Search</h1>
      <aside class={asked ? "rail asked" : "rail"} aria-label="The search">
        <Examples search={search} result={asked ? result : null} onChange={change} />
        <details class="more" open={!matchMedia("(max-width: 760px)").matches}>
          <summary>
            {asked ? "Change the search" : "Filters"}
            {filterNote(search)}
          </summary>
          <Filters search={search} result={result} bits={result?.bits ?? DEFAULT_BITS} onChange={change} />
        </details>
        {asked && (
          <div class="actions">
            {!engine && result && (
              <a class="button" href={link(["alerts", "new"], paramsOf(search))}>
                Make an alert
              </a>
            )}
            {result && (
              <a
                class="button"
                href={`/api/search.geojson?${apiParams(search, result.queries, result.not)}`}
                download="hits.geojson"
                title="Download the footprints of the hits, for QGIS and other programs"
              >
                GeoJSON
              </a>
            )}
            <a class="button" href={link(["search"])}>
              New search
            </a>
          </div>
        )}
      </aside>
      <div class="phone-switch" role="group" aria-label="Show">
        <button type="button" aria-pressed={shown === "hits"} onClick={() => show("show", null)}>
          {asked ? "Hits" : "Newest"}
        </button>
        <button type="button" aria-pressed={shown === "map"} onClick={() => show("show", "map")}>
          Map
        </button>
      </div>
      <section class="results" aria-label="Results" aria-busy={loading && asked}>
        {unread.length > 0 && (
          <Trouble>Not a query: {unread.join(", ")}. A query is row:12, code:HEX or at:LAT,LON.</Trouble>
        )}
        <Trouble problem={problem} />
        {!asked && engine && <CollectionIntro />}
        {!asked && newest.data && <Newest scenes={newest.data.scenes} />}
        {!asked && <Trouble problem={newest.problem} />}
        {asked && result && (
          <>
            <p class="summary" role="status">
              <b>{counted(result.hits.length, "hit")}</b> of {count(result.searched)} tiles in{" "}
              {durationText(result.milliseconds / 1000)}
              {result.groups && `, ${counted(result.groups.length, "place")}`}
            </p>
            {result.hits.length > 0 && result.warnings.map((warning) => <p class="note">{warning}</p>)}
            {result.hits.length > 0 && (
              <>
                <DistanceScale result={result} selected={chosen?.row ?? null} onSelect={actions.onSelect} />
                <HitGrid result={result} selected={chosen?.row ?? null} actions={actions} />
              </>
            )}
            {result.hits.length === 0 && (
              <p class="empty">No tile matches. Widen the filters, or allow a larger distance.</p>
            )}
          </>
        )}
        {asked && !result && !problem && loading && <p class="empty">Searching…</p>}
      </section>
      <div class="side">
        <MapPanel
          hits={hits}
          scenes={placed?.scenes ?? NONE}
          moreScenes={placed?.next != null}
          selected={chosen?.row ?? null}
          imagery={tile.data?.id ?? null}
          area={search.area}
          view={viewOf(params.get("map"))}
          onView={(view) => show("map", viewText(view))}
          onSelect={actions.onSelect}
          onArea={(area) => change({ ...search, area })}
          onPlace={([longitude, latitude], how) => {
            const query = `at:${latitude.toFixed(5)},${longitude.toFixed(5)}`;
            change(
              how === "add" ? withExample(search, query, "like") : { ...search, like: [query], unlike: [] },
            );
          }}
        />
        {chosen && result && (
          <Inspector
            hit={chosen}
            result={result}
            search={search}
            sceneLink={engine ? null : sceneLink(chosen.row)}
            onMore={() => actions.onMore(chosen.row)}
            onNot={() => actions.onNot(chosen.row)}
            onSearch={() => change({ ...search, like: [`row:${chosen.row}`], unlike: [] })}
            onClose={() => show("hit", null)}
            onScene={() => change({ ...search, scene: chosen.scene })}
          />
        )}
      </div>
    </main>
  );
}

/** Before anything is asked: what arrived last, to begin with. */
function Newest({ scenes }: { scenes: Scene[] }) {
  if (!scenes.length) {
    return (
      <p class="empty">
        The store has no scenes yet. Ingest some with <code>scenehash ingest FOLDER --store STORE</code>
      </p>
    );
  }
  return (
    <>
      <h2>Newest scenes</h2>
      <ul class="grid newest">
        {scenes.map((scene) => (
          <li class="hit" key={scene.id}>
            <a class="open" href={link(["scenes", scene.id])}>
              <TilePicture row={scene.rows[0]} alt="" />
              <span class="name">{named(scene.path)}</span>
            </a>
            <p class="note">
              {timeText(scene.time)}, {counted(scene.tiles, "tile")}
            </p>
          </li>
        ))}
      </ul>
      <p>
        <a href={link(["scenes"])}>All scenes</a>
      </p>
    </>
  );
}

function filterNote(search: Search): string {
  const set = [
    search.since || search.until,
    search.area,
    search.label,
    search.station,
    search.scene,
    search.radius !== null,
  ].filter(Boolean).length;
  return set ? ` (${set})` : "";
}

function withView(params: URLSearchParams, from: URLSearchParams, names: string[]): URLSearchParams {
  for (const name of names) {
    const value = from.get(name);
    if (value !== null) params.set(name, value);
  }
  return params;
}

/** The map's view in an address: zoom/latitude/longitude, as OpenStreetMap writes it. */
function viewOf(text: string | null): MapView | null {
  const [zoom, latitude, longitude] = (text ?? "").split("/").map(Number);
  if (!text || ![zoom, latitude, longitude].every(Number.isFinite)) return null;
  return { zoom: zoom!, place: [longitude!, latitude!] };
}

function viewText({ zoom, place: [longitude, latitude] }: MapView): string {
  const digits = Math.max(1, Math.ceil(zoom / 3));
  return `${zoom}/${latitude.toFixed(digits)}/${longitude.toFixed(digits)}`;
}
