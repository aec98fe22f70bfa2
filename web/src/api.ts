// The HTTP API as docs/http.md has it: what it answers, and how it is asked.

import type { Box, Ring } from "./geo";

/** x, y, width, height in pixels of the scene. */
export type Window = [number, number, number, number];
/** Corner by corner, longitude and latitude. */
export type Footprint = Ring;

/** A tile's number; STATION/NUMBER where an engine has the tiles of several stations. */
export type Row = number | string;

export type Query = (
  | { row: number; station?: string }
  | { code: string }
  | { upload: string }
  | { scene: string }
  | { at: [number, number] }
) & { window?: Window };

export interface FilterBody {
  scene?: string;
  label?: string;
  station?: string;
  since?: string;
  until?: string;
  bbox?: Box;
  near?: [number, number, number];
  area?: GeoJSON.Polygon | GeoJSON.MultiPolygon;
  newer_than?: number;
}

export interface SearchBody {
  queries: Query[];
  not?: Query[];
  k?: number;
  radius?: number;
  rerank?: "mixed" | "thumbnails" | "vectors" | "bits" | "none";
  group?: boolean;
  filter?: FilterBody;
}

export interface AskedQuery {
  text: string;
  scene: string | null;
  row: number | null;
  tiles: number;
  tiles_skipped: number;
  blank: boolean;
  codes: string[];
}

/** The word beside a distance. */
export type Word =
  "same_place" | "same_kind" | "likely_same_kind" | "doubtful" | "other_kind" | "unlike_anything_stored";

export interface Hit {
  rank: number;
  distance: number;
  row: Row;
  scene: string;
  window: Window;
  time: string | null;
  footprint: Footprint | null;
  labels: string[];
  same_place: boolean;
  match: Word;
  hamming_rank: number;
  station: string | null;
}

export interface SearchResult {
  queries: AskedQuery[];
  not: AskedQuery[];
  store: string;
  k: number;
  radius: number | null;
  bits: number;
  model: string;
  searched: number;
  milliseconds: number;
  /** The largest distance of each word, and that of a nearest hit that is like something stored. */
  match_distances: { same_kind: number; likely_same_kind: number; doubtful: number; nearest: number };
  reranked: { by: string[]; compared: Record<string, number> } | null;
  warnings: string[];
  hits: Hit[];
  groups?: Row[][];
}

export interface Upload {
  upload: string;
  name: string;
  bytes: number;
  width: number;
  height: number;
  time: string | null;
  footprint: Footprint | null;
  code: string | null;
  tiles: number;
  expires: string;
}

export interface Scene {
  id: string;
  path: string;
  time: string | null;
  labels: string[];
  tiles: number;
  rows: [number, number];
  bbox: Box | null;
}

export interface SceneDetail extends Scene {
  footprint: Footprint | null;
  width: number | null;
  height: number | null;
  available: boolean;
  /** Why its file cannot be shown. */
  unavailable: string | null;
}

export interface Tile {
  row: number;
  scene: string;
  id: string;
  window: Window;
  time: string | null;
  footprint: Footprint | null;
  labels: string[];
  code: string;
}

export interface Times {
  since: string | null;
  until: string | null;
  bins: { since: string; scenes: number }[];
  /** Null where they are not counted. */
  without: number | null;
}

/** How an alert decides that was made for a false alarm rate. */
export interface AlertRule {
  kind: string;
  of: string;
  asked: string;
  false_alarms_per_1000: number;
  recall: number | null;
  tiles: number;
  /** Whether it is of the examples that the alert has now. */
  fitted: boolean;
}

export interface Alert {
  name: string;
  radius: number;
  examples: string[];
  negatives: string[];
  rule: AlertRule | null;
}

/** What decides: a radius in bits, or a false alarm rate such as 1/day or 2/1000. */
export type Decision = { radius: number } | { false_alarms: string };

export interface AlertTest extends Omit<Alert, "name"> {
  name: string | null;
  proposed: number;
  tiles: number;
  matches: number[];
  precision?: number[];
  recall?: number[];
  /** What the alert as it is matches of the tiles that are no examples. */
  measured: {
    tiles: number;
    matches: number;
    recall: number | null;
    false_alarms_per_1000: number | null;
  };
}

/** An alert that a tile matches; with `expected` where a rule decided. */
export interface AlertMatch {
  name: string;
  distance: number;
  radius: number;
  expected?: { false_alarms_per_1000: number; recall: number | null };
}

export interface EventTile {
  row: number;
  window: Window;
  footprint: Footprint | null;
  novelty: number | null;
  alerts: AlertMatch[];
  repeat: {
    row: number;
    scene: string;
    time: string;
    distance: number;
    overlap: number;
    changed: boolean;
  } | null;
  nearest: { row: number; distance: number; scene: string }[];
}

/** An event of a watch (docs/watch.md#events). */
export interface WatchEvent {
  event: number;
  store: string;
  kind: "scene" | "tile" | "set_aside" | "restored" | "damaged" | "station" | "answer";
  at?: string;
  scene?: string;
  content?: string;
  time?: string | null;
  bbox?: Box | null;
  labels?: string[];
  tiles?: number;
  skipped?: number;
  rows?: [number, number];
  novelty?: number | null;
  alerts?: { name: string; tiles: number; distance: number }[];
  repeats?: number;
  changed?: number;
  matches?: EventTile[];
  tile?: EventTile;
  reason?: string;
  /** Of an answer: the station that gave it, to which question, and what it found. */
  station?: string;
  question?: number;
  searched?: number;
  hits?: { row: number; distance: number; scene: string; window: Window }[];
}

export interface EventPage {
  store: string;
  oldest: number | null;
  newest: number;
  events: WatchEvent[];
}

export interface StoreInfo {
  store: string;
  scenes: number;
  tiles: number;
  bits: number;
  lineage: string;
  model: string;
  /** Null where the store keeps none. */
  thumbnails: number | null;
  thumbnail_bytes: number;
  bytes: number;
  indexed: number;
  deleted: number;
}

export interface Station {
  at: string;
  version: string;
  started: string;
  store: { path: string; uuid: string; scenes: number; tiles: number; bits: number; bytes: number };
  watch: {
    running: boolean;
    at: string;
    folders: string[];
    backlog: number;
    settling: number;
    stored: number;
    set_aside: number;
    scenes_per_minute: number;
    /** Of a scene, by stage; of stages that have run. */
    seconds: Partial<Record<"read" | "match" | "store" | "to_event", number>>;
  } | null;
  last_scene: Scene | null;
  events: { oldest: number | null; newest: number };
  quarantine: number;
  alerts: number;
  disk: { free: number; total: number };
  memory: { available: number; total: number };
  temperature: number | null;
  load: [number, number, number];
  model: { name: string; lineage: string; bits: number; tile_size: number; fits: boolean };
}

/** What the collection of an engine has, and of which stations. */
export interface Collection {
  at: string;
  version: string;
  started: string;
  engine: {
    address: string;
    name: string;
    tiles: number;
    bits: number;
    lineage: string;
    model: string;
    stations: {
      name: string;
      tiles: number;
      scenes: number;
      labels: string[];
      since: string | null;
      until: string | null;
      placed: boolean;
    }[];
  };
  model: Station["model"];
}

export interface SetAside {
  path: string;
  reason: string;
  time: string;
}

export interface Job {
  id: string;
  kind: string;
  arguments: Record<string, unknown>;
  state: "waiting" | "running" | "cancelling" | "done" | "failed" | "cancelled";
  task: string | null;
  done: number;
  total: number;
  started: string | null;
  ended: string | null;
  messages: string[];
  result: Record<string, unknown> | null;
  error: { title: string; detail: string } | null;
}

export interface Measure {
  before: number;
  after: number;
}

/** What an adaptation made, and how its codes were judged. */
export interface Adapted {
  model: string | null;
  better: boolean;
  gain: number;
  /** The share of tiles whose leading bits are those of another: high where the model knows the archive. */
  familiarity: number;
  /** Whether all tiles look alike to the model, as those of open sea do. */
  one_kind: boolean;
  agreement: Measure;
  steadiness: Measure | null;
  unreachable: number;
  card: { lineage: string; adaptation: { tiles: number; labelled: number; judged: number } };
}

/** What became of the scenes of a store that got other codes. */
export interface Rehashed {
  lineage: string;
  scenes_from_vectors: number;
  scenes_from_codes: number;
  scenes_rehashed: number;
  scenes_moved: number;
  scenes_unreachable: number;
  alerts: { name: string; disabled: boolean }[];
  seconds: number;
}

export interface Session {
  token_needed: boolean;
  name: string | null;
  scope: "read" | "confirm" | "write" | null;
  accepts_scenes: boolean;
  /** The address of the engine that is served; null for a store. */
  engine: string | null;
}

/** What the server refused: its problem document, in the words of the command. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail);
  }
}

type Values = Record<string, string | number | boolean | null | undefined>;

function path(to: string, values: Values = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== null && value !== "") params.set(name, String(value));
  }
  const query = params.toString();
  return `/api/${to}${query && `?${query}`}`;
}

async function ask<T>(url: string, init: RequestInit = {}): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(url, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Problem(0, "The station does not answer. Check that scenehash serve is running.");
  }
  if (answer.status === 401) window.dispatchEvent(new Event("scenehash:signed-out"));
  if (!answer.ok) throw new Problem(answer.status, await detailOf(answer));
  return answer.status === 204 ? (undefined as T) : ((await answer.json()) as T);
}

async function detailOf(answer: Response): Promise<string> {
  try {
    const problem = (await answer.json()) as { detail?: unknown };
    if (typeof problem.detail === "string") return problem.detail;
  } catch {
    // No problem document: a proxy answered.
  }
  return `The station answered ${answer.status} ${answer.statusText}`.trim();
}

const get = <T>(to: string, values: Values = {}, signal?: AbortSignal): Promise<T> =>
  ask<T>(path(to, values), signal ? { signal } : {});

const send = <T>(method: string, to: string, body?: unknown, signal?: AbortSignal): Promise<T> =>
  ask<T>(path(to), {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    ...(signal ? { signal } : {}),
  });

const alertPath = (name: string): string => `alerts/${encodeURIComponent(name)}`;

/** The answer of an engine, with rows that say of which station they are. */
function withStations(result: SearchResult): SearchResult {
  if (!/^(milvus|pg):\/\//.test(result.store)) return result;
  const hits = result.hits.map((hit) => ({ ...hit, row: `${hit.station}/${hit.row}` }));
  // A row alone is of the one station that all hits are of.
  const whole = (row: Row): Row => (typeof row === "number" ? `${result.hits[0]?.station}/${row}` : row);
  return { ...result, hits, ...(result.groups && { groups: result.groups.map((rows) => rows.map(whole)) }) };
}

export const api = {
  session: () => get<Session>("session"),
  signIn: (token: string) => send<Session>("POST", "session", { token }),
  signOut: () => send<void>("DELETE", "session"),

  search: (body: SearchBody, signal?: AbortSignal) =>
    send<SearchResult>("POST", "search", body, signal).then(withStations),
  upload: (file: Blob, name: string) =>
    ask<Upload>(path("uploads", { name }), {
      method: "POST",
      body: file,
      headers: { "Content-Type": "application/octet-stream" },
    }),

  uploaded: (id: string) => get<Upload>(`uploads/${id}`),

  scenes: (values: Values, signal?: AbortSignal) =>
    get<{ store: string; scenes: Scene[]; next: number | null }>("scenes", values, signal),
  scene: (id: string, signal?: AbortSignal) => get<SceneDetail>(`scenes/${id}`, {}, signal),
  sceneTiles: (id: string, after?: number, signal?: AbortSignal) =>
    get<{ tiles: Omit<Tile, "code">[]; next: number | null }>(
      `scenes/${id}/tiles`,
      { limit: 1000, after },
      signal,
    ),
  tile: (row: number, signal?: AbortSignal) => get<Tile>(`tiles/${row}`, {}, signal),
  labels: (signal?: AbortSignal) =>
    get<{ labels: { label: string; scenes: number | null }[] }>("labels", {}, signal),
  times: (bins: number, signal?: AbortSignal) => get<Times>("times", { bins }, signal),

  alerts: (signal?: AbortSignal) => get<{ alerts: Alert[]; disabled: Alert[] }>("alerts", {}, signal),
  addAlert: (body: { name: string; examples: Query[]; not: Query[] } & Decision) =>
    send<Alert>("POST", "alerts", body),
  tryAlert: (
    body: { examples: Query[]; not: Query[]; label?: string } & Partial<Decision>,
    signal?: AbortSignal,
  ) => send<AlertTest>("POST", "alerts/test", body, signal),
  testAlert: (name: string, label: string | undefined, signal?: AbortSignal) =>
    get<AlertTest>(`${alertPath(name)}/test`, { label }, signal),
  decide: (name: string, decision: Decision) => send<Alert>("PATCH", alertPath(name), decision),
  judge: (name: string, row: number, verdict: "confirm" | "reject") =>
    send<Alert>("POST", `${alertPath(name)}/${verdict}`, { row }),
  removeAlert: (name: string) => send<{ removed: string }>("DELETE", alertPath(name)),

  events: (
    values: { limit?: number; before?: number; after?: number; alert?: string; kind?: string },
    signal?: AbortSignal,
  ) => get<EventPage>("events", values, signal),

  store: (signal?: AbortSignal) => get<StoreInfo>("store", {}, signal),
  collection: (signal?: AbortSignal) => get<Collection>("station", {}, signal),
  station: (signal?: AbortSignal) => get<Station>("station", {}, signal),
  addScene: (file: Blob, name: string) =>
    ask<Job>(path("scenes", { name }), {
      method: "POST",
      body: file,
      headers: { "Content-Type": "application/octet-stream" },
    }),
  quarantine: (signal?: AbortSignal) => get<{ quarantine: SetAside[] }>("quarantine", {}, signal),
  retry: () => send<Job>("POST", "quarantine/retry"),
  release: (paths: string[]) => send<{ released: number }>("POST", "quarantine/release", { paths }),
  jobs: (signal?: AbortSignal) => get<{ jobs: Job[] }>("jobs", {}, signal),
  job: (id: string, signal?: AbortSignal) => get<Job>(`jobs/${id}`, {}, signal),
  cancel: (id: string) => send<Job>("POST", `jobs/${id}/cancel`),
  adapt: (body: { anyway: boolean }) => send<Job>("POST", "adapt", body),
  rehash: (body: { model: "adapted"; require_all: boolean }) => send<Job>("POST", "rehash", body),
};

const part = (size: number, window?: Window): Values =>
  window ? { left: window[0], top: window[1], width: window[2], height: window[3], size } : { size };

/** Addresses of pictures, for <img> and the maps. */
export const picture = {
  // To look at: for single pixels there is the scene.
  tile: (row: Row, size = 256) => path(`tiles/${row}/image`, { size, format: "jpeg" }),
  thumbnail: (row: Row) => path(`tiles/${row}/thumbnail`),
  upload: (id: string, size = 256, window?: Window) => path(`uploads/${id}/image`, part(size, window)),
  scene: (id: string, size: number, window?: Window) => path(`scenes/${id}/window.png`, part(size, window)),
  map: (id: string) => `/api/scenes/${id}/map/{z}/{x}/{y}.png`,
};
