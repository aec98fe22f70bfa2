// Footprints and areas in degrees, WGS 84; the antimeridian is no border.

/** Longitude and latitude. */
export type Place = [number, number];
export type Ring = Place[];
/** West, south, east, north; west > east across the antimeridian. */
export type Box = [number, number, number, number];

/** The ring with longitudes that go on past 180, so that no side jumps round the world. */
export function unrolled(ring: Ring): Ring {
  let shift = 0;
  return ring.map(([x, y], i) => {
    const before = ring[i - 1];
    if (before) shift -= 360 * Math.round((x - before[0]) / 360);
    return [x + shift, y];
  });
}

/** A ring moved by whole turns so that its middle is within half a turn of a longitude. */
export function near(ring: Ring, longitude: number): Ring {
  const turn = 360 * Math.round((longitude - middle(ring)[0]) / 360);
  return ring.map(([x, y]) => [x + turn, y]);
}

export function middle(ring: Ring): Place {
  const xs = ring.map(([x]) => x);
  const ys = ring.map(([, y]) => y);
  return [(Math.min(...xs) + Math.max(...xs)) / 2, (Math.min(...ys) + Math.max(...ys)) / 2];
}

/** A longitude from -180 up to 180. */
export function wrapped(longitude: number): number {
  return ((((longitude + 180) % 360) + 360) % 360) - 180;
}

/** The box around places whose longitudes may go on past 180; west > east across the antimeridian. */
export function boxAround(ring: Ring): Box {
  const xs = ring.map(([x]) => x);
  const ys = ring.map(([, y]) => y);
  const west = Math.min(...xs);
  const east = Math.max(...xs);
  const south = Math.max(-90, Math.min(...ys));
  const north = Math.min(90, Math.max(...ys));
  return east - west >= 360 ? [-180, south, 180, north] : [wrapped(west), south, eastOf(east), north];
}

/** The corners of a box, on longitudes that go on past 180 where it crosses the antimeridian. */
export function corners([west, south, east, north]: Box): Ring {
  const end = east < west ? east + 360 : east;
  return [
    [west, north],
    [end, north],
    [end, south],
    [west, south],
  ];
}

/** Rings on one map: the longitudes begin in the middle of the widest gap between them. */
export function onOneMap(rings: Ring[]): Ring[] {
  if (!rings.length) return [];
  const flat = rings.map(unrolled);
  const turned = flat.map((ring) => (middle(ring)[0] + 720) % 360).sort((a, b) => a - b);
  let [width, first] = [-1, 0];
  turned.forEach((before, i) => {
    const after = turned[(i + 1) % turned.length]!;
    const gap = (after - before + 360) % 360 || 360;
    if (gap > width) [width, first] = [gap, after];
  });
  let start = first - width / 2;
  start -= 360 * Math.round((start + 180) / 360);
  return flat.map((ring) => {
    const turns = Math.floor((middle(ring)[0] - start) / 360);
    return ring.map(([x, y]) => [x - 360 * turns, y]);
  });
}

/** 43.3601°N 5.3214°E */
export function placeText([longitude, latitude]: Place, digits = 4): string {
  const x = wrapped(longitude);
  const northing = `${Math.abs(latitude).toFixed(digits)}°${latitude < 0 ? "S" : "N"}`;
  return `${northing} ${Math.abs(x).toFixed(digits)}°${x < 0 ? "W" : "E"}`;
}

/** Kilometres of a degree of latitude. */
const DEGREE = 111.2;

/** 43.36°N 5.32°E, 34 × 31 km: the middle and the extent of a box, as exact as its extent asks for. */
export function boxText(box: Box | null): string {
  if (!box) return "no footprint";
  const ring = corners(box);
  const [west, north] = ring[0]!;
  const [east, south] = ring[2]!;
  const height = (north - south) * DEGREE;
  const width = (east - west) * DEGREE * Math.cos((((north + south) / 2) * Math.PI) / 180);
  const digits = Math.max(1, Math.min(5, Math.round(3.6 - Math.log10(Math.max(width, height, 1e-3)))));
  return `${placeText(middle(ring), digits)}, ${extentText(width, height)}`;
}

/** The same of a footprint. */
export function footprintText(ring: Ring | null): string {
  return boxText(ring && boxAround(unrolled(ring)));
}

/** 34 × 31 km, or 640 × 640 m: by the larger side. */
function extentText(width: number, height: number): string {
  const larger = Math.max(width, height);
  const [unit, each] = larger < 1 ? ["m", 1000] : ["km", 1];
  const digits = larger * each < 10 ? 1 : 0;
  return `${(width * each).toFixed(digits)} × ${(height * each).toFixed(digits)} ${unit}`;
}

/**
 * The areas in a GeoJSON text, each by its outer ring; longitudes may go on past 180.
 *
 * Throws an Error with a line for a person on what holds no polygon.
 */
export function ringsOf(text: string): Ring[] {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new Error("The file is not GeoJSON. Save the area as GeoJSON in degrees (EPSG:4326).");
  }
  const rings: Ring[] = [];
  collect(document, rings, 0);
  if (!rings.length) throw new Error("The file has no polygon. An area is a Polygon or a MultiPolygon.");
  return rings;
}

function collect(value: unknown, rings: Ring[], depth: number): void {
  if (typeof value !== "object" || value === null || depth > 8) return;
  const { type, features, geometry, geometries, coordinates } = value as Record<string, unknown>;
  if (Array.isArray(features)) features.forEach((one) => collect(one, rings, depth + 1));
  if (Array.isArray(geometries)) geometries.forEach((one) => collect(one, rings, depth + 1));
  if (geometry) collect(geometry, rings, depth + 1);
  if (!Array.isArray(coordinates)) return;
  if (type === "Polygon") rings.push(ringOf(coordinates[0]));
  if (type === "MultiPolygon") coordinates.forEach((part) => rings.push(ringOf(part?.[0])));
}

function ringOf(points: unknown): Ring {
  if (!Array.isArray(points)) throw new Error("The file has a polygon without corners.");
  const ring = points.map((point): Place => {
    const [x, y] = Array.isArray(point) ? point : [];
    if (!Number.isFinite(x) || !Number.isFinite(y) || Math.abs(y) > 90 || Math.abs(x) > 540) {
      throw new Error("The file is not in degrees. Save it as GeoJSON in EPSG:4326.");
    }
    return [x, y];
  });
  const [first, last] = [ring[0], ring.at(-1)];
  if (first && last && ring.length > 3 && first[0] === last[0] && first[1] === last[1]) ring.pop();
  if (ring.length < 3) throw new Error("The file has a polygon of fewer than three corners.");
  return ring;
}

function eastOf(longitude: number): number {
  const x = wrapped(longitude);
  return x === -180 ? 180 : x;
}
