// What is around every view: the bar, sign-in, help with keys, messages.

import { effect, signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { address, go, link } from "./address";
import { api, type Session, type Station } from "./api";
import { DISPLAY_NAMES, DISPLAYS, display, singleKeys, type Display } from "./display";
import { agoText, count, named } from "./format";
import { connection, events } from "./live";
import { problemOf } from "./loaded";
import { Trouble } from "./trouble";

export const session = signal<Session | null>(null);
export const station = signal<Station | null>(null);
/** The time, for "3 min ago". */
export const clock = signal(Date.now());
/** A line about what was just done, read out by screen readers. */
export const message = signal("");

const VIEWS: { path: string; name: string; key: string }[] = [
  { path: "search", name: "Search", key: "1" },
  { path: "live", name: "Live", key: "2" },
  { path: "alerts", name: "Alerts", key: "3" },
  { path: "scenes", name: "Scenes", key: "4" },
  { path: "quarantine", name: "Quarantine", key: "5" },
  { path: "station", name: "Station", key: "6" },
];

/** The views that there are: an engine has searches, and what was pushed to it. */
function views(): typeof VIEWS {
  return session.value?.engine ? VIEWS.filter(({ path }) => path === "search" || path === "station") : VIEWS;
}

const STATION_EVERY = 10_000;
const MESSAGE_FOR = 6_000;

const ranks = { read: 0, confirm: 1, write: 2 };
export function may(scope: "read" | "confirm" | "write"): boolean {
  const own = session.value?.scope;
  return own !== null && own !== undefined && ranks[own] >= ranks[scope];
}

export function useTitle(title: string): void {
  useEffect(() => {
    const path = session.value?.engine ?? station.value?.store.path;
    const store = path && named(path);
    document.title = [title, store, "scenehash"].filter(Boolean).join(" · ");
  }, [title, session.value?.engine ?? station.value?.store.path]);
}

type Keys = Record<string, (() => unknown) | undefined>;

/** Keys of a view. They do nothing where text is entered, or when single keys are off. */
export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      if (!singleKeys.value || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey)
        return;
      if (
        (event.target as Element).closest(
          "input:not([type=checkbox], [type=range], [type=file]), select, textarea, dialog",
        )
      )
        return;
      const act = latest.current[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);
}

/** The station's state, asked again and again while the page is seen. */
export function watchStation(): void {
  const ask = (): void => {
    if (document.hidden || session.value?.scope === null) return;
    api.station().then(
      (found) => (station.value = found),
      () => undefined,
    );
  };
  ask();
  setInterval(ask, STATION_EVERY);
  setInterval(() => (clock.value = Date.now()), 5_000);
  document.addEventListener("visibilitychange", ask);
}

effect(() => {
  if (!message.value) return undefined;
  const timer = setTimeout(() => (message.value = ""), MESSAGE_FOR);
  return () => clearTimeout(timer);
});

export function Shell({ children }: { children: ComponentChildren }) {
  const here = address.value.path[0] ?? "search";
  const current = here === "tiles" ? "search" : here;
  const help = useRef<HTMLDialogElement>(null);
  useKeys({
    "?": () => help.current?.showModal(),
    "/": () => {
      if (current !== "search" || address.value.path[0] === "tiles") go(link(["search"]));
      setTimeout(() => document.querySelector<HTMLElement>("[data-focus=query]")?.focus());
    },
    ...Object.fromEntries(views().map(({ path, key }) => [key, () => go(link([path]))])),
  });
  const state = station.value;
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          const main = document.getElementById("main");
          main?.setAttribute("tabindex", "-1");
          main?.focus();
        }}
      >
        Skip to the content
      </a>
      <header class="bar">
        <a class="mark" href="/search" aria-label="scenehash, new search">
          <Mark />
          <span>scenehash</span>
        </a>
        <nav aria-label="Views">
          {views().map(({ path, name }) => (
            <a key={path} href={link([path])} aria-current={current === path ? "page" : undefined}>
              {name}
              {path === "quarantine" && !!state?.quarantine && (
                <span class="badge" aria-label={`${state.quarantine} set aside`}>
                  {count(state.quarantine)}
                </span>
              )}
            </a>
          ))}
        </nav>
        <Status />
        <DisplayMenu />
        <button
          type="button"
          class="quiet"
          aria-label="Help and keys"
          title="Help and keys (?)"
          onClick={() => help.current?.showModal()}
        >
          ?
        </button>
      </header>
      {children}
      <p class={`message${message.value ? " shown" : ""}`} role="status">
        {message.value}
      </p>
      <Help dialog={help} />
    </>
  );
}

/** Eight by eight cells, as a code has bits. */
function Mark() {
  const rows = [0x18, 0x3c, 0x66, 0xdb, 0xdb, 0x66, 0x3c, 0x18];
  return (
    <svg viewBox="0 0 8 8" aria-hidden="true">
      {rows.flatMap((row, y) =>
        Array.from({ length: 8 }, (_, x) =>
          (row >> (7 - x)) & 1 ? <rect x={x + 0.06} y={y + 0.06} width="0.88" height="0.88" /> : null,
        ),
      )}
    </svg>
  );
}

function Status() {
  const engine = session.value?.engine;
  if (engine)
    return (
      <p class="status">
        <span class="store" title={engine}>
          {named(engine)}
        </span>
      </p>
    );
  const state = station.value;
  const newest = events.value[0];
  const watching = state?.watch?.running;
  const [level, text] =
    connection.value === "lost"
      ? ["bad", "connection lost, retrying"]
      : connection.value === "connecting"
        ? ["idle", "connecting"]
        : watching
          ? ["good", "watching"]
          : ["idle", "no watch"];
  return (
    <p class="status">
      <a href={link(["live"])} class={`state ${level}`}>
        <span class="lamp" aria-hidden="true" />
        <span aria-live="polite">{text}</span>
      </a>
      {watching && !!state?.watch?.backlog && <span class="wide">backlog {count(state.watch.backlog)}</span>}
      {newest?.at && <span class="wide">last event {agoText(newest.at, clock.value)}</span>}
      {state && (
        <span class="store" title={state.store.path}>
          {named(state.store.path)}
        </span>
      )}
    </p>
  );
}

function DisplayMenu() {
  return (
    <select
      class="quiet"
      aria-label="Display"
      value={display.value}
      onChange={(event) => (display.value = event.currentTarget.value as Display)}
    >
      {DISPLAYS.map((name) => (
        <option value={name}>{DISPLAY_NAMES[name]}</option>
      ))}
    </select>
  );
}

const KEYS: [string, string][] = [
  ["1 … 6", "go to a view"],
  ["/", "choose an image to search with"],
  ["arrows, Home, End", "move between hits or events"],
  ["Enter", "open the selected hit or event"],
  ["M, N", "more like this hit, not like this hit"],
  ["C, X", "confirm or reject the selected event"],
  ["[, ]", "in a scene: previous hit, next hit"],
  ["D, T", "in a scene: dim outside the tile, show the tiles"],
  ["B", "in a scene: back to the hits"],
  ["+, −, arrows", "on a map with the focus: zoom, move"],
  ["Enter on the map", "choose the place at the cross in the middle"],
  ["?", "show this help"],
];

function Help({ dialog }: { dialog: { current: HTMLDialogElement | null } }) {
  return (
    <dialog ref={dialog} aria-labelledby="help-title">
      <h2 id="help-title">Keys</h2>
      <dl class="keys">
        {KEYS.map(([keys, what]) => (
          <>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{what}</dd>
          </>
        ))}
      </dl>
      <label class="check">
        <input
          type="checkbox"
          checked={singleKeys.value}
          onChange={(event) => (singleKeys.value = event.currentTarget.checked)}
        />{" "}
        Use single keys
      </label>
      <p class="note">
        To share this view, send its address. For programs:{" "}
        <a href="/api/docs" target="_blank" rel="noopener">
          the HTTP API
        </a>
        ,{" "}
        <a href="/licences.txt" target="_blank" rel="noopener">
          licences
        </a>
        .
      </p>
      <form method="dialog">
        <button class="primary" autofocus>
          Close
        </button>
      </form>
    </dialog>
  );
}

export function SignIn() {
  const [trouble, setTrouble] = useState("");
  const [token, setToken] = useState("");
  const enter = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      session.value = await api.signIn(token.trim());
    } catch (error) {
      setTrouble(problemOf(error).message);
    }
  };
  return (
    <main class="sign-in" id="main">
      <Mark />
      <h1>This station needs a token</h1>
      <form onSubmit={(event) => void enter(event)}>
        <label>
          Token
          <input
            type="password"
            autocomplete="current-password"
            value={token}
            onInput={(event) => setToken(event.currentTarget.value)}
            autofocus
          />
        </label>
        <button class="primary" type="submit">
          Sign in
        </button>
      </form>
      <Trouble>{trouble}</Trouble>
      <p class="note">
        The operator of the station makes one with <code>scenehash serve token add</code>
      </p>
    </main>
  );
}
