// What limits a search: distance, time, area, label, scene; and how hits are ordered.

import { api, type SearchResult } from "./api";
import { counted, named } from "./format";
import { Histogram } from "./histogram";
import { useLoaded } from "./loaded";
import { session } from "./shell";
import { areaName } from "./mapPanel";
import { HIT_COUNTS, type Search } from "./query";
import { TextField } from "./textField";
import { Trouble } from "./trouble";

const BINS = 48;

export function Filters({
  search,
  result,
  bits,
  onChange,
}: {
  search: Search;
  result: SearchResult | null;
  bits: number;
  onChange(search: Search): void;
}) {
  const times = useLoaded("times", (stop) => api.times(BINS, stop));
  const labels = useLoaded("labels", (stop) => api.labels(stop));
  const engine = session.value?.engine ?? null;
  const collection = useLoaded(engine, (stop) => api.collection(stop));
  const farthest = bits / 2;
  const set = (change: Partial<Search>): void => onChange({ ...search, ...change });
  const scenes = [...new Set(result?.hits.map((hit) => hit.scene) ?? [])];

  return (
    <section class="filters" aria-label="Filters">
      <fieldset>
        <legend>Time</legend>
        {times.data && (
          <Histogram
            times={times.data}
            since={search.since}
            until={search.until}
            onChange={(since, until) => set({ since, until })}
          />
        )}
        <Trouble problem={times.problem} />
      </fieldset>
      <fieldset>
        <legend>Area</legend>
        {search.area ? (
          <p class="chosen">
            <span>{areaName(search.area)}</span>
            <button type="button" onClick={() => set({ area: null })} aria-label="Clear area">
              ×
            </button>
          </p>
        ) : (
          <p class="note">Anywhere. Draw or import an area on the map.</p>
        )}
      </fieldset>
      <fieldset class="pair">
        <label>
          Label
          <select value={search.label} onChange={(event) => set({ label: event.currentTarget.value })}>
            <option value="">any</option>
            {search.label && !labels.data?.labels.some(({ label }) => label === search.label) && (
              <option value={search.label}>{search.label}</option>
            )}
            {labels.data?.labels.map(({ label, scenes: n }) => (
              <option value={label}>{n === null ? label : `${label} (${n})`}</option>
            ))}
          </select>
        </label>
        <label>
          Scene
          <TextField
            value={search.scene}
            placeholder="any"
            list="scenes-of-hits"
            title="The path of a scene, or the end of it"
            onDone={(scene) => set({ scene })}
          />
          <datalist id="scenes-of-hits">
            {scenes.map((scene) => (
              <option value={scene}>{named(scene)}</option>
            ))}
          </datalist>
        </label>
      </fieldset>
      {engine && (
        <fieldset>
          <label class="station">
            Station{" "}
            <select value={search.station} onChange={(event) => set({ station: event.currentTarget.value })}>
              <option value="">any</option>
              {collection.data?.engine.stations.map(({ name }) => (
                <option value={name}>{name}</option>
              ))}
            </select>
          </label>
        </fieldset>
      )}
      <fieldset>
        <legend>Distance</legend>
        <label class="slide">
          <input
            type="range"
            min={0}
            max={farthest}
            value={search.radius ?? farthest}
            aria-label="Largest distance"
            aria-valuetext={
              search.radius === null ? "any distance" : `at most ${counted(search.radius, "bit")}`
            }
            onChange={(event) => {
              const radius = Number(event.currentTarget.value);
              set({ radius: radius >= farthest ? null : radius });
            }}
          />
          <span>{search.radius === null ? "any" : `≤ ${counted(search.radius, "bit")}`}</span>
        </label>
      </fieldset>
      <fieldset class="pair order">
        <label>
          Hits
          <select value={search.k} onChange={(event) => set({ k: Number(event.currentTarget.value) })}>
            {[...new Set([...HIT_COUNTS, search.k])]
              .sort((a, b) => a - b)
              .map((n) => (
                <option value={n}>{n}</option>
              ))}
          </select>
        </label>
        <label hidden={engine !== null}>
          Order
          <select
            value={search.rerank}
            onChange={(event) => set({ rerank: event.currentTarget.value as Search["rerank"] })}
          >
            <option value="" title="The order that the store suggests">
              suggested
            </option>
            <option value="mixed">by codes and representations</option>
            <option value="vectors">by representations</option>
            <option value="bits">by certainty of bits</option>
            <option value="none">by distance alone</option>
          </select>
        </label>
      </fieldset>
      <label class="check">
        <input
          type="checkbox"
          checked={search.group}
          onChange={(event) => set({ group: event.currentTarget.checked })}
        />{" "}
        Group hits by place
      </label>
    </section>
  );
}
