// A part of an image that was sent, chosen before it is searched with.

import { useEffect, useRef, useState } from "preact/hooks";
import { picture, type Upload, type Window } from "./api";
import { CropEntry } from "./cropEntry";
import { counted } from "./format";

const SHOWN = 1024;
const LEAST = 8;
/** Of the image's shorter side, that an arrow key moves an edge. */
const STEP = 1 / 32;
const MOVES: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

interface Props {
  upload: Upload;
  crop: Window | null;
  /** Null is the whole image. */
  onChoose(crop: Window | null): void;
  onClose(): void;
}

export function CropDialog({ upload, crop: before, onChoose, onClose }: Props) {
  const { width, height } = upload;
  const dialog = useRef<HTMLDialogElement>(null);
  const stage = useRef<HTMLDivElement>(null);
  const start = useRef<[number, number] | null>(null);
  const [crop, setCrop] = useState<Window | null>(before);
  useEffect(() => dialog.current?.showModal(), []);

  /** Where a pointer is, in pixels of the image. */
  const placeOf = (event: PointerEvent): [number, number] => {
    const box = stage.current!.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * width,
      ((event.clientY - box.top) / box.height) * height,
    ];
  };
  const drag = (event: PointerEvent): void => {
    if (start.current) setCrop(between(start.current, placeOf(event), width, height));
  };
  const move = (event: KeyboardEvent): void => {
    const by = MOVES[event.key];
    if (!by) return;
    event.preventDefault();
    const step = Math.max(1, Math.round(Math.min(width, height) * STEP));
    const [x, y, across, down] = crop ?? middleOf(width, height);
    const [dx, dy] = [by[0] * step, by[1] * step];
    setCrop(
      event.shiftKey
        ? [x, y, within(across + dx, LEAST, width - x), within(down + dy, LEAST, height - y)]
        : [within(x + dx, 0, width - across), within(y + dy, 0, height - down), across, down],
    );
  };

  return (
    <dialog class="crop-dialog" ref={dialog} aria-labelledby="crop-title" onClose={onClose}>
      <h2 id="crop-title">Search with a part of {upload.name || "the image"}?</h2>
      <p class="note">
        {width} × {height} px, {counted(upload.tiles, "tile")}. Drag to select a part. The arrow keys move it;
        with Shift they resize it.
      </p>
      <div
        class="stage"
        ref={stage}
        tabIndex={0}
        role="application"
        aria-label="The image. Arrows move the part, Shift and arrows resize it."
        onPointerDown={(event) => {
          start.current = placeOf(event);
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={drag}
        onPointerUp={(event) => {
          drag(event);
          start.current = null;
        }}
        onKeyDown={move}
      >
        <img src={picture.upload(upload.upload, SHOWN)} alt="" draggable={false} />
        <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
          {crop && (
            <>
              <path class="shade" fill-rule="evenodd" d={`M0 0H${width}V${height}H0Z${pathOf(crop)}`} />
              <path class="crop" d={pathOf(crop)} />
            </>
          )}
        </svg>
      </div>
      <CropEntry crop={crop} width={width} height={height} onCrop={setCrop} />
      <div class="actions">
        <button type="button" class="primary" disabled={!crop} onClick={() => onChoose(crop)}>
          Search with this part
        </button>
        <button type="button" onClick={() => onChoose(null)}>
          {" "}
          Search with the whole image{" "}
        </button>
        <button type="button" onClick={() => dialog.current?.close()}>
          Cancel
        </button>
      </div>
    </dialog>
  );
}

const within = (value: number, least: number, most: number): number => Math.max(least, Math.min(most, value));

const pathOf = ([x, y, width, height]: Window): string => `M${x} ${y}h${width}v${height}h${-width}Z`;

/** What the keys begin with: the middle of the image. */
function middleOf(width: number, height: number): Window {
  return [width >> 2, height >> 2, Math.max(LEAST, width >> 1), Math.max(LEAST, height >> 1)];
}

/** The part between two places, whole pixels inside the image; null where that is next to nothing. */
function between(
  [x, y]: [number, number],
  [otherX, otherY]: [number, number],
  width: number,
  height: number,
): Window | null {
  const left = Math.round(within(Math.min(x, otherX), 0, width));
  const top = Math.round(within(Math.min(y, otherY), 0, height));
  const across = Math.round(within(Math.max(x, otherX), 0, width)) - left;
  const down = Math.round(within(Math.max(y, otherY), 0, height)) - top;
  return Math.min(across, down) < LEAST ? null : [left, top, across, down];
}
