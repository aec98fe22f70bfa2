// Hits: on a scale of distances, and as a grid of tiles.

import { useEffect, useRef } from "preact/hooks";
import type { Hit, Row, SearchResult } from "./api";
import { counted, named, timeText, WORDS } from "./format";
import { middle, placeText } from "./geo";
import { TilePicture } from "./pictures";

export interface HitActions {
  onSelect(row: Row): void;
  onOpen(row: Row): void;
  onMore(row: Row): void;
  onNot(row: Row): void;
}

/** The words that a distance alone gives, in the order of distances. */
const ZONES = ["same_kind", "likely_same_kind", "doubtful", "other_kind"] as const;
/** Bits between ticks: the smallest that leave room for the numbers. */
const TICKS = [4, 8, 16, 32];
const MOST_TICKS = 9;

/** Every hit on a scale of bits, with the zones that give the hits their words. */
export function DistanceScale({
  result,
  selected,
  onSelect,
}: {
  result: SearchResult;
  selected: Row | null;
  onSelect(row: Row): void;
}) {
  const limits = result.match_distances;
  const farthest = Math.max(limits.doubtful + 3, ...result.hits.map((hit) => hit.distance));
  const at = (distance: number): number => (100 * (distance + 0.5)) / (farthest + 1);
  const stacked = new Map<number, Hit[]>();
  for (const hit of result.hits) stacked.set(hit.distance, [...(stacked.get(hit.distance) ?? []), hit]);
  const most = Math.max(1, ...[...stacked.values()].map((hits) => hits.length));
  const every = TICKS.find((bits) => farthest / bits < MOST_TICKS) ?? TICKS.at(-1)!;
  const ticks = Array.from({ length: Math.floor(farthest / every) + 1 }, (_, i) => i * every);
  const ends = [limits.same_kind, limits.likely_same_kind, limits.doubtful, farthest];
  return (
    <figure class="scale" aria-label={`Distances of the hits, 0 to ${farthest} bits`}>
      <div class="zones" aria-hidden="true">
        {ZONES.map((word, i) => {
          const from = i ? at(ends[i - 1]! + 0.5) : 0;
          const width = at(ends[i]! + 0.5) - from;
          return (
            <span key={word} class={`zone ${word}`} style={{ left: `${from}%`, width: `${width}%` }}>
              {WORDS[word].name}
            </span>
          );
        })}
      </div>
      <div class="columns" aria-hidden="true">
        {[...stacked].map(([distance, hits]) => (
          <button
            key={distance}
            type="button"
            tabIndex={-1}
            class={`column ${hits[0]!.match}${hits.some((hit) => hit.row === selected) ? " chosen" : ""}`}
            style={{
              left: `${at(distance)}%`,
              height: `${8 + (92 * hits.length) / most}%`,
              width: `max(3px, ${100 / (farthest + 1)}% - 2px)`,
            }}
            title={`${counted(hits.length, "hit")} at ${counted(distance, "bit")}`}
            onClick={() => onSelect(hits[0]!.row)}
          />
        ))}
      </div>
      <div class="ticks" aria-hidden="true">
        {ticks.map((tick) => (
          <span key={tick} style={{ left: `${at(tick)}%` }}>
            {tick}
            {tick === 0 ? " bits" : ""}
          </span>
        ))}
      </div>
    </figure>
  );
}

/** Hits of one place that are beside each other; more of them take another line. */
const MOST_BESIDE = 4;

/** The hits as tiles; arrows move among them, Enter opens one, M and N add it as an example. */
export function HitGrid({
  result,
  selected,
  actions,
}: {
  result: SearchResult;
  selected: Row | null;
  actions: HitActions;
}) {
  const grid = useRef<HTMLDivElement>(null);
  const order = result.groups ? result.groups.flat() : result.hits.map((hit) => hit.row);
  const hits = new Map(result.hits.map((hit) => [hit.row, hit]));
  const current = selected !== null && hits.has(selected) ? selected : (order[0] ?? null);

  // A tile that is chosen on the map or the scale is brought into view.
  useEffect(() => {
    if (selected === null) return;
    grid.current
      ?.querySelector(`[data-row="${CSS.escape(String(selected))}"]`)
      ?.scrollIntoView({ block: "nearest" });
  }, [selected, result]);

  const rowOf = (tile: HTMLElement): Row | null =>
    order.find((row) => String(row) === tile.dataset["row"]) ?? null;
  const key = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || current === null) return;
    const tile = (event.target as Element).closest<HTMLElement>("[data-row]");
    if (!tile) return;
    const row = rowOf(tile);
    if (row === null) return;
    const next = neighbour(event.key, [...grid.current!.querySelectorAll<HTMLElement>("[data-row]")], tile);
    if (next) {
      next.querySelector<HTMLElement>(".open")?.focus();
      actions.onSelect(rowOf(next)!);
    } else if (event.key === "Enter" && (event.target as Element).matches(".open")) actions.onOpen(row);
    else if (event.key === "m") actions.onMore(row);
    else if (event.key === "n") actions.onNot(row);
    else return;
    event.preventDefault();
  };

  const tile = (row: Row) => {
    const hit = hits.get(row);
    return (
      hit && (
        <HitTile
          key={row}
          hit={hit}
          current={row === current}
          selected={row === selected}
          actions={actions}
        />
      )
    );
  };

  return (
    <div class={result.groups ? "hits grouped" : "hits"} ref={grid} onKeyDown={key}>
      {result.groups ? (
        result.groups.map((rows, i) => (
          <section class="group" key={rows.join()} aria-label={`Place ${i + 1}`}>
            <h3>
              Place {i + 1} <span>{counted(rows.length, "hit")}</span>
            </h3>
            <ul class="grid" style={{ "--beside": Math.min(rows.length, MOST_BESIDE) }}>
              {rows.map(tile)}
            </ul>
          </section>
        ))
      ) : (
        <ul class="grid" aria-label="Hits">
          {order.map(tile)}
        </ul>
      )}
    </div>
  );
}

function HitTile({
  hit,
  current,
  selected,
  actions,
}: {
  hit: Hit;
  current: boolean;
  selected: boolean;
  actions: HitActions;
}) {
  const { row } = hit;
  const name = named(hit.scene);
  const station = typeof row === "string" ? hit.station : null;
  return (
    <li class={`hit ${hit.match}${selected ? " selected" : ""}`} data-row={row}>
      <button
        type="button"
        class="open"
        tabIndex={current ? 0 : -1}
        aria-pressed={selected}
        aria-label={`Hit ${hit.rank}: ${counted(hit.distance, "bit")}, ${WORDS[hit.match].name}, ${name}`}
        onClick={() => actions.onSelect(row)}
        onDblClick={() => actions.onOpen(row)}
      >
        {station === null ? (
          <TilePicture row={row} alt="" />
        ) : (
          <span class="plain">
            <span>{timeText(hit.time)}</span>
            <span>{hit.footprint ? placeText(middle(hit.footprint), 2) : "no footprint"}</span>
          </span>
        )}
      </button>
      <p class="facts">
        <b>{hit.distance}</b>
        <i class={`word ${hit.match}`}>{WORDS[hit.match].name}</i>
      </p>
      <p class="name" title={hit.scene}>
        {station && <b>{station} </b>}
        {name}
      </p>
      <div class="acts">
        <button
          type="button"
          tabIndex={current ? 0 : -1}
          title="More like this (M)"
          aria-label={`More like hit ${hit.rank}`}
          onClick={() => actions.onMore(row)}
        >
          +
        </button>
        <button
          type="button"
          tabIndex={current ? 0 : -1}
          title="Not like this (N)"
          aria-label={`Not like hit ${hit.rank}`}
          onClick={() => actions.onNot(row)}
        >
          −
        </button>
      </div>
    </li>
  );
}

/** The tile that an arrow, Home or End leads to; in the same column for up and down. */
function neighbour(key: string, tiles: HTMLElement[], from: HTMLElement): HTMLElement | null {
  const at = tiles.indexOf(from);
  if (key === "ArrowRight") return tiles[at + 1] ?? null;
  if (key === "ArrowLeft") return tiles[at - 1] ?? null;
  if (key === "Home") return tiles[0] ?? null;
  if (key === "End") return tiles.at(-1) ?? null;
  if (key !== "ArrowDown" && key !== "ArrowUp") return null;
  const { left, top } = from.getBoundingClientRect();
  const beyond = tiles
    .map((tile) => ({ tile, box: tile.getBoundingClientRect() }))
    .filter(({ box }) => (key === "ArrowDown" ? box.top > top + 4 : box.top < top - 4))
    .map(({ tile, box }) => ({ tile, rank: 1000 * Math.abs(box.top - top) + Math.abs(box.left - left) }));
  return beyond.sort((a, b) => a.rank - b.rank)[0]?.tile ?? null;
}

/** A few tiles in a row, each a link. */
export function TileRow({ hits, link, none }: { hits: Hit[]; link(hit: Hit): string; none: string }) {
  if (!hits.length) return <p class="note">{none}</p>;
  return (
    <ul class="tile-row">
      {hits.map((hit) => (
        <li key={hit.row}>
          <a href={link(hit)} title={named(hit.scene)}>
            <TilePicture row={hit.row} alt={`tile ${hit.row}`} size={128} />
            <span>{hit.distance}</span>
          </a>
        </li>
      ))}
    </ul>
  );
}
