// Where one footprint is: a small map that is only looked at.

import { useEffect, useRef } from "preact/hooks";
import { useSignalEffect } from "@preact/signals";
import { theme } from "./display";
import { FootprintMap } from "./footprintMap";
import { middle, placeText, type Ring } from "./geo";

const SILENT = { onSelect() {}, onPlace() {}, onDrawn() {}, onDrawing() {} };
const ZOOM = 3.5;

export function Locator({ ring }: { ring: Ring }) {
  const element = useRef<HTMLDivElement>(null);
  const map = useRef<FootprintMap | null>(null);
  useEffect(() => {
    const made = new FootprintMap(element.current!, SILENT);
    map.current = made;
    return () => made.remove();
  }, []);
  useSignalEffect(() => {
    void theme.value;
    map.current?.repaint();
  });
  useEffect(() => {
    map.current?.setMarks([{ row: 0, label: "", title: placeText(middle(ring)), ring, kind: "here" }], false);
    map.current?.setView({ zoom: ZOOM, place: middle(ring) });
  }, [JSON.stringify(ring)]);
  return <div class="map locator" ref={element} role="img" aria-label={`Map: ${placeText(middle(ring))}`} />;
}
