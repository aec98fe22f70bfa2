// The pixels of a scene, from the whole of it down to single pixels, dimmed outside one tile.

import L from "leaflet";
import { picture, type Window } from "./api";
import { MOTION } from "./display";

export interface SceneEvents {
  onTile(row: number): void;
  onCrop(window: Window): void;
  onDrawing(drawing: boolean): void;
  onView(): void;
}

/** What is in the middle of the view, in pixels of the scene, and how far it is enlarged (2^zoom). */
export interface SceneView {
  zoom: number;
  x: number;
  y: number;
}

const TILE = 256;
/** A pixel of the scene is at most 2^5 pixels of the screen wide. */
const CLOSEST = 5;
const LEAST_CROP = 8;
/** The API gives no smaller picture. */
const LEAST_SIZE = 16;

/** Pixels of the scene are coordinates: x to the right, y down. */
const PIXELS: L.CRS = L.extend({}, L.CRS.Simple, { transformation: new L.Transformation(1, 0, 1, 0) });

export class SceneMap {
  readonly map: L.Map;
  private readonly bounds: L.LatLngBounds;
  private readonly grid = L.layerGroup();
  private readonly shade = L.layerGroup();
  private readonly sketch = L.layerGroup();
  private cells = new Map<number, L.Rectangle>();
  private drawing = false;
  private start: L.LatLng | null = null;

  constructor(
    element: HTMLElement,
    id: string,
    private readonly width: number,
    private readonly height: number,
    private readonly events: SceneEvents,
  ) {
    this.bounds = L.latLngBounds([0, 0], [height, width]);
    this.map = L.map(element, {
      crs: PIXELS,
      minZoom: -12,
      maxZoom: CLOSEST,
      zoomSnap: 0.25,
      zoomDelta: 0.5,
      zoomControl: false,
      attributionControl: false,
      doubleClickZoom: false,
      ...MOTION,
    });
    this.map.fitBounds(this.bounds, { animate: false });
    const whole = Math.floor(this.map.getZoom() * 4) / 4;
    this.map.setMinZoom(Math.min(0, whole - 0.5));
    this.map.setMaxBounds(this.bounds.pad(0.5));
    L.control.zoom({ position: "topright" }).addTo(this.map);
    new ScenePixels(id, width, height).addTo(this.map);
    for (const layer of [this.grid, this.shade, this.sketch]) layer.addTo(this.map);
    this.map.on("mousedown", (event) => this.pressed(event.latlng));
    this.map.on("mousemove", (event) => this.moved(event.latlng));
    this.map.on("mouseup", (event) => this.released(event.latlng));
    this.map.on("moveend", () => this.events.onView());
    element.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.drawing) {
        this.draw(false);
        event.stopPropagation();
      }
    });
  }

  remove(): void {
    this.map.remove();
  }

  /** The windows that are stored as tiles; each can be chosen. */
  setTiles(tiles: { row: number; window: Window; title: string }[]): void {
    this.grid.clearLayers();
    this.cells.clear();
    // One dark path under the light cells: they are seen on bright scenes, too.
    const rings = tiles.map(({ window }) => ring(boundsOf(window)));
    L.polygon(rings, { className: "casing", interactive: false }).addTo(this.grid);
    for (const { row, window, title } of tiles) {
      const cell = L.rectangle(boundsOf(window), { className: "cell" });
      const text = document.createElement("span");
      text.textContent = title;
      cell.bindTooltip(text, { sticky: true, opacity: 1 });
      cell.on("click", () => {
        if (!this.drawing) this.events.onTile(row);
      });
      cell.addTo(this.grid);
      this.cells.set(row, cell);
    }
  }

  showGrid(shown: boolean): void {
    this.map.getContainer().classList.toggle("no-grid", !shown);
  }

  /** Dims all but a window; null dims nothing. */
  focus(window: Window | null, dimmed: boolean): void {
    this.shade.clearLayers();
    if (!window) return;
    const inside = boundsOf(window);
    if (dimmed) {
      const outside = this.bounds.pad(1);
      L.polygon([ring(outside), ring(inside)], { className: "shade", interactive: false }).addTo(this.shade);
    }
    L.rectangle(inside, { className: "focus", interactive: false }).addTo(this.shade);
  }

  fit(window: Window | null): void {
    if (window) this.map.fitBounds(boundsOf(window), { padding: [60, 60], maxZoom: 2, animate: false });
    else this.map.fitBounds(this.bounds, { animate: false });
  }

  /** One pixel of the scene on 2^zoom of the screen. */
  zoom(zoom: number): void {
    this.map.setZoom(zoom, { animate: false });
  }

  view(): SceneView {
    const { lat, lng } = this.map.getCenter();
    return { zoom: this.map.getZoom(), x: Math.round(lng), y: Math.round(lat) };
  }

  setView({ zoom, x, y }: SceneView): void {
    this.map.setView([y, x], zoom, { animate: false });
  }

  /** Starts or ends to draw a crop. */
  draw(drawing: boolean): void {
    this.drawing = drawing;
    this.start = null;
    this.sketch.clearLayers();
    this.map.getContainer().classList.toggle("drawing", drawing);
    if (drawing) {
      this.map.dragging.disable();
      this.map.getContainer().focus();
    } else {
      this.map.dragging.enable();
    }
    this.events.onDrawing(drawing);
  }

  private pressed(at: L.LatLng): void {
    if (this.drawing) this.start = at;
  }

  private moved(at: L.LatLng): void {
    if (!this.start) return;
    this.sketch.clearLayers();
    L.rectangle(L.latLngBounds(this.start, at), { className: "crop", interactive: false }).addTo(this.sketch);
  }

  private released(at: L.LatLng): void {
    const start = this.start;
    if (!start) return;
    this.start = null;
    const window = windowBetween(start, at, this.width, this.height);
    if (Math.min(window[2], window[3]) < LEAST_CROP) {
      this.sketch.clearLayers();
      return;
    }
    this.draw(false);
    this.events.onCrop(window);
  }
}

/** The part of a scene between two points, whole pixels, inside the scene. */
function windowBetween(one: L.LatLng, other: L.LatLng, width: number, height: number): Window {
  const inside = (value: number, most: number): number => Math.max(0, Math.min(most, value));
  const left = Math.round(inside(Math.min(one.lng, other.lng), width));
  const top = Math.round(inside(Math.min(one.lat, other.lat), height));
  const right = Math.round(inside(Math.max(one.lng, other.lng), width));
  const bottom = Math.round(inside(Math.max(one.lat, other.lat), height));
  return [left, top, right - left, bottom - top];
}

class ScenePixels extends L.GridLayer {
  constructor(
    private readonly id: string,
    private readonly sceneWidth: number,
    private readonly sceneHeight: number,
  ) {
    super({
      tileSize: TILE,
      maxNativeZoom: 0,
      minZoom: -12,
      maxZoom: CLOSEST,
      noWrap: true,
      bounds: L.latLngBounds([0, 0], [sceneHeight - 1e-6, sceneWidth - 1e-6]),
      keepBuffer: 1,
      className: "pixels",
    });
  }

  override createTile(coords: L.Coords, done: L.DoneCallback): HTMLElement {
    const image = document.createElement("img");
    image.alt = "";
    const side = TILE * 2 ** -coords.z;
    const left = coords.x * side;
    const top = coords.y * side;
    const width = Math.min(side, this.sceneWidth - left);
    const height = Math.min(side, this.sceneHeight - top);
    if (width < 1 || height < 1) {
      done(undefined, image);
      return image;
    }
    const size = Math.max(LEAST_SIZE, Math.round((TILE * Math.max(width, height)) / side));
    // At the edge of the scene a tile is not filled.
    const frame = document.createElement("div");
    image.style.width = `${(100 * width) / side}%`;
    image.style.height = `${(100 * height) / side}%`;
    image.onload = () => done(undefined, frame);
    image.onerror = () => done(new Error("no pixels"), frame);
    image.src = picture.scene(this.id, size, [left, top, width, height].map(Math.floor) as Window);
    frame.append(image);
    return frame;
  }
}

function boundsOf([x, y, width, height]: Window): L.LatLngBounds {
  return L.latLngBounds([y, x], [y + height, x + width]);
}

function ring(bounds: L.LatLngBounds): L.LatLng[] {
  return [bounds.getNorthWest(), bounds.getNorthEast(), bounds.getSouthEast(), bounds.getSouthWest()];
}
