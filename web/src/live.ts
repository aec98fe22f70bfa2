// The feed of events: history once, then each new event as it comes, across restarts of the server.

import { signal } from "@preact/signals";
import { api, type WatchEvent } from "./api";

/** As many events as the page keeps; older ones are loaded when they are asked for. */
const KEPT = 500;
const FIRST = 100;
const [SOONEST, LATEST] = [1_000, 30_000];

/** Newest first. */
export const events = signal<WatchEvent[]>([]);
export const connection = signal<"connecting" | "live" | "lost">("connecting");
/** Numbers of events that the station does not keep any more, as it said. */
export const gaps = signal<{ first: number; last: number }[]>([]);
/** How many older events there may be. */
export const oldest = signal<number | null>(null);

let source: EventSource | null = null;
let store: string | null = null;
let wait = SOONEST;
let retry: ReturnType<typeof setTimeout> | undefined;

/** Begins to listen; a second call begins anew. */
export function listen(): void {
  clearTimeout(retry);
  source?.close();
  connection.value = connection.value === "live" ? "lost" : connection.value;
  api.events(events.value.length ? { limit: 1 } : { limit: FIRST }).then(
    (page) => {
      if (store !== page.store) {
        // Another store has the address: its numbers are its own.
        const first = store === null;
        store = page.store;
        events.value = [];
        gaps.value = [];
        if (!first) return listen();
      }
      // A store without an event has none that is older than the next one.
      oldest.value = page.newest ? page.oldest : 1;
      if (!events.value.length) take(page.events);
      follow(events.value.length ? events.value[0]!.event : page.newest);
    },
    () => again(),
  );
}

export async function loadOlder(): Promise<void> {
  const before = events.value.at(-1)?.event;
  if (before === undefined) return;
  const page = await api.events({ before, limit: FIRST });
  const known = new Set(events.value.map((event) => event.event));
  const more = page.events.filter((event) => !known.has(event.event)).reverse();
  events.value = [...events.value, ...more];
  oldest.value = more.length ? page.oldest : before;
}

function follow(after: number): void {
  // The browser itself sends Last-Event-ID when it connects again.
  source = new EventSource(`/api/events/live?after=${after}`);
  source.onopen = () => {
    wait = SOONEST;
    connection.value = "live";
  };
  source.onmessage = (message) => {
    const event = parsed<WatchEvent>(message.data);
    if (!event) return;
    if (store !== null && event.store !== store) listen();
    else take([event]);
  };
  source.addEventListener("gap", (message) => {
    const gap = parsed<{ first: number; last: number }>((message as MessageEvent<string>).data);
    if (gap) gaps.value = [...gaps.value, gap];
  });
  source.onerror = () => {
    connection.value = "lost";
    // CONNECTING: the browser tries again by itself. CLOSED: it gave up, as when a proxy answered.
    if (source?.readyState === EventSource.CLOSED) again();
  };
}

function again(): void {
  connection.value = "lost";
  clearTimeout(retry);
  retry = setTimeout(listen, wait);
  wait = Math.min(LATEST, 2 * wait);
}

/** Adds events, each once, by number. */
function take(some: WatchEvent[]): void {
  const known = new Set(events.value.map((event) => event.event));
  const added = some.filter((event) => !known.has(event.event));
  if (!added.length) return;
  events.value = [...events.value, ...added].sort((a, b) => b.event - a.event).slice(0, KEPT);
}

function parsed<T>(text: string): T | null {
  try {
    return JSON.parse(text) as T;
  } catch {
    return null;
  }
}
