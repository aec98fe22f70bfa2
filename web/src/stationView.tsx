// The health of the station: what it holds, what waits, what runs short.

import { useEffect, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { link } from "./address";
import { api, type Station } from "./api";
import { Facts, ModelFacts } from "./facts";
import { agoText, bytesText, count, counted, durationText, named, timeText } from "./format";
import { Codes } from "./codes";
import { useJobs } from "./jobs";
import { JobTable } from "./jobTable";
import { connection } from "./live";
import { useLoaded } from "./loaded";
import { Meter } from "./meter";
import { TilePicture } from "./pictures";
import { clock, may, session, station, useTitle } from "./shell";

type Level = "good" | "warn" | "bad" | "none";

/** Where a reading starts to worry: degrees Celsius, shares of a whole, scenes. */
const HOT = [70, 80] as const;
const DISK_LEFT = [0.1, 0.03] as const;
const MEMORY_LEFT = [0.15, 0.05] as const;
const BACKLOG = [50, 500] as const;
/** A watch says how it is at least this often, in milliseconds. */
const SILENT = 120_000;

export function StationView() {
  const [turn, setTurn] = useState(0);
  const store = useLoaded("store", (stop) => api.store(stop), turn);
  const { jobs, again } = useJobs();
  useTitle("Station");
  useEffect(() => {
    const timer = setInterval(() => setTurn((n) => n + 1), 10_000);
    return () => clearInterval(timer);
  }, []);
  const state = station.value;
  if (!state)
    return (
      <main class="page" id="main">
        <h1>Station</h1>
        <p class="empty">
          {connection.value === "lost" ? "The station does not answer. Retrying…" : "Loading…"}
        </p>
      </main>
    );
  return (
    <main class="page station" id="main">
      <header class="head">
        <h1>Station</h1>
        <p>
          {named(state.store.path)}, scenehash {state.version}, running since {timeText(state.started)}.
          Updated {agoText(state.at, clock.value)}.
        </p>
      </header>
      <div class="readings">
        <Watch state={state} />
        <Reading
          name="Backlog"
          level={above(state.watch?.backlog, BACKLOG)}
          value={state.watch ? count(state.watch.backlog) : "–"}
          unit={state.watch ? "scenes waiting" : "no watch"}
        >
          {state.watch && `${count(state.watch.settling)} still being written`}
        </Reading>
        <Reading
          name="Last scene"
          level="none"
          value={state.last_scene ? named(state.last_scene.path) : "none"}
          small
        >
          {state.last_scene && <a href={link(["scenes", state.last_scene.id])}>open</a>}{" "}
          {state.last_scene?.time && `taken ${timeText(state.last_scene.time)}`}
        </Reading>
        <Reading
          name="Quarantine"
          level={state.quarantine ? "warn" : "good"}
          value={count(state.quarantine)}
          unit="set aside"
        >
          <a href={link(["quarantine"])}>list</a>
        </Reading>
        <Reading
          name="Disk"
          level={below(state.disk.free / state.disk.total, DISK_LEFT)}
          value={bytesText(state.disk.free)}
          unit="free"
        >
          <Meter share={1 - state.disk.free / state.disk.total} /> of {bytesText(state.disk.total)}
        </Reading>
        <Reading
          name="Memory"
          level={below(state.memory.available / state.memory.total, MEMORY_LEFT)}
          value={bytesText(state.memory.available)}
          unit="free"
        >
          <Meter share={1 - state.memory.available / state.memory.total} /> of {bytesText(state.memory.total)}
        </Reading>
        <Reading
          name="Temperature"
          level={above(state.temperature, HOT)}
          value={state.temperature === null ? "–" : `${state.temperature.toFixed(0)} °C`}
        >
          {state.temperature === null && "no readable sensor on this board"}
        </Reading>
        <Reading name="Load" level="none" value={state.load[0].toFixed(2)} unit="1 min">
          {state.load[1].toFixed(2)} in 5 min, {state.load[2].toFixed(2)} in 15
        </Reading>
      </div>
      <section class="block two">
        <div>
          <h2>Store</h2>
          <Facts
            facts={[
              ["Folder", state.store.path, "path"],
              [
                "Holds",
                `${counted(state.store.scenes, "scene")}, ${counted(state.store.tiles, "tile")}, ${bytesText(state.store.bytes)}`,
              ],
              ["Codes", `${state.store.bits} bits`],
              !!store.data && [
                "Index",
                store.data.indexed
                  ? `${counted(store.data.indexed, "tile")}`
                  : "none: so few tiles are compared one by one",
              ],
              !!store.data && [
                "Thumbnails",
                store.data.thumbnails === null
                  ? "none are kept"
                  : `${count(store.data.thumbnails)}, ${bytesText(store.data.thumbnail_bytes)}`,
              ],
              [
                "Events",
                state.events.newest
                  ? `${count(state.events.oldest ?? 1)} to ${count(state.events.newest)}`
                  : "none yet",
              ],
              ["Alerts", <a href={link(["alerts"])}>{count(state.alerts)}</a>],
            ]}
          />
        </div>
        <div>
          <ModelFacts
            model={state.model}
            fits="yes: it made this store"
            otherwise="no: another model made this store; you cannot search with images"
          />
        </div>
      </section>
      {jobs && <Codes jobs={jobs} lineage={state.model.lineage} again={again} />}
      {state.last_scene && (
        <section class="block">
          <h2>Last scene</h2>
          <ul class="thumbs large">
            {rowsOf(state.last_scene.rows).map((row) => (
              <li key={row}>
                <a href={link(["tiles", String(row)])}>
                  <TilePicture row={row} alt={`tile ${row}`} size={160} />
                </a>
              </li>
            ))}
          </ul>
        </section>
      )}
      <JobTable jobs={jobs ?? []} again={again} />
      <section class="block actions">
        <a class="button" href="/metrics" target="_blank" rel="noopener">
          Metrics for Prometheus
        </a>
        <a class="button" href="/api/docs" target="_blank" rel="noopener">
          The HTTP API
        </a>
        {session.value?.token_needed && (
          <button type="button" onClick={() => void api.signOut().then(() => location.reload())}>
            Sign out{session.value.name && ` ${session.value.name}`}
          </button>
        )}
        {!may("write") && <span class="note">The scope of your token is {session.value?.scope}.</span>}
      </section>
    </main>
  );
}

function Watch({ state }: { state: Station }) {
  const { watch } = state;
  if (!watch)
    return (
      <Reading name="Watch" level="warn" value="none">
        No watch has run on this store.
      </Reading>
    );
  const silent = Date.parse(state.at) - Date.parse(watch.at) > SILENT;
  return (
    <Reading
      name="Watch"
      level={!watch.running ? "bad" : silent ? "warn" : "good"}
      value={watch.running ? "running" : "stopped"}
    >
      {watch.running ? (
        <>
          {counted(watch.folders.length, "folder")}, {watch.scenes_per_minute.toFixed(1)} scenes a minute
          {watch.seconds.to_event !== undefined && `, events after ${durationText(watch.seconds.to_event)}`}
        </>
      ) : (
        `since ${timeText(watch.at)}`
      )}
    </Reading>
  );
}

function Reading({
  name,
  level,
  value,
  unit,
  small,
  children,
}: {
  name: string;
  level: Level;
  value: string;
  unit?: string;
  small?: boolean;
  children?: ComponentChildren;
}) {
  return (
    <section class={`reading ${level}`} aria-label={name}>
      <h2>
        {name}
        {level === "bad" || level === "warn" ? <span class="hidden">: needs attention</span> : null}
      </h2>
      <p class={small ? "value small" : "value"}>
        <span title={value}>{value}</span>
        {unit && <small>{unit}</small>}
      </p>
      <p class="more">{children}</p>
    </section>
  );
}

function rowsOf([first, last]: [number, number]): number[] {
  return Array.from({ length: Math.min(12, last - first + 1) }, (_, i) => first + i);
}

function above(value: number | null | undefined, [warn, bad]: readonly [number, number]): Level {
  if (value === null || value === undefined) return "none";
  return value >= bad ? "bad" : value >= warn ? "warn" : "good";
}

function below(value: number, [warn, bad]: readonly [number, number]): Level {
  return value <= bad ? "bad" : value <= warn ? "warn" : "good";
}
