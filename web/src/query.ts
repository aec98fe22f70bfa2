// A search as its address has it, and as the API takes it.
//
// A query is written row:12, row:STATION/12, code:HEX, upload:ID, scene:ID or at:LAT,LON; a window follows as
// @x,y,w,h. An upload is forgotten after a while, so its address also has its code:
// upload:ID;code:HEX

import type { AskedQuery, FilterBody, Query, SearchBody, SearchResult, Window } from "./api";
import { boxAround, type Box, type Ring } from "./geo";

export const DEFAULT_HITS = 20;
export const HIT_COUNTS = [20, 50, 100, 200, 500];

/** An area is a box, or rings; longitudes of rings may go on past 180. */
export type Area = { box: Box } | { rings: Ring[] };

export interface Search {
  like: string[];
  unlike: string[];
  k: number;
  radius: number | null;
  since: string;
  until: string;
  label: string;
  station: string;
  scene: string;
  area: Area | null;
  rerank: Order;
  group: boolean;
}

const ORDERS = ["mixed", "thumbnails", "vectors", "bits", "none"] as const;
/** How hits are ordered anew; "" is what the store suggests. */
export type Order = "" | (typeof ORDERS)[number];

/** Parameters that make up a search; all others say how it is shown. */
const PARAMETERS = [
  "q",
  "not",
  "k",
  "radius",
  "since",
  "until",
  "label",
  "station",
  "scene",
  "bbox",
  "area",
  "rerank",
  "group",
];

export function searchOf(params: URLSearchParams): Search {
  const rerank = params.get("rerank");
  return {
    like: params.getAll("q").filter(makesSense),
    unlike: params.getAll("not").filter(makesSense),
    k: wholeOf(params.get("k")) || DEFAULT_HITS,
    radius: wholeOf(params.get("radius")),
    since: params.get("since") ?? "",
    until: params.get("until") ?? "",
    label: params.get("label") ?? "",
    station: params.get("station") ?? "",
    scene: params.get("scene") ?? "",
    area: areaOf(params.get("bbox"), params.get("area")),
    rerank: ORDERS.find((order) => order === rerank) ?? "",
    group: params.get("group") === "true",
  };
}

export function paramsOf(search: Search): URLSearchParams {
  const params = new URLSearchParams();
  search.like.forEach((query) => params.append("q", query));
  search.unlike.forEach((query) => params.append("not", query));
  if (search.k !== DEFAULT_HITS) params.set("k", String(search.k));
  if (search.radius !== null) params.set("radius", String(search.radius));
  for (const name of ["since", "until", "label", "station", "scene", "rerank"] as const) {
    if (search[name]) params.set(name, search[name]);
  }
  if (search.area) params.set("box" in search.area ? "bbox" : "area", areaText(search.area));
  if (search.group) params.set("group", "true");
  return params;
}

/** What of an address is the search: two with the same key have the same hits. */
export function searchKey(params: URLSearchParams): string {
  const kept = new URLSearchParams();
  for (const name of PARAMETERS) params.getAll(name).forEach((value) => kept.append(name, value));
  return kept.toString();
}

export function bodyOf(search: Search, like: Query[], unlike: Query[]): SearchBody {
  return {
    queries: like,
    not: unlike,
    k: search.k,
    ...(search.radius === null ? {} : { radius: search.radius }),
    ...(search.rerank ? { rerank: search.rerank } : {}),
    group: search.group,
    filter: filterOf(search),
  };
}

export function filterOf(search: Search): FilterBody {
  const { since, until, label, station, scene, area } = search;
  return {
    ...(since ? { since } : {}),
    ...(until ? { until: endOf(until) } : {}),
    ...(label ? { label } : {}),
    ...(station ? { station } : {}),
    ...(scene ? { scene } : {}),
    ...(area && ("box" in area ? { bbox: area.box } : { area: geojsonOf(area.rings) })),
  };
}

/** The search as GET /api/search takes it; what has no text there is given by its code. */
export function apiParams(search: Search, asked: AskedQuery[], not: AskedQuery[]): URLSearchParams {
  const params = paramsOf(search);
  const texts = (queries: string[], answers: AskedQuery[]): string[] =>
    queries.flatMap((text, i) => {
      const { kind } = parsed(text);
      const codes = answers[i]?.codes ?? [];
      return kind === "row" || kind === "code" || kind === "at" || !codes.length
        ? [text]
        : codes.map((code) => `code:${code}`);
    });
  if (search.until) params.set("until", endOf(search.until));
  params.delete("q");
  params.delete("not");
  texts(search.like, asked).forEach((text) => params.append("q", text));
  texts(search.unlike, not).forEach((text) => params.append("not", text));
  if (search.area && "rings" in search.area) params.set("area", JSON.stringify(geojsonOf(search.area.rings)));
  return params;
}

/** The query as the API takes it. `expired` has the uploads that the server has forgotten. */
export function queryOf(text: string, expired: ReadonlySet<string> = new Set()): Query {
  const { kind, value, window, code } = parsed(text);
  const part = window ? { window } : {};
  if (kind === "row") {
    const at = value.lastIndexOf("/");
    return { row: Number(value.slice(at + 1)), ...(at < 0 ? {} : { station: value.slice(0, at) }) };
  }
  if (kind === "upload" && expired.has(value) && code) return { code };
  if (kind === "upload") return { upload: value, ...part };
  if (kind === "scene") return { scene: value, ...part };
  if (kind === "at") {
    const [latitude = 0, longitude = 0] = value.split(",").map(Number);
    return { at: [latitude, longitude] };
  }
  return { code: value };
}

/** The last instant of a day; a time with a clock is what it is. */
export function endOf(until: string): string {
  return until.length === 10 ? `${until}T23:59:59.999Z` : until;
}

export interface ParsedQuery {
  kind: "row" | "code" | "upload" | "scene" | "at" | "none";
  value: string;
  window: Window | null;
  code: string | null;
}

const QUERY = /^(row|code|upload|scene|at):([^@;]+)(?:@(\d+,\d+,\d+,\d+))?(?:;code:([0-9a-f]+))?$/;

export function parsed(text: string): ParsedQuery {
  const found = QUERY.exec(text.trim());
  if (!found) return { kind: "none", value: text, window: null, code: null };
  const [, kind, value = "", window, code = null] = found;
  return {
    kind: kind as ParsedQuery["kind"],
    value,
    window: window ? (window.split(",").map(Number) as Window) : null,
    code,
  };
}

export function makesSense(text: string): boolean {
  const { kind, value } = parsed(text);
  if (kind === "row") return /^([^/]+\/)?\d{1,15}$/.test(value);
  if (kind === "at") return /^-?\d+(\.\d+)?,-?\d+(\.\d+)?$/.test(value);
  if (kind === "code") return /^([0-9a-f]{2})+$/i.test(value);
  return kind !== "none" && /^[0-9a-z-]+$/i.test(value);
}

/** Adds an example, or takes it from the other side; a second time changes nothing. */
export function withExample(search: Search, query: string, side: "like" | "unlike"): Search {
  const other = side === "like" ? "unlike" : "like";
  const mine = search[side].includes(query) ? search[side] : [...search[side], query];
  return { ...search, [side]: mine, [other]: search[other].filter((one) => one !== query) };
}

export function withoutExample(search: Search, query: string): Search {
  const keep = (texts: string[]): string[] => texts.filter((one) => one !== query);
  return { ...search, like: keep(search.like), unlike: keep(search.unlike) };
}

/** The search with another example in the place of one, on its side. */
export function withOther(search: Search, query: string, other: string): Search {
  const swap = (texts: string[]): string[] => [...new Set(texts.map((one) => (one === query ? other : one)))];
  return { ...search, like: swap(search.like), unlike: swap(search.unlike) };
}

/** An upload, or a part of it, as an address has it; code: where it is one tile. */
export function uploadText(id: string, window: Window | null, code: string | null): string {
  return `upload:${id}${window ? `@${window.join(",")}` : ""}${code ? `;code:${code}` : ""}`;
}

/** The search with the codes of uploads, where they were not known; null where nothing is new. */
export function withCodes(search: Search, result: SearchResult): Search | null {
  let changed = false;
  const coded = (texts: string[], asked: AskedQuery[]): string[] =>
    texts.map((text, i) => {
      const { kind, value, window, code } = parsed(text);
      const [found, ...more] = asked[i]?.codes ?? [];
      if (kind !== "upload" || code || !found || more.length) return text;
      changed = true;
      return uploadText(value, window, found);
    });
  const like = coded(search.like, result.queries);
  const unlike = coded(search.unlike, result.not);
  return changed ? { ...search, like, unlike } : null;
}

export function areaBox(area: Area): Box {
  return "box" in area ? area.box : boxAround(area.rings.flat());
}

const rounded = (degrees: number): number => Math.round(degrees * 1e5) / 1e5;

function areaText(area: Area): string {
  if ("box" in area) return area.box.map(rounded).join(",");
  return area.rings.map((ring) => ring.map((place) => place.map(rounded).join(",")).join(";")).join("|");
}

function areaOf(box: string | null, area: string | null): Area | null {
  if (area) {
    const rings = area.split("|").map((ring) => ring.split(";").map(numbers)) as Ring[];
    const sound = rings.every(
      (ring) => ring.length > 2 && ring.every((place) => place.length === 2 && place.every(Number.isFinite)),
    );
    return sound ? { rings } : null;
  }
  const values = box ? numbers(box) : [];
  return values.length === 4 && values.every(Number.isFinite) ? { box: values as Box } : null;
}

function geojsonOf(rings: Ring[]): GeoJSON.Polygon | GeoJSON.MultiPolygon {
  const closed = rings.map((ring) => [[...ring, ring[0]!]]);
  return closed.length === 1
    ? { type: "Polygon", coordinates: closed[0]! }
    : { type: "MultiPolygon", coordinates: closed };
}

const numbers = (text: string): number[] => text.split(",").map(Number);

/** A number that an address may hold; null where there is none. */
export function wholeOf(text: string | null): number | null {
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) : null;
}
