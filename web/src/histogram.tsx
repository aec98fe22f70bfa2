// When scenes were taken, as a histogram to brush a span of time on.

import { useRef, useState } from "preact/hooks";
import type { Times } from "./api";
import { DayField } from "./dayField";
import { counted, timeText } from "./format";

interface Props {
  times: Times;
  since: string;
  until: string;
  /** Days as 2014-07-20; "" leaves that end open. */
  onChange(since: string, until: string): void;
}

const DAY = 86_400_000;
/** What a key moves an end by, of the whole, where there are no bins: an engine counts none. */
const STEPS = 48;

export function Histogram({ times, since, until, onChange }: Props) {
  const chart = useRef<HTMLDivElement>(null);
  const [brush, setBrush] = useState<[number, number] | null>(null);
  if (!times.since || !times.until) return <p class="note">No stored scene has a time.</p>;
  const first = Date.parse(times.since);
  const last = Math.max(Date.parse(times.until), first + DAY);
  const share = (time: number): number => Math.max(0, Math.min(1, (time - first) / (last - first)));
  const bins = readable(times.bins);
  const most = Math.max(...bins.map((bin) => bin.scenes));
  const chosen: [number, number] = brush ?? [
    since ? share(Date.parse(since)) : 0,
    until ? share(Date.parse(until)) : 1,
  ];
  const day = (part: number): string => new Date(first + part * (last - first)).toISOString().slice(0, 10);
  const where = (event: PointerEvent): number => {
    const { left, width } = chart.current!.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - left) / width));
  };
  const apply = ([from, to]: [number, number]): void => {
    onChange(from <= 0 ? "" : day(from), to >= 1 ? "" : day(to));
  };
  const step = (event: KeyboardEvent, end: 0 | 1): void => {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const moved: [number, number] = [...chosen];
    moved[end] = Math.max(0, Math.min(1, moved[end] + by / (bins.length || STEPS)));
    if (moved[0] <= moved[1]) apply(moved);
  };

  return (
    <div class="histogram">
      <div
        class="bars"
        ref={chart}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          const at = where(event);
          setBrush([at, at]);
        }}
        onPointerMove={(event) => {
          if (brush) setBrush([brush[0], where(event)]);
        }}
        onPointerUp={() => {
          if (!brush) return;
          const [from, to] = [...brush].sort((a, b) => a - b) as [number, number];
          setBrush(null);
          apply(to - from < 0.01 ? [0, 1] : [from, to]);
        }}
      >
        <svg
          viewBox={`0 0 ${bins.length} 100`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`Acquisition times of the scenes, ${timeText(times.since)} to ${timeText(times.until)}`}
        >
          {bins.map((bin, i) => {
            const height = bin.scenes && Math.max(6, (100 * bin.scenes) / most);
            const middle = (i + 0.5) / bins.length;
            const inside = middle >= Math.min(...chosen) && middle <= Math.max(...chosen);
            return (
              <rect
                key={bin.since}
                class={inside ? "in" : "out"}
                x={i + 0.1}
                width="0.8"
                y={100 - height}
                height={height}
              >
                <title>{`${timeText(bin.since)} to ${timeText(bins[i + 1]?.since ?? times.until)}: ${counted(bin.scenes, "scene")}`}</title>
              </rect>
            );
          })}
        </svg>
        <span
          class="span"
          style={{ left: `${100 * Math.min(...chosen)}%`, right: `${100 - 100 * Math.max(...chosen)}%` }}
        />
        {([0, 1] as const).map((end) => (
          <span
            class="handle"
            role="slider"
            tabIndex={0}
            aria-label={end ? "Until" : "Since"}
            aria-valuemin={0}
            aria-valuemax={100}
            aria-valuenow={Math.round(100 * chosen[end])}
            aria-valuetext={day(chosen[end])}
            style={{ left: `${100 * chosen[end]}%` }}
            onKeyDown={(event) => step(event, end)}
          />
        ))}
      </div>
      <p class="note axis" aria-hidden="true">
        <span>{times.since.slice(0, 10)}</span>
        <span>{times.until.slice(0, 10)}</span>
      </p>
      <div class="ends">
        <DayField name="Since" value={since.slice(0, 10)} onChange={(day) => onChange(day, until)} />
        <span aria-hidden="true">–</span>
        <DayField name="Until" value={until.slice(0, 10)} onChange={(day) => onChange(since, day)} />
      </div>
      {!!times.without && (since || until) && (
        <p class="note">{counted(times.without, "scene")} without a time are left out.</p>
      )}
    </div>
  );
}

/**
 * The bins, several taken together where few scenes would leave most of them empty.
 *
 * How many: the Rice rule, twice the cube root of the number of scenes.
 */
function readable(bins: Times["bins"]): Times["bins"] {
  const scenes = bins.reduce((sum, bin) => sum + bin.scenes, 0);
  const wanted = 2 * Math.cbrt(scenes);
  const together = [1, 2, 3, 4, 6].find((some) => bins.length / some <= wanted) ?? 8;
  return bins
    .filter((_, i) => i % together === 0)
    .map(({ since }, i) => ({
      since,
      scenes: bins.slice(i * together, (i + 1) * together).reduce((sum, bin) => sum + bin.scenes, 0),
    }));
}
