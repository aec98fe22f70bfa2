// The radius of an alert, chosen on what it would have matched among the stored tiles.

import { useRef } from "preact/hooks";
import type { AlertTest } from "./api";
import { count, counted } from "./format";
import { events } from "./live";
import type { WatchEvent } from "./api";

interface Props {
  test: AlertTest;
  radius: number;
  onChange(radius: number): void;
}

/** Tiles at each distance; those within the radius are filled. */
export function RadiusChart({ test, radius, onChange }: Props) {
  const chart = useRef<HTMLDivElement>(null);
  const at = test.matches.map((matches, i) => matches - (test.matches[i - 1] ?? 0));
  const farthest = at.length - 1;
  const most = Math.max(1, ...at);
  // A square root: a few tiles near the examples are seen beside thousands far away.
  const height = (tiles: number): number => (tiles ? Math.max(3, 100 * Math.sqrt(tiles / most)) : 0);
  const pick = (event: PointerEvent): void => {
    const { left, width } = chart.current!.getBoundingClientRect();
    onChange(Math.max(0, Math.min(farthest, Math.floor(((event.clientX - left) / width) * at.length))));
  };
  const every = farthest > 64 ? 16 : 4;
  return (
    <div class="radius">
      <div
        class="bars"
        ref={chart}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          pick(event);
        }}
        onPointerMove={(event) => event.buttons === 1 && pick(event)}
      >
        <svg
          viewBox={`0 0 ${at.length} 100`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`Stored tiles at each distance from the examples, 0 to ${farthest} bits`}
        >
          {at.map((tiles, distance) => (
            <rect
              key={distance}
              class={distance <= radius ? "in" : "out"}
              x={distance + 0.08}
              width="0.84"
              y={100 - height(tiles)}
              height={height(tiles)}
            >
              <title>{`${counted(tiles, "tile")} at ${counted(distance, "bit")}`}</title>
            </rect>
          ))}
        </svg>
        <span class="cut" style={{ left: `${(100 * (radius + 1)) / at.length}%` }} />
        <span
          class="proposed"
          style={{ left: `${(100 * (test.proposed + 1)) / at.length}%` }}
          title={`proposed: ${test.proposed} bits`}
        />
      </div>
      <div class="ticks" aria-hidden="true">
        {at.map(
          (_, i) =>
            i % every === 0 && (
              <span key={i} style={{ left: `${(100 * (i + 0.5)) / at.length}%` }}>
                {i}
                {i === 0 ? " bits" : ""}
              </span>
            ),
        )}
      </div>
      <div class="set">
        <label>
          Radius
          <input
            type="range"
            min={0}
            max={farthest}
            value={radius}
            aria-valuetext={counted(radius, "bit")}
            onInput={(event) => onChange(Number(event.currentTarget.value))}
          />
        </label>
        <output>{counted(radius, "bit")}</output>
        {radius !== test.proposed && (
          <button type="button" onClick={() => onChange(test.proposed)}>
            Use the proposed {counted(test.proposed, "bit")}
          </button>
        )}
      </div>
    </div>
  );
}

/** What a radius means: how much it would have matched, and how often it is to be expected. */
export function Expectation({ test, radius }: { test: AlertTest; radius: number }) {
  const matches = test.matches[radius] ?? 0;
  const share = test.tiles ? matches / test.tiles : 0;
  const rate = arrivals(events.value);
  return (
    <p class="expectation" role="status">
      It would have matched <b>{count(matches)}</b> of {counted(test.tiles, "stored tile")} ({percent(share)}
      ).
      {rate !== null && (
        <>
          {" "}
          {count(Math.round(rate))} tiles arrive a day: expect <b>{alarms(share * rate)}</b>, if few of the
          stored tiles are of the kind.
        </>
      )}
      {test.precision && test.recall && (
        <>
          {" "}
          For the label: precision <b>{test.precision[radius]?.toFixed(2)}</b>, recall{" "}
          <b>{test.recall[radius]?.toFixed(2)}</b>.
        </>
      )}
    </p>
  );
}

/** Tiles that arrive in a day, by the events that are known; null when they tell too little. */
export function arrivals(known: WatchEvent[]): number | null {
  const stored = known.filter((event) => event.at && event.tiles && event.kind === "scene");
  const times = stored.map((event) => Date.parse(event.at!));
  const span = Math.max(...times) - Math.min(...times);
  if (stored.length < 5 || span < 600_000) return null;
  return (stored.reduce((sum, event) => sum + event.tiles!, 0) * 86_400_000) / span;
}

/** A number of alarms a day, in words. */
export const alarms = (n: number): string =>
  n < 0.1
    ? "fewer than 1 alarm in 10 days"
    : n < 10
      ? `about ${n.toFixed(1)} alarms a day`
      : `about ${count(Math.round(n))} alarms a day`;

function percent(share: number): string {
  if (share === 0) return "0 %";
  return share < 0.001 ? "less than 0.1 %" : `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}
