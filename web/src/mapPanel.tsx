// The map beside the hits: footprints, the area of the search, and a place to search with.

import { useEffect, useRef, useState } from "preact/hooks";
import { useSignalEffect } from "@preact/signals";
import { picture, type Hit, type Row, type Scene } from "./api";
import { counted, named } from "./format";
import { theme } from "./display";
import { FootprintMap, type Drawing, type MapView, type Mark } from "./footprintMap";
import { placeText, ringsOf, wrapped, type Place } from "./geo";
import { areaBox, type Area } from "./query";

const LARGEST_IMPORT = 4_000_000;
const MOST_CORNERS = 400;

interface Props {
  hits: Hit[] | null;
  scenes: Scene[];
  /** Whether the store has more scenes than these. */
  moreScenes: boolean;
  selected: Row | null;
  /** The scene whose pixels may be shown under the footprints. */
  imagery: string | null;
  area: Area | null;
  view: MapView | null;
  onView(view: MapView): void;
  onSelect(row: Row): void;
  onArea(area: Area | null): void;
  onPlace(place: Place, how: "search" | "add"): void;
}

export function MapPanel(props: Props) {
  const element = useRef<HTMLDivElement>(null);
  const map = useRef<FootprintMap | null>(null);
  // Leaflet's listeners live longer than one rendering.
  const latest = useRef(props);
  latest.current = props;
  const [drawing, setDrawing] = useState<Drawing>(null);
  const [imagery, setImagery] = useState(true);
  const [trouble, setTrouble] = useState("");
  const { hits, scenes, selected, area } = props;

  useEffect(() => {
    const made = new FootprintMap(element.current!, {
      onSelect: (row) => latest.current.onSelect(row),
      onPlace: (place) => made.popup(place, popupFor(place, made, latest.current)),
      onDrawn: (drawn) => latest.current.onArea(drawn),
      onDrawing: setDrawing,
    });
    map.current = made;
    if (latest.current.view) made.setView(latest.current.view);
    let moved = false;
    const person = (): void => void (moved = true);
    for (const name of ["pointerdown", "wheel", "keydown"])
      element.current!.addEventListener(name, person, { passive: true });
    made.map.on("moveend", () => {
      if (moved) latest.current.onView(made.view());
    });
    const resized = new ResizeObserver(() => made.map.invalidateSize({ animate: false }));
    resized.observe(element.current!);
    return () => {
      resized.disconnect();
      made.remove();
    };
  }, []);

  useSignalEffect(() => {
    void theme.value;
    map.current?.repaint();
  });

  useEffect(() => {
    const marks = (hits ?? []).filter((hit) => hit.footprint).map(markOf);
    map.current?.setMarks(marks, latest.current.view === null);
    map.current?.select(latest.current.selected);
  }, [hits]);

  useEffect(() => {
    const boxes = scenes.flatMap((scene) => (scene.bbox ? [scene.bbox] : []));
    map.current?.setCoverage(boxes);
    if (!latest.current.view && !hits?.some((hit) => hit.footprint)) map.current?.fitBoxes(boxes);
  }, [scenes, hits === null]);

  useEffect(() => {
    map.current?.select(selected);
    if (selected !== null) map.current?.show(selected);
  }, [selected]);

  useEffect(() => map.current?.setArea(area), [area && JSON.stringify(area)]);
  useEffect(
    () => map.current?.setImagery(imagery && props.imagery ? picture.map(props.imagery) : null),
    [imagery, props.imagery],
  );

  const chosen = hits?.find((hit) => hit.row === selected);
  const without = hits?.filter((hit) => !hit.footprint).length ?? 0;

  const importFile = async (file: File | undefined): Promise<void> => {
    setTrouble("");
    if (!file) return;
    try {
      if (file.size > LARGEST_IMPORT)
        throw new Error("The file is larger than 4 MB. Simplify the area first.");
      const rings = ringsOf(await file.text());
      const corners = rings.reduce((sum, ring) => sum + ring.length, 0);
      if (corners > MOST_CORNERS) {
        throw new Error(
          `The area has ${corners} corners; an address holds at most ${MOST_CORNERS}. Simplify it first.`,
        );
      }
      props.onArea({ rings });
      map.current?.fitArea({ rings });
    } catch (error) {
      setTrouble(error instanceof Error ? error.message : String(error));
    }
  };

  return (
    <section class="map-panel" aria-label="Map">
      <div class="tools">
        <span class="note">Area</span>
        <button
          type="button"
          aria-pressed={drawing === "box"}
          onClick={() => map.current?.draw(drawing === "box" ? null : "box")}
        >
          Box
        </button>
        <button
          type="button"
          aria-pressed={drawing === "polygon"}
          onClick={() => map.current?.draw(drawing === "polygon" ? null : "polygon")}
        >
          Polygon
        </button>
        <label class="button">
          Import
          <input
            type="file"
            accept=".geojson,.json,application/geo+json,application/json"
            class="hidden"
            onChange={(event) => {
              void importFile(event.currentTarget.files?.[0]);
              event.currentTarget.value = "";
            }}
          />
        </label>
        {area && (
          <button type="button" onClick={() => props.onArea(null)}>
            Clear
          </button>
        )}
        <span class="spacer" />
        {props.imagery && (
          <button type="button" aria-pressed={imagery} onClick={() => setImagery(!imagery)}>
            Imagery
          </button>
        )}
        {chosen?.footprint && (
          <button type="button" onClick={() => map.current?.zoomTo(chosen.row)}>
            This hit
          </button>
        )}
        {hits?.some((hit) => hit.footprint) && (
          <button type="button" onClick={() => map.current?.fitMarks()}>
            All hits
          </button>
        )}
      </div>
      <div
        class="map"
        ref={element}
        tabIndex={0}
        role="application"
        aria-label="World map. Arrows move it, plus and minus zoom, Enter chooses the place at the cross in the middle."
        aria-describedby="map-help"
      />
      <p id="map-help" class="help" aria-live="polite">
        {trouble ? (
          <span class="trouble" role="alert">
            {trouble}
          </span>
        ) : drawing === "box" ? (
          "Drag from corner to corner, or click two corners. Keys: Enter sets a corner at the cross, Escape cancels."
        ) : drawing === "polygon" ? (
          "Click each corner; a double click closes the polygon. Keys: Enter sets a corner at the cross, Shift+Enter closes, Backspace removes the last corner."
        ) : without > 0 ? (
          `${counted(without, "hit")} without a footprint ${without === 1 ? "is" : "are"} not on the map.`
        ) : (
          `${props.moreScenes ? `The newest ${counted(scenes.length, "scene")} are on the map. ` : ""}Click a place to search with the tile stored there.`
        )}
      </p>
    </section>
  );
}

function markOf(hit: Hit): Mark {
  return {
    row: hit.row,
    label: String(hit.rank),
    title: `${hit.rank}: ${counted(hit.distance, "bit")}, ${named(hit.scene)}`,
    ring: hit.footprint!,
    kind: hit.match,
  };
}

function popupFor([longitude, latitude]: Place, map: FootprintMap, props: Props): HTMLElement {
  const place: Place = [wrapped(longitude), latitude];
  const box = document.createElement("div");
  const title = document.createElement("p");
  title.textContent = placeText(place);
  box.append(title);
  const add = (text: string, act: () => void): void => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.onclick = () => {
      map.closePopup();
      act();
    };
    box.append(button);
  };
  add("Search with this place", () => props.onPlace(place, "search"));
  if (props.hits) add("Add as an example", () => props.onPlace(place, "add"));
  if (props.hits) add("Only around this place", () => props.onArea(around(place, map)));
  setTimeout(() => box.querySelector("button")?.focus());
  return box;
}

/** A box around a place, a quarter of what the map shows. */
function around([longitude, latitude]: Place, map: FootprintMap): Area {
  const bounds = map.map.getBounds();
  const width = Math.min(90, (bounds.getEast() - bounds.getWest()) / 8);
  const height = Math.min(45, (bounds.getNorth() - bounds.getSouth()) / 8);
  return {
    box: [
      wrapped(longitude - width),
      Math.max(-90, latitude - height),
      wrapped(longitude + width),
      Math.min(90, latitude + height),
    ],
  };
}

/** An area in a line of text. */
export function areaName(area: Area): string {
  const [west, south, east, north] = areaBox(area);
  const kind =
    "box" in area
      ? "Box"
      : area.rings.length > 1
        ? `${area.rings.length} polygons`
        : `Polygon of ${area.rings[0]!.length} corners`;
  return `${kind}, ${placeText([west, south], 1)} to ${placeText([east, north], 1)}`;
}
