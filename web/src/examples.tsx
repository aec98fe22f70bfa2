// What is searched with: examples, what hits must not be like, and the ways to give one.

import { useEffect, useRef, useState } from "preact/hooks";
import { api, type SearchResult } from "./api";
import { problemOf } from "./loaded";
import { expired } from "./searching";
import { makesSense, parsed, withExample, withoutExample, type Search } from "./query";
import { queryName, QueryPicture } from "./pictures";

interface Props {
  search: Search;
  result: SearchResult | null;
  onChange(search: Search): void;
}

export function Examples({ search, result, onChange }: Props) {
  const [text, setText] = useState("");
  const [trouble, setTrouble] = useState("");
  const [busy, setBusy] = useState(0);
  const [over, setOver] = useState(false);
  // An upload may end after the search has changed.
  const latest = useRef(search);
  latest.current = search;

  const upload = async (files: File[]): Promise<void> => {
    setTrouble("");
    for (const file of files) {
      setBusy((n) => n + 1);
      try {
        const made = await api.upload(file, file.name || "pasted.png");
        const query = `upload:${made.upload}${made.code ? `;code:${made.code}` : ""}`;
        onChange(withExample(latest.current, query, "like"));
      } catch (error) {
        setTrouble(`${file.name}: ${problemOf(error).message}`);
      }
      setBusy((n) => n - 1);
    }
  };

  // The whole page takes a dropped or pasted image.
  useEffect(() => {
    const paste = (event: ClipboardEvent): void => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length) {
        event.preventDefault();
        void upload(files);
      }
    };
    const drag = (event: DragEvent): void => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      setOver(event.type === "dragover");
      if (event.type === "drop") void upload([...event.dataTransfer.files]);
    };
    window.addEventListener("paste", paste);
    for (const name of ["dragover", "dragleave", "drop"] as const) window.addEventListener(name, drag);
    return () => {
      window.removeEventListener("paste", paste);
      for (const name of ["dragover", "dragleave", "drop"] as const) window.removeEventListener(name, drag);
    };
  }, []);

  const enter = (): void => {
    const given = text.trim();
    const query = /^\d+$/.test(given) ? `row:${given}` : given;
    if (!makesSense(query)) {
      setTrouble("Give a tile as row:12, a code as code:0f3a…, or a place as at:43.36,5.32.");
      return;
    }
    setTrouble("");
    setText("");
    onChange(withExample(search, query, "like"));
  };

  const codes = new Map<string, string | null>();
  search.like.forEach((query, i) => codes.set(query, result?.queries[i]?.codes[0] ?? null));
  search.unlike.forEach((query, i) => codes.set(query, result?.not[i]?.codes[0] ?? null));
  const chip = (query: string, side: "like" | "unlike") => (
    <Example
      key={query}
      text={query}
      code={codes.get(query) ?? null}
      side={side}
      onMove={() => onChange(withExample(search, query, side === "like" ? "unlike" : "like"))}
      onRemove={() => onChange(withoutExample(search, query))}
    />
  );

  return (
    <section class="examples" aria-label="Examples">
      {search.like.length > 0 && (
        <>
          <h2>Like</h2>
          <ul class="chips">{search.like.map((query) => chip(query, "like"))}</ul>
        </>
      )}
      {search.unlike.length > 0 && (
        <>
          <h2>Not like</h2>
          <ul class="chips">{search.unlike.map((query) => chip(query, "unlike"))}</ul>
        </>
      )}
      <label class={`drop${over ? " over" : ""}${search.like.length ? " small" : ""}`}>
        <b>{busy ? "Reading the image…" : search.like.length ? "Add an image" : "Drop an image here"}</b>
        <span>
          {search.like.length
            ? "drop, paste or choose"
            : "or paste one, or choose a file: PNG, JPEG, TIFF, GeoTIFF"}
        </span>
        <input
          type="file"
          multiple
          accept="image/*,.tif,.tiff,.jp2,.webp"
          class="hidden"
          data-focus="query"
          onChange={(event) => {
            void upload([...(event.currentTarget.files ?? [])]);
            event.currentTarget.value = "";
          }}
        />
      </label>
      <form
        class="entry"
        onSubmit={(event) => {
          event.preventDefault();
          enter();
        }}
      >
        <input
          type="text"
          aria-label="A tile, code or place"
          placeholder="row:12, code:…, at:lat,lon"
          value={text}
          spellcheck={false}
          autocomplete="off"
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button type="submit">Add</button>
      </form>
      {trouble && (
        <p class="trouble" role="alert">
          {trouble}
        </p>
      )}
    </section>
  );
}

function Example({
  text,
  code,
  side,
  onMove,
  onRemove,
}: {
  text: string;
  code: string | null;
  side: "like" | "unlike";
  onMove(): void;
  onRemove(): void;
}) {
  const name = queryName(text);
  const query = parsed(text);
  const gone = query.kind === "upload" && expired.value.has(query.value);
  return (
    <li class={`chip ${side}`}>
      <QueryPicture text={text} code={code} size={160} />
      <span class="name">{name}</span>
      {gone && (
        <span class="note" title="The station has forgotten the picture; its code is searched.">
          by its code
        </span>
      )}
      <div class="acts">
        <button
          type="button"
          onClick={onMove}
          aria-label={side === "like" ? `Not like ${name}` : `Like ${name}`}
          title={side === "like" ? "Make it: not like this" : "Make it: like this"}
        >
          {side === "like" ? "−" : "+"}
        </button>
        <button type="button" onClick={onRemove} aria-label={`Remove ${name}`} title="Remove">
          ×
        </button>
      </div>
    </li>
  );
}
