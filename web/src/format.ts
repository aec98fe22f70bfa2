// Numbers, times and names as the page writes them.

import type { Window, Word } from "./api";

/** What the words beside a distance mean; docs/search.md says how they were measured. */
export const WORDS: Record<Word, { name: string; meaning: string }> = {
  same_place: { name: "same place", meaning: "Query and hit show the same place." },
  same_kind: { name: "same kind", meaning: "At this distance most hits are of the query's kind." },
  likely_same_kind: {
    name: "likely same kind",
    meaning: "At this distance more than half of the hits are of the query's kind.",
  },
  doubtful: { name: "doubtful", meaning: "At this distance hits may be of another kind." },
  other_kind: { name: "other kind", meaning: "At this distance most hits are of another kind." },
  unlike_anything_stored: {
    name: "unlike anything stored",
    meaning: "Even the nearest stored tile is farther than usual for a known kind.",
  },
};

export const count = (n: number): string => n.toLocaleString("en");

export const counted = (n: number, one: string, many = `${one}s`): string =>
  `${count(n)} ${n === 1 ? one : many}`;

/** The last part of a path, which is what people call a file. */
export const named = (path: string): string => path.slice(path.lastIndexOf("/") + 1) || path;

/** 2014-07-20 13:05 UTC, as the whole station reads it. */
export function timeText(iso: string | null): string {
  if (!iso) return "no time";
  const date = new Date(iso);
  if (Number.isNaN(date.valueOf())) return iso;
  const text = date.toISOString();
  const clock = text.slice(11, 16);
  return clock === "00:00" ? text.slice(0, 10) : `${text.slice(0, 10)} ${clock} UTC`;
}

/** 256×256 px at 512, 0 */
export const windowText = ([x, y, width, height]: Window): string => `${width}×${height} px at ${x}, ${y}`;

/** "3 min ago"; long ago it is a date. */
export function agoText(iso: string, now: number): string {
  const seconds = Math.max(0, (now - Date.parse(iso)) / 1000);
  if (seconds < 10) return "now";
  if (seconds < 90) return `${Math.round(seconds)} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86400)} days ago`;
}

export function bytesText(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1000 ** power;
  return `${power && value < 100 ? value.toFixed(1) : Math.round(value)} ${units[power]}`;
}

export function durationText(seconds: number): string {
  if (seconds < 1) return `${Math.round(1000 * seconds)} ms`;
  if (seconds < 90) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

/** +16 %: how much more, of a share. */
export const gainText = (gain: number): string => `${gain > 0 ? "+" : ""}${Math.round(100 * gain)} %`;
