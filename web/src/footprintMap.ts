// A world map with footprints on it, on which a place can be chosen and an area drawn.

import L from "leaflet";
import type { Row } from "./api";
import { corners, middle, near, onOneMap, wrapped, type Box, type Place, type Ring } from "./geo";
import { areaBox, type Area } from "./query";
import { MOTION } from "./display";
import { WorldLayer } from "./worldLayer";

export type Drawing = "box" | "polygon" | null;

export interface Mark {
  row: Row;
  label: string;
  title: string;
  ring: Ring;
  kind: string;
}

export interface MapEvents {
  onSelect(row: Row): void;
  onPlace(place: Place): void;
  onDrawn(area: Area): void;
  onDrawing(drawing: Drawing): void;
}

export interface MapView {
  zoom: number;
  place: Place;
}

/** A footprint smaller than this on the screen, in pixels, gets a dot too. */
const SMALL = 14;
/** Ranks nearer than this, in pixels, would lie on each other: the better one is shown. */
const LABEL_ROOM = 18;
const CLOSEST = 18;

export class FootprintMap {
  readonly map: L.Map;
  private readonly world = new WorldLayer({ minZoom: 0, maxZoom: CLOSEST, keepBuffer: 1 });
  private readonly coverage = L.layerGroup();
  private readonly footprints = L.featureGroup();
  private readonly area = L.layerGroup();
  private readonly sketch = L.layerGroup();
  private imagery: L.TileLayer | null = null;
  private shapes = new Map<Row, { polygon: L.Polygon; dot: L.CircleMarker; label: L.Tooltip }>();
  private selected: Row | null = null;
  private drawing: Drawing = null;
  private vertices: L.LatLng[] = [];
  private dragStart: L.LatLng | null = null;
  /** Whether the click that follows the release of a button belongs to a box. */
  private drawn = false;

  constructor(
    element: HTMLElement,
    private readonly events: MapEvents,
  ) {
    this.map = L.map(element, {
      center: [20, 0],
      zoom: 1,
      minZoom: 1,
      maxZoom: CLOSEST,
      maxBounds: [
        [-88, -Infinity],
        [88, Infinity],
      ],
      maxBoundsViscosity: 1,
      zoomControl: false,
      attributionControl: false,
      doubleClickZoom: false,
      zoomSnap: 0.5,
      ...MOTION,
    });
    this.map.createPane("imagery").style.zIndex = "250";
    L.control.zoom({ position: "topright" }).addTo(this.map);
    L.control.scale({ imperial: false, position: "bottomleft" }).addTo(this.map);
    L.control
      .attribution({ prefix: false, position: "bottomright" })
      .addAttribution("Outline: Natural Earth")
      .addTo(this.map);
    for (const layer of [this.world, this.coverage, this.footprints, this.area, this.sketch])
      layer.addTo(this.map);
    this.map.on("click", (event) => this.clicked(event.latlng));
    this.map.on("dblclick", () => this.finish());
    this.map.on("mousemove", (event) => this.moved(event.latlng));
    this.map.on("mousedown", (event) => this.pressed(event.latlng));
    this.map.on("mouseup", (event) => this.released(event.latlng));
    this.map.on("zoomend", () => this.dots());
    element.addEventListener("keydown", (event) => this.key(event));
  }

  remove(): void {
    this.map.remove();
  }

  /** Paints the world again, in the colours of another theme. */
  repaint(): void {
    this.world.redraw();
  }

  setCoverage(boxes: Box[]): void {
    this.coverage.clearLayers();
    if (!boxes.length) return;
    const rings = onOneMap(boxes.map(corners));
    // One shape for all boxes, and one for all dots: lines of no length, with round ends.
    L.polygon(
      rings.map((ring) => [points(ring)]),
      { className: "coverage", interactive: false, fillRule: "nonzero" },
    ).addTo(this.coverage);
    L.polyline(
      rings.map((ring): L.LatLngTuple[] => {
        const [x, y] = middle(ring);
        return [
          [y, x],
          [y, x],
        ];
      }),
      { className: "coverage-dot", interactive: false },
    ).addTo(this.coverage);
  }

  setMarks(marks: Mark[], fit: boolean): void {
    this.footprints.clearLayers();
    for (const { label } of this.shapes.values()) label.remove();
    this.shapes.clear();
    const rings = onOneMap(marks.map((mark) => mark.ring));
    // The best hit is drawn last, on top.
    [...marks.entries()].reverse().forEach(([i, mark]) => {
      const ring = rings[i]!;
      const [x, y] = middle(ring);
      const polygon = L.polygon(points(ring), { className: `footprint ${mark.kind}` });
      const dot = L.circleMarker([y, x], { className: `dot ${mark.kind}`, radius: 5 });
      const label = L.tooltip({ permanent: true, direction: "center", className: "rank", interactive: false })
        .setLatLng([y, x])
        .setContent(textElement(mark.label));
      for (const shape of [polygon, dot]) {
        shape.bindTooltip(textElement(mark.title), { sticky: true });
        shape.on("click", (event) => {
          if (this.drawing) return;
          L.DomEvent.stopPropagation(event);
          this.events.onSelect(mark.row);
        });
      }
      polygon.addTo(this.footprints);
      this.shapes.set(mark.row, { polygon, dot, label });
    });
    this.dots();
    if (fit && marks.length) this.fitMarks();
    this.highlight();
  }

  fitMarks(): void {
    const bounds = this.footprints.getBounds();
    if (bounds.isValid()) this.map.fitBounds(bounds, { padding: [28, 28], maxZoom: 13, animate: false });
  }

  fitBoxes(boxes: Box[]): void {
    if (!boxes.length) return;
    const rings = onOneMap(boxes.map(corners));
    this.map.fitBounds(L.latLngBounds(rings.flat().map(([x, y]) => [y, x])), {
      padding: [28, 28],
      maxZoom: 11,
      animate: false,
    });
  }

  select(row: Row | null): void {
    this.selected = row;
    this.highlight();
  }

  /** Moves the map so that a footprint can be seen, if it cannot. */
  show(row: Row): void {
    const shape = this.shapes.get(row);
    if (!shape) return;
    const bounds = shape.polygon.getBounds();
    if (!this.map.getBounds().contains(bounds)) this.map.panTo(bounds.getCenter(), { animate: false });
  }

  zoomTo(row: Row): void {
    const shape = this.shapes.get(row);
    if (shape)
      this.map.fitBounds(shape.polygon.getBounds(), { padding: [60, 60], maxZoom: 16, animate: false });
  }

  /** Shows the pixels of one scene under the footprints. */
  setImagery(url: string | null): void {
    this.imagery?.remove();
    this.imagery = url
      ? L.tileLayer(url, { pane: "imagery", maxZoom: CLOSEST, maxNativeZoom: CLOSEST, errorTileUrl: "" })
      : null;
    this.imagery?.addTo(this.map);
  }

  setArea(area: Area | null): void {
    this.area.clearLayers();
    if (!area) return;
    const longitude = this.map.getCenter().lng;
    const rings = "box" in area ? [corners(area.box)] : area.rings;
    for (const ring of rings) {
      L.polygon(points(near(ring, longitude)), { className: "area", interactive: false }).addTo(this.area);
    }
  }

  fitArea(area: Area): void {
    this.fitBoxes([areaBox(area)]);
  }

  view(): MapView {
    const { lat, lng } = this.map.getCenter();
    return { zoom: this.map.getZoom(), place: [wrapped(lng), lat] };
  }

  setView({ zoom, place: [longitude, latitude] }: MapView): void {
    this.map.setView([latitude, longitude], zoom, { animate: false });
  }

  /** Starts to draw, or ends it without an area. */
  draw(drawing: Drawing): void {
    this.drawing = drawing;
    this.vertices = [];
    this.dragStart = null;
    this.sketch.clearLayers();
    this.map.getContainer().classList.toggle("drawing", drawing !== null);
    if (drawing === "box") this.map.dragging.disable();
    else this.map.dragging.enable();
    if (drawing) this.map.getContainer().focus();
    this.events.onDrawing(drawing);
  }

  popup(place: Place, content: HTMLElement): void {
    L.popup({ className: "place", closeButton: true, autoPanPadding: [16, 16] })
      .setLatLng([place[1], place[0]])
      .setContent(content)
      .openOn(this.map);
  }

  closePopup(): void {
    this.map.closePopup();
  }

  /** Shows small footprints as dots, and the ranks of the others where there is room. */
  private dots(): void {
    const shown: L.Point[] = [];
    for (const { polygon, dot, label } of [...this.shapes.values()].reverse()) {
      const bounds = polygon.getBounds();
      const from = this.map.latLngToLayerPoint(bounds.getNorthWest());
      const to = this.map.latLngToLayerPoint(bounds.getSouthEast());
      const small = Math.max(to.x - from.x, to.y - from.y) < SMALL;
      if (small) dot.addTo(this.footprints);
      else dot.remove();
      const middle = from.add(to).divideBy(2);
      if (small || shown.some((other) => other.distanceTo(middle) < LABEL_ROOM)) label.remove();
      else {
        label.addTo(this.map);
        shown.push(middle);
      }
    }
  }

  private highlight(): void {
    for (const [row, { polygon, dot }] of this.shapes) {
      const on = row === this.selected;
      for (const shape of [polygon, dot]) {
        shape.getElement()?.classList.toggle("selected", on);
        if (on && shape.getElement()) shape.bringToFront();
      }
    }
  }

  private clicked(at: L.LatLng): void {
    if (this.drawn) this.drawn = false;
    else if (!this.drawing) this.events.onPlace([at.lng, at.lat]);
    else if (this.drawing === "polygon") this.corner(at);
  }

  private corner(at: L.LatLng): void {
    const first = this.vertices[0];
    if (this.drawing === "box") {
      if (first) this.finishBox(first, at);
      else {
        this.vertices = [at];
        this.sketched();
      }
      return;
    }
    const closes =
      first &&
      this.vertices.length > 2 &&
      this.map.latLngToLayerPoint(first).distanceTo(this.map.latLngToLayerPoint(at)) < 12;
    if (closes) {
      this.finish();
      return;
    }
    const last = this.vertices.at(-1);
    // The second click of a double click is no corner of its own.
    if (last && this.map.latLngToLayerPoint(last).distanceTo(this.map.latLngToLayerPoint(at)) < 3) return;
    this.vertices.push(at);
    this.sketched();
  }

  private pressed(at: L.LatLng): void {
    this.drawn = false;
    if (this.drawing === "box") this.dragStart = at;
  }

  private moved(at: L.LatLng): void {
    if (this.drawing === "box" && this.dragStart) this.sketched(at, this.dragStart);
    else if (this.drawing && this.vertices.length) this.sketched(at, this.vertices[0]);
  }

  private released(at: L.LatLng): void {
    const start = this.dragStart;
    this.dragStart = null;
    if (this.drawing !== "box" || !start) return;
    this.drawn = true;
    const far = this.map.latLngToLayerPoint(start).distanceTo(this.map.latLngToLayerPoint(at)) > 4;
    if (far) this.finishBox(start, at);
    else this.corner(at);
  }

  private finishBox(one: L.LatLng, other: L.LatLng): void {
    const bounds = L.latLngBounds(one, other);
    const [west, east] = [bounds.getWest(), bounds.getEast()];
    const round = east - west >= 360;
    this.draw(null);
    this.events.onDrawn({
      box: [round ? -180 : wrapped(west), bounds.getSouth(), round ? 180 : wrapped(east), bounds.getNorth()],
    });
  }

  private finish(): void {
    if (this.drawing !== "polygon" || this.vertices.length < 3) return;
    const ring = this.vertices.map(({ lng, lat }): Place => [lng, lat]);
    // The first corner is on the usual longitudes; the others go on from it.
    const shift = wrapped(ring[0]![0]) - ring[0]![0];
    this.draw(null);
    this.events.onDrawn({ rings: [ring.map(([x, y]) => [x + shift, y])] });
  }

  private sketched(pointer?: L.LatLng, first?: L.LatLng): void {
    this.sketch.clearLayers();
    if (this.drawing === "box" && pointer && first) {
      L.rectangle(L.latLngBounds(first, pointer), { className: "area", interactive: false }).addTo(
        this.sketch,
      );
      return;
    }
    const line = pointer ? [...this.vertices, pointer] : this.vertices;
    L.polygon(line, { className: "area", interactive: false }).addTo(this.sketch);
    for (const vertex of this.vertices) {
      L.circleMarker(vertex, { className: "vertex", radius: 4, interactive: false }).addTo(this.sketch);
    }
  }

  /** Without a pointer: arrows move the map, Enter takes the place at the cross in its middle. */
  private key(event: KeyboardEvent): void {
    if (event.target !== this.map.getContainer()) return;
    const cross = this.map.getCenter();
    if (event.key === "Enter" && this.drawing === "polygon" && event.shiftKey) this.finish();
    else if (event.key === "Enter" && this.drawing) this.corner(cross);
    else if (event.key === "Enter") this.events.onPlace([cross.lng, cross.lat]);
    else if (event.key === "Escape" && this.drawing) this.draw(null);
    else if (event.key === "Backspace" && this.drawing) {
      this.vertices.pop();
      this.sketched();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

function points(ring: Ring): L.LatLngTuple[] {
  return ring.map(([x, y]) => [y, x]);
}

/** Leaflet takes strings as HTML; a name is text. */
function textElement(text: string): HTMLElement {
  const element = document.createElement("span");
  element.textContent = text;
  return element;
}
