// The feed: what a watch reports, as it comes, with a verdict on each match of an alert.

import { useEffect, useRef, useState } from "preact/hooks";
import { address, go, link } from "./address";
import { Facts } from "./facts";
import { FileName } from "./fileName";
import { connection, events, gaps, loadOlder, oldest } from "./live";
import type { AlertMatch, EventTile, WatchEvent } from "./api";
import { ExamplePicture } from "./examplePicture";
import { agoText, count, counted, named, timeText } from "./format";
import { footprintText } from "./geo";
import { problemOf } from "./loaded";
import { Locator } from "./locator";
import { Meter } from "./meter";
import { TilePicture } from "./pictures";
import { perThousand } from "./rate";
import { clock, may, message, station, useKeys, useTitle } from "./shell";
import { alerts, judge, loadAlerts, verdictOf } from "./watchList";

const SHOWN = { all: "All", alerts: "Alerts", changed: "Changes", set_aside: "Set aside" } as const;
/** Milliseconds for which an event that came up by itself is not judged: the verdict was meant for the one before. */
const JUST_NOW = 1_200;
type Shown = keyof typeof SHOWN;

const NOVELTY = "The Hamming distance to the nearest tile that was stored before";
/** Examples of an alert that are beside its match. */
const MOST_EXAMPLES = 4;
const NARROW = matchMedia("(max-width: 760px)");

/** A match of an alert that somebody may judge. */
interface Match extends AlertMatch {
  row: number;
}

/** What an event is called that is of no scene, by its kind. */
const TITLES: Partial<Record<WatchEvent["kind"], string>> = {
  restored: "Store restored",
  damaged: "Damaged event",
  station: "Report of a station",
  answer: "Answer of a station",
};
/** Hits of an answer that are listed. */
const MOST_HITS = 20;

export function LiveView() {
  const { params } = address.value;
  const shown = (Object.keys(SHOWN).find((one) => one === params.get("show")) ?? "all") as Shown;
  const alert = params.get("alert") ?? "";
  const list = events.value.filter((event) => belongs(event, shown, alert));
  const asked = Number(params.get("event") ?? NaN);
  const chosen = list.find((event) => event.event === asked) ?? list[0] ?? null;
  const tiles = chosen ? tilesOf(chosen) : [];
  const askedRow = Number(params.get("row") ?? NaN);
  const tile = tiles.find((one) => one.row === askedRow) ?? tiles[0] ?? null;
  const [loading, setLoading] = useState(false);
  const settled = useSettled(chosen?.event ?? null, chosen?.event === asked);
  useTitle("Live");
  useEffect(() => void loadAlerts(), []);

  const show = (changes: Record<string, string>): void => {
    const next = new URLSearchParams(params);
    for (const [name, value] of Object.entries(changes)) {
      if (value) next.set(name, value);
      else next.delete(name);
    }
    go(link(["live"], next), "replace");
  };
  const step = (by: number): void => {
    const next = list[list.indexOf(chosen!) + by];
    if (!next) return;
    show({ event: String(next.event), row: "" });
    setTimeout(() => document.querySelector<HTMLElement>(`[data-event="${next.event}"]`)?.focus());
  };
  const judged = (verdict: "confirm" | "reject"): void => {
    const open = tile && matchesOf(tile).find((match) => !verdictOf(match.name, match.row));
    if (open && may("confirm") && settled()) void judge(open.name, open.row, verdict);
  };
  useKeys({
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    j: () => step(1),
    k: () => step(-1),
    c: () => judged("confirm"),
    x: () => judged("reject"),
  });

  const older = async (): Promise<void> => {
    setLoading(true);
    try {
      await loadOlder();
    } catch (error) {
      message.value = problemOf(error).message;
    }
    setLoading(false);
  };
  const last = events.value.at(-1)?.event;
  const more = last !== undefined && oldest.value !== null && last > oldest.value;

  return (
    <main class="live" id="main">
      <h1 class="hidden">Live</h1>
      <section class="feed" aria-label="Events">
        <div class="tools">
          <div class="segments" role="group" aria-label="Show">
            {(Object.keys(SHOWN) as Shown[]).map((one) => (
              <button
                type="button"
                key={one}
                aria-pressed={one === shown}
                onClick={() => show({ show: one === "all" ? "" : one, event: "", row: "" })}
              >
                {SHOWN[one]}
              </button>
            ))}
          </div>
          <select
            aria-label="Alert"
            value={alert}
            onChange={(event) => show({ alert: event.currentTarget.value, event: "", row: "" })}
          >
            <option value="">any alert</option>
            {alert && !alerts.value?.some(({ name }) => name === alert) && (
              <option value={alert}>{alert}</option>
            )}
            {alerts.value?.map(({ name }) => (
              <option value={name}>{name}</option>
            ))}
          </select>
        </div>
        {connection.value === "lost" && (
          <p class="trouble" role="status">
            The connection is lost. The page retries by itself, and misses no event.
          </p>
        )}
        {gaps.value.map((gap) => (
          <p class="note" key={gap.first}>
            The store no longer has events {count(gap.first)} to {count(gap.last)}.
          </p>
        ))}
        {list.length === 0 && <Nothing shown={shown} />}
        <ol class="events">
          {list.map((event) => (
            <li key={event.event}>
              <EventRow
                event={event}
                onOpen={() => tile && go(link(["tiles", String(tile.row)]))}
                chosen={event === chosen}
                onChoose={() => {
                  show({ event: String(event.event), row: "" });
                  if (NARROW.matches) document.querySelector(".event-detail")?.scrollIntoView();
                }}
              />
            </li>
          ))}
        </ol>
        {more && (
          <button type="button" class="older" disabled={loading} onClick={() => void older()}>
            {loading ? "Loading…" : "Older events"}
          </button>
        )}
      </section>
      {chosen && (
        <EventDetail
          event={chosen}
          tiles={tiles}
          tile={tile}
          settled={settled}
          onTile={(row) => show({ event: String(chosen.event), row: String(row) })}
        />
      )}
    </main>
  );
}

/** Whether what is shown may be judged: not just after a newer event took its place by itself. */
function useSettled(shown: number | null, pinned: boolean): () => boolean {
  const since = useRef<{ event: number | null; at: number }>({ event: null, at: 0 });
  if (since.current.event !== shown) {
    const followed = since.current.event !== null && !pinned;
    since.current = { event: shown, at: followed ? performance.now() : 0 };
  }
  return () => {
    const { at } = since.current;
    if (pinned || !at || performance.now() - at > JUST_NOW) return true;
    message.value = "A newer event has just arrived. Look at it before you judge it.";
    return false;
  };
}

function Nothing({ shown }: { shown: Shown }) {
  if (events.value.length) return <p class="empty">No event of this kind yet.</p>;
  if (connection.value !== "live") return <p class="empty">Connecting…</p>;
  return (
    <p class="empty">
      {shown === "all" ? "No event yet. " : "No event of this kind yet. "}
      {station.value?.watch?.running ? (
        "The watch reports a scene when it arrives."
      ) : (
        <>
          No watch runs. Start one: <code>scenehash watch FOLDER --store STORE</code>
        </>
      )}
    </p>
  );
}

function EventRow({
  event,
  chosen,
  onChoose,
  onOpen,
}: {
  event: WatchEvent;
  chosen: boolean;
  onChoose(): void;
  onOpen(): void;
}) {
  const tile = tilesOf(event)[0];
  const rows = tilesOf(event).flatMap(matchesOf);
  return (
    <button
      type="button"
      class="event"
      data-event={event.event}
      tabIndex={chosen ? 0 : -1}
      aria-pressed={chosen}
      onClick={onChoose}
      onKeyDown={(pressed) => {
        if (pressed.key !== "Enter" || !chosen) return;
        pressed.preventDefault();
        onOpen();
      }}
    >
      <span class="small">
        {tile ? (
          <TilePicture row={tile.row} alt="" size={96} />
        ) : (
          <span class="gone" aria-hidden="true">
            {event.kind === "set_aside" ? "!" : event.kind === "answer" ? "?" : "·"}
          </span>
        )}
      </span>
      <span class="what">
        <span class="name">{titleOf(event)}</span>
        <span class="chips">
          {alertsOf(event).map((one) => (
            <Flag
              key={one.name}
              name={one.name}
              text={counted(one.distance, "bit")}
              verdict={overall(rows.filter((row) => row.name === one.name))}
            />
          ))}
          {changedIn(event) > 0 && <span class="flag changed">{count(changedIn(event))} changed</span>}
          {event.kind === "set_aside" && <span class="flag aside">set aside</span>}
        </span>
      </span>
      <span class="when">
        <time dateTime={event.at}>{event.at ? agoText(event.at, clock.value) : ""}</time>
        {noveltyOf(event) !== null && (
          <span title={NOVELTY}>novelty {counted(noveltyOf(event)!, "bit")}</span>
        )}
      </span>
    </button>
  );
}

function Flag({ name, text, verdict }: { name: string; text: string; verdict: string | null }) {
  return (
    <span class={`flag alert ${verdict ?? ""}`}>
      {verdict && (
        <span class="tick" aria-label={verdict}>
          {verdict === "rejected" ? "✗" : "✓"}
        </span>
      )}
      <b>{name}</b> {text}
    </span>
  );
}

function EventDetail({
  event,
  tiles,
  tile,
  settled,
  onTile,
}: {
  event: WatchEvent;
  tiles: EventTile[];
  tile: EventTile | null;
  settled(): boolean;
  onTile(row: number): void;
}) {
  const other = tile?.repeat ?? tile?.nearest[0] ?? null;
  return (
    <section class="event-detail" aria-label={`Event ${event.event}`}>
      <header>
        <h2 title={event.kind === "answer" ? undefined : event.scene}>
          {event.kind !== "answer" && event.scene ? <FileName name={named(event.scene)} /> : titleOf(event)}
        </h2>
        <p>
          Event {count(event.event)}
          {event.at && `, ${timeText(event.at)}`}
        </p>
      </header>
      {event.kind === "set_aside" && <p class="trouble">{event.reason}</p>}
      {event.kind === "restored" && (
        <p class="note">
          The store was restored from a backup. The numbers of events continue after the last one.
        </p>
      )}
      {event.kind === "damaged" && (
        <p class="trouble">This event is damaged in the store, and cannot be shown.</p>
      )}
      {event.kind === "answer" && <Answer event={event} />}
      {tile && matchesOf(tile).map((match) => <Judge key={match.name} match={match} settled={settled} />)}
      {tile && (
        <div class="pair">
          <figure>
            <TilePicture row={tile.row} alt={`tile ${tile.row}`} size={512} />
            <figcaption>
              new: <a href={link(["tiles", String(tile.row)])}>tile {tile.row}</a>
            </figcaption>
          </figure>
          {other && (
            <figure>
              <TilePicture row={other.row} alt={`tile ${other.row}`} size={512} />
              <figcaption>
                {tile.repeat ? `before, ${timeText(tile.repeat.time)}: ` : "nearest stored: "}
                <a href={link(["tiles", String(other.row)])}>tile {other.row}</a>,{" "}
                {counted(other.distance, "bit")}
              </figcaption>
            </figure>
          )}
        </div>
      )}
      {tile?.repeat && (
        <p class={tile.repeat.changed ? "verdict changed" : "verdict"}>
          {tile.repeat.changed ? <b>The place has changed.</b> : <b>The place has not changed.</b>}{" "}
          {counted(tile.repeat.distance, "bit")} between the two, {Math.round(100 * tile.repeat.overlap)} %
          overlap.
        </p>
      )}
      {tiles.length > 1 && (
        <ul class="strip" aria-label="Tiles of the scene">
          {tiles.map((one) => (
            <li key={one.row}>
              <button
                type="button"
                aria-pressed={one === tile}
                aria-label={`Tile ${one.row}${one.repeat?.changed ? ", changed" : ""}`}
                class={one.alerts.length ? "alert" : one.repeat?.changed ? "changed" : ""}
                onClick={() => onTile(one.row)}
              >
                <TilePicture row={one.row} alt="" size={96} />
              </button>
            </li>
          ))}
        </ul>
      )}
      <div class="about">
        <Facts
          facts={[
            tile ? ["Novelty", <Novelty bits={tile.novelty} />] : false,
            event.time !== undefined && ["Taken", timeText(event.time)],
            tile ? ["Place", footprintText(tile.footprint)] : false,
            event.tiles !== undefined && [
              "Stored",
              `${counted(event.tiles, "tile")}${event.skipped ? `, ${event.skipped} without enough data skipped` : ""}`,
            ],
            !!event.labels?.length && ["Labels", event.labels.join(", ")],
            !!event.scene && event.kind !== "answer" && ["File", <FileName name={event.scene} />, "path"],
          ]}
        />
        {tile?.footprint && <Locator ring={tile.footprint} />}
      </div>
      <div class="actions">
        {tile && (
          <a class="button" href={link(["search"], { q: `row:${tile.row}` })}>
            Search with this tile
          </a>
        )}
        {tile && (
          <a class="button" href={link(["tiles", String(tile.row)])}>
            Open in scene
          </a>
        )}
        {event.kind === "set_aside" && (
          <a class="button" href={link(["quarantine"])}>
            Quarantine
          </a>
        )}
      </div>
    </section>
  );
}

/** What an event is called: its scene, or what it says. */
function titleOf(event: WatchEvent): string {
  if (event.kind === "answer" && event.question !== undefined)
    return `Answer to question ${count(event.question)}, ${counted(event.hits?.length ?? 0, "hit")}`;
  return event.scene ? named(event.scene) : (TITLES[event.kind] ?? event.kind);
}

/** What a station found for a question; the rows are its own. */
function Answer({ event }: { event: WatchEvent }) {
  const hits = event.hits ?? [];
  return (
    <>
      <p>
        <b>{event.station}</b> found {counted(hits.length, "hit")}
        {event.searched !== undefined && ` among its ${counted(event.searched, "tile")}`}.
      </p>
      {hits.length > 0 && (
        <ol class="answer">
          {hits.slice(0, MOST_HITS).map((hit) => (
            <li key={hit.row}>
              {counted(hit.distance, "bit")}: <span title={hit.scene}>{named(hit.scene)}</span>, its row{" "}
              {count(hit.row)}
            </li>
          ))}
        </ol>
      )}
    </>
  );
}

/** How new a tile is, on the scale from a stored tile to what two codes of nothing in common have. */
function Novelty({ bits }: { bits: number | null }) {
  if (bits === null) return <>first in the store</>;
  const chance = (station.value?.store.bits ?? 64) / 2;
  return (
    <span title={NOVELTY}>
      <Meter share={bits / chance} /> {counted(bits, "bit")} to the nearest stored tile; {chance} is chance
    </span>
  );
}

function Judge({ match, settled }: { match: Match; settled(): boolean }) {
  const verdict = verdictOf(match.name, match.row);
  const examples = alerts.value?.find(({ name }) => name === match.name)?.examples ?? [];
  const others = examples.filter((text) => text !== `row:${match.row}`).slice(0, MOST_EXAMPLES);
  const [busy, setBusy] = useState(false);
  const act = async (how: "confirm" | "reject"): Promise<void> => {
    if (!settled()) return;
    setBusy(true);
    await judge(match.name, match.row, how);
    setBusy(false);
  };
  return (
    <div class={`judge ${verdict ?? "open"}`}>
      <p>
        <a href={link(["alerts", match.name])}>
          <b>{match.name}</b>
        </a>{" "}
        {counted(match.distance, "bit")} away
        {match.expected
          ? `, by a rule with ${perThousand(match.expected.false_alarms_per_1000)} false alarms in 1,000 tiles`
          : `, radius ${match.radius}`}
      </p>
      {others.length > 0 && (
        <ul class="thumbs" aria-label={`Examples of ${match.name}`}>
          {others.map((text) => (
            <li key={text}>
              <ExamplePicture text={text} size={96} />
            </li>
          ))}
        </ul>
      )}
      {verdict && <p class="said">{verdict === "confirmed" ? "✓ confirmed" : "✗ rejected"}</p>}
      {may("confirm") && (
        <div class="actions">
          <button
            type="button"
            class="confirm"
            disabled={busy || verdict === "confirmed"}
            onClick={() => void act("confirm")}
            title="The tile is of the kind (C)"
          >
            Confirm
          </button>
          <button
            type="button"
            class="reject"
            disabled={busy || verdict === "rejected"}
            onClick={() => void act("reject")}
            title="It is a false alarm (X)"
          >
            Reject
          </button>
        </div>
      )}
    </div>
  );
}

function belongs(event: WatchEvent, shown: Shown, alert: string): boolean {
  if (alert && !alertsOf(event).some((one) => one.name === alert)) return false;
  if (shown === "alerts") return alertsOf(event).length > 0;
  if (shown === "changed") return changedIn(event) > 0;
  return shown === "all" || event.kind === shown;
}

function tilesOf(event: WatchEvent): EventTile[] {
  return event.matches ?? (event.tile ? [event.tile] : []);
}

function matchesOf(tile: EventTile): Match[] {
  return tile.alerts.map((one) => ({ ...one, row: tile.row }));
}

/** The alerts of an event; one of a single tile has them in the tile. */
function alertsOf(event: WatchEvent): { name: string; distance: number }[] {
  return event.alerts ?? event.tile?.alerts ?? [];
}

function changedIn(event: WatchEvent): number {
  return event.changed ?? Number(event.tile?.repeat?.changed ?? 0);
}

function noveltyOf(event: WatchEvent): number | null {
  return event.novelty ?? event.tile?.novelty ?? null;
}

function overall(matches: Match[]): string | null {
  const verdicts = new Set(matches.map((match) => verdictOf(match.name, match.row)));
  if (verdicts.size !== 1) return verdicts.has("confirmed") ? "confirmed" : null;
  return [...verdicts][0] ?? null;
}
