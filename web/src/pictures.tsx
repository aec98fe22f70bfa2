// Pictures of tiles and of queries.

import { useEffect, useState } from "preact/hooks";
import { picture, type AskedQuery, type Row } from "./api";
import { parsed } from "./query";
import { session } from "./shell";

/** A stored tile: its small thumbnail at once, then its pixels. */
export function TilePicture({ row, alt, size = 256 }: { row: Row; alt: string; size?: number }) {
  // An engine has no pictures.
  const none = typeof row === "string";
  const [sharp, setSharp] = useState(false);
  const [gone, setGone] = useState(false);
  useEffect(() => {
    if (none) return undefined;
    setSharp(false);
    setGone(false);
    const image = new Image();
    image.onload = () => setSharp(true);
    image.src = picture.tile(row, size);
    return () => {
      image.onload = null;
      image.src = "";
    };
  }, [row, size]);
  if (none || (gone && !sharp))
    return (
      <span class="gone" role="img" aria-label={alt}>
        no picture
      </span>
    );
  const source = sharp ? picture.tile(row, size) : picture.thumbnail(row);
  return (
    <img
      src={source}
      alt={alt}
      class={sharp ? "tile sharp" : "tile"}
      onError={() => setGone(true)}
      draggable={false}
    />
  );
}

/** What the station made of a query: its codes, and the stored tile that it is. */
export type Asked = Pick<AskedQuery, "codes" | "row"> | null | undefined;

/** What a search was made with. Where there is no picture, a code is shown bit by bit. */
export function QueryPicture({ text, asked, size = 256 }: { text: string; asked: Asked; size?: number }) {
  const [failed, setFailed] = useState(false);
  useEffect(() => setFailed(false), [text]);
  const query = parsed(text);
  const alt = `query ${queryName(text)}`;
  // A tile of an engine has its code alone.
  const row = query.kind === "row" ? Number(query.value) : query.kind === "at" ? (asked?.row ?? null) : null;
  if (row !== null && !session.value?.engine) return <TilePicture row={row} alt={alt} size={size} />;
  const source =
    query.kind === "upload"
      ? picture.upload(query.value, size, query.window ?? undefined)
      : query.kind === "scene"
        ? picture.scene(query.value, size, query.window ?? undefined)
        : null;
  const bits = asked?.codes[0] ?? query.code ?? (query.kind === "code" ? query.value : null);
  if (source && !failed) {
    return (
      <img src={source} alt={alt} class="tile sharp" onError={() => setFailed(true)} draggable={false} />
    );
  }
  return bits ? (
    <CodePicture code={bits} />
  ) : (
    <span class="gone" role="img" aria-label={alt}>
      no picture
    </span>
  );
}

/** The bits of a code as a square of dark and bright cells. */
export function CodePicture({ code }: { code: string }) {
  const bits = [...code].flatMap((digit) => [8, 4, 2, 1].map((bit) => (parseInt(digit, 16) & bit ? 1 : 0)));
  const side = Math.ceil(Math.sqrt(bits.length));
  return (
    <svg class="tile code" viewBox={`-1 -1 ${side + 2} ${side + 2}`} role="img" aria-label={`code ${code}`}>
      {bits.map(
        (bit, i) =>
          bit > 0 && <rect key={i} x={i % side} y={Math.floor(i / side)} width="0.9" height="0.9" />,
      )}
    </svg>
  );
}

/** A short name for a query. */
export function queryName(text: string): string {
  const { kind, value, window } = parsed(text);
  const part = window ? `, ${window[2]}×${window[3]} px` : "";
  if (kind === "row") return `tile ${value}`;
  if (kind === "code") return `code ${value.slice(0, 8)}…`;
  if (kind === "upload") return `your image${part}`;
  if (kind === "scene") return window ? `crop${part}` : "scene";
  if (kind === "at") return `place ${value.replace(",", ", ")}`;
  return text;
}
