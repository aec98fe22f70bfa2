// The world outline (Natural Earth, public domain) and a grid of degrees, as a layer of Leaflet.

import L from "leaflet";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import coarse from "world-atlas/countries-110m.json?url";
import fine from "world-atlas/countries-50m.json?url";

/** From this zoom on the coast of 1:110 million is too coarse to be true. */
const FINE_FROM = 4;
/** A line of the grid every so many degrees: the smallest that keeps them this far apart. */
const STEPS = [30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001];
const LEAST_SPACING = 120;
const TILE = 256;

/** A country in Web Mercator, 0 to 1: its rings as x, y, x, y ... and the box around them. */
interface Shape {
  rings: Float64Array[];
  box: [number, number, number, number];
}

const loaded = new Map<string, Promise<Shape[]>>();

function shapes(url: string): Promise<Shape[]> {
  let found = loaded.get(url);
  if (!found) {
    found = fetch(url)
      .then((answer) => answer.json())
      .then(projected);
    loaded.set(url, found);
  }
  return found;
}

function projected(topology: Topology<{ countries: GeometryCollection }>): Shape[] {
  return feature(topology, topology.objects.countries).features.flatMap(({ geometry }) => {
    const parts =
      geometry.type === "Polygon"
        ? [geometry.coordinates]
        : geometry.type === "MultiPolygon"
          ? geometry.coordinates
          : [];
    return parts.map(shapeOf);
  });
}

function shapeOf(polygon: number[][][]): Shape {
  const box: Shape["box"] = [Infinity, 1, -Infinity, 0];
  const rings = polygon.map((ring) => {
    const flat: number[] = [];
    let turn = 0;
    ring.forEach(([longitude = 0, latitude = 0], i) => {
      const [x, y] = mercator(longitude, latitude);
      // A ring across the antimeridian goes on past 1.
      if (i) turn -= Math.round(x + turn - flat[2 * i - 2]!);
      flat.push(x + turn, y);
    });
    const [first, last] = [flat[0]!, flat.at(-2)!];
    // A ring around the pole is closed along the lower edge of the map.
    if (Math.abs(last - first) > 0.5) flat.push(last, 1, first, 1);
    for (let i = 0; i < flat.length; i += 2) {
      box[0] = Math.min(box[0], flat[i]!);
      box[1] = Math.min(box[1], flat[i + 1]!);
      box[2] = Math.max(box[2], flat[i]!);
      box[3] = Math.max(box[3], flat[i + 1]!);
    }
    return new Float64Array(flat);
  });
  return { rings, box };
}

function mercator(longitude: number, latitude: number): [number, number] {
  const sine = Math.sin((Math.max(-85.06, Math.min(85.06, latitude)) * Math.PI) / 180);
  return [longitude / 360 + 0.5, 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)];
}

export class WorldLayer extends L.GridLayer {
  override createTile(coords: L.Coords, done: L.DoneCallback): HTMLElement {
    const canvas = document.createElement("canvas");
    const sharp = Math.min(2, window.devicePixelRatio || 1);
    canvas.width = canvas.height = TILE * sharp;
    shapes(coords.z < FINE_FROM ? coarse : fine).then(
      (all) => {
        const context = canvas.getContext("2d");
        if (context) paint(context, all, coords, sharp);
        done(undefined, canvas);
      },
      (error: Error) => done(error, canvas),
    );
    return canvas;
  }
}

function paint(context: CanvasRenderingContext2D, all: Shape[], tile: L.Coords, sharp: number): void {
  const style = getComputedStyle(document.documentElement);
  const scale = 2 ** tile.z;
  context.scale(sharp * TILE, sharp * TILE);
  context.fillStyle = style.getPropertyValue("--sea");
  context.fillRect(0, 0, 1, 1);

  context.fillStyle = style.getPropertyValue("--land");
  context.strokeStyle = style.getPropertyValue("--coast");
  context.lineWidth = 1 / TILE;
  context.lineJoin = "round";
  for (const { rings, box } of all) {
    for (const turn of [-1, 0, 1]) {
      const west = (box[0] + turn) * scale - tile.x;
      const east = (box[2] + turn) * scale - tile.x;
      if (west > 1 || east < 0 || box[1] * scale - tile.y > 1 || box[3] * scale - tile.y < 0) continue;
      context.beginPath();
      for (const ring of rings) trace(context, ring, tile.x - turn * scale, tile.y, scale);
      context.fill("evenodd");
      context.stroke();
    }
  }
  grid(context, tile, style.getPropertyValue("--graticule"));
}

function trace(
  context: CanvasRenderingContext2D,
  ring: Float64Array,
  left: number,
  top: number,
  scale: number,
): void {
  context.moveTo(ring[0]! * scale - left, ring[1]! * scale - top);
  for (let i = 2; i < ring.length; i += 2)
    context.lineTo(ring[i]! * scale - left, ring[i + 1]! * scale - top);
}

function grid(context: CanvasRenderingContext2D, tile: L.Coords, colour: string): void {
  const scale = 2 ** tile.z;
  const step = STEPS.findLast((degrees) => (degrees / 360) * scale * TILE >= LEAST_SPACING) ?? 30;
  const degreesAtX = (x: number) => (x / scale - 0.5) * 360;
  const degreesAtY = (y: number) => (Math.atan(Math.sinh(Math.PI * (1 - (2 * y) / scale))) * 180) / Math.PI;
  context.strokeStyle = colour;
  context.beginPath();
  for (let x = Math.ceil(degreesAtX(tile.x) / step) * step; x < degreesAtX(tile.x + 1); x += step) {
    const at = (x / 360 + 0.5) * scale - tile.x;
    context.moveTo(at, 0);
    context.lineTo(at, 1);
  }
  for (let y = Math.ceil(degreesAtY(tile.y + 1) / step) * step; y < degreesAtY(tile.y); y += step) {
    const at = mercator(0, y)[1] * scale - tile.y;
    context.moveTo(0, at);
    context.lineTo(1, at);
  }
  context.stroke();
}
