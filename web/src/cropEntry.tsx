// A crop by numbers, for those who do not draw.

import type { Window } from "./api";
import { useTyped } from "./textField";

interface Props {
  crop: Window | null;
  /** Of the image, in pixels. */
  width: number;
  height: number;
  onCrop(window: Window): void;
}

export function CropEntry({ crop, width, height, onCrop }: Props) {
  const [text, setText] = useTyped(crop?.join(", ") ?? "");
  const window = windowOf(text.replace(/\s+/g, ""));
  const inside = window !== null && window[0] + window[2] <= width && window[1] + window[3] <= height;
  return (
    <form
      class="entry"
      onSubmit={(event) => {
        event.preventDefault();
        if (window && inside) onCrop(window);
      }}
    >
      <input
        type="text"
        inputMode="numeric"
        aria-label="Crop as x, y, width, height in pixels"
        placeholder="x, y, width, height"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <button type="submit" disabled={!inside}>
        Crop
      </button>
    </form>
  );
}

/** x,y,width,height as a window that has pixels; null where it is none. */
export function windowOf(text: string | null): Window | null {
  if (!text || !/^\d+,\d+,\d+,\d+$/.test(text)) return null;
  const window = text.split(",").map(Number) as Window;
  return window[2] > 0 && window[3] > 0 ? window : null;
}
