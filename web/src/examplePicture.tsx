// An example of an alert, as the alert names it: row:12, code:HEX, or the file that was given.

import { api, type Alert } from "./api";
import { named } from "./format";
import { useLoaded } from "./loaded";
import { QueryPicture, TilePicture } from "./pictures";
import { parsed } from "./query";

export function ExamplePicture({ text, size }: { text: string; size: number }) {
  const { kind, value } = parsed(text);
  if (kind === "row") return <TilePicture row={Number(value)} alt={text} size={size} />;
  if (kind === "code") return <QueryPicture text={text} asked={null} size={size} />;
  return <FilePicture path={text} size={size} />;
}

/** An example that was given as a file: its picture where that file is a stored scene, too. */
function FilePicture({ path, size }: { path: string; size: number }) {
  const found = useLoaded(path, (stop) => api.scenes({ scene: path, limit: 1 }, stop));
  const scene = found.data?.scenes[0];
  if (scene?.tiles === 1) return <TilePicture row={scene.rows[0]} alt={path} size={size} />;
  return (
    <span class="gone" role="img" aria-label={path} title={path}>
      file
    </span>
  );
}

export function exampleName(text: string): string {
  const { kind, value } = parsed(text);
  if (kind === "row") return `tile ${value}`;
  return kind === "code" ? `code ${value.slice(0, 8)}…` : named(text.replace(/^upload:/, ""));
}

/** The examples that a search can take: a file that one was made of may be anywhere. */
export function searchable(texts: Alert["examples"]): string[] {
  return texts.filter((text) => ["row", "code"].includes(parsed(text).kind));
}
