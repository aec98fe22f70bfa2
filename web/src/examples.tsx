// What is searched with: examples, what hits must not be like, and the ways to give one.

import { useEffect, useRef, useState } from "preact/hooks";
import { api, type SearchResult, type Upload, type Window } from "./api";
import { CropDialog } from "./cropDialog";
import { problemOf } from "./loaded";
import { expired } from "./searching";
import { makesSense, parsed, uploadText, withExample, withOther, withoutExample, type Search } from "./query";
import { queryName, QueryPicture, type Asked } from "./pictures";
import { Trouble } from "./trouble";

interface Props {
  search: Search;
  result: SearchResult | null;
  onChange(search: Search): void;
}

/** An image of which a part may be chosen; example: what it is in the search already. */
interface Cropping {
  upload: Upload;
  crop: Window | null;
  example: string | null;
}

export function Examples({ search, result, onChange }: Props) {
  const [text, setText] = useState("");
  const [trouble, setTrouble] = useState("");
  const [busy, setBusy] = useState(0);
  const [over, setOver] = useState(false);
  const [cropping, setCropping] = useState<Cropping | null>(null);
  // An upload may end after the search has changed.
  const latest = useRef(search);
  latest.current = search;

  const upload = async (files: File[]): Promise<void> => {
    setTrouble("");
    for (const file of files) {
      setBusy((n) => n + 1);
      try {
        const made = await api.upload(file, file.name || "pasted.png");
        // Of an image of many tiles, alone, a part is mostly what is meant.
        if (made.tiles > 1 && files.length === 1) setCropping({ upload: made, crop: null, example: null });
        else onChange(withExample(latest.current, uploadText(made.upload, null, made.code), "like"));
      } catch (error) {
        setTrouble(`${file.name}: ${problemOf(error).message}`);
      }
      setBusy((n) => n - 1);
    }
  };

  const recrop = async (example: string): Promise<void> => {
    const { value, window } = parsed(example);
    try {
      setCropping({ upload: await api.uploaded(value), crop: window, example });
    } catch (error) {
      setTrouble(problemOf(error).message);
    }
  };
  const choose = (crop: Window | null): void => {
    const { upload, example } = cropping!;
    setCropping(null);
    const query = uploadText(upload.upload, crop, crop ? null : upload.code);
    if (example === null) onChange(withExample(latest.current, query, "like"));
    else onChange(withOther(latest.current, example, query));
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

  const asked = new Map<string, Asked>();
  search.like.forEach((query, i) => asked.set(query, result?.queries[i]));
  search.unlike.forEach((query, i) => asked.set(query, result?.not[i]));
  const chip = (query: string, side: "like" | "unlike") => (
    <Example
      key={query}
      text={query}
      asked={asked.get(query)}
      side={side}
      onMove={() => onChange(withExample(search, query, side === "like" ? "unlike" : "like"))}
      onRemove={() => onChange(withoutExample(search, query))}
      onCrop={() => void recrop(query)}
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
      <Trouble>{trouble}</Trouble>
      {cropping && (
        <CropDialog
          upload={cropping.upload}
          crop={cropping.crop}
          onChoose={choose}
          onClose={() => setCropping(null)}
        />
      )}
    </section>
  );
}

function Example({
  text,
  asked,
  side,
  onMove,
  onRemove,
  onCrop,
}: {
  text: string;
  asked: Asked;
  side: "like" | "unlike";
  onMove(): void;
  onRemove(): void;
  onCrop(): void;
}) {
  const name = queryName(text);
  const query = parsed(text);
  const gone = query.kind === "upload" && expired.value.has(query.value);
  return (
    <li class={`chip ${side}`}>
      <QueryPicture text={text} asked={asked} size={160} />
      <span class="name">{name}</span>
      {gone && (
        <span class="note" title="The station no longer has the image; the search uses its code.">
          by its code
        </span>
      )}
      <div class="acts">
        <button
          type="button"
          onClick={onMove}
          aria-label={side === "like" ? `Not like ${name}` : `Like ${name}`}
          title={side === "like" ? "Use it as: not like this" : "Use it as: like this"}
        >
          {side === "like" ? "−" : "+"}
        </button>
        {query.kind === "upload" && !gone && (
          <button type="button" onClick={onCrop} aria-label={`Crop ${name}`} title="Search with a part">
            <CropMark />
          </button>
        )}
        <button type="button" onClick={onRemove} aria-label={`Remove ${name}`} title="Remove">
          ×
        </button>
      </div>
    </li>
  );
}

function CropMark() {
  return (
    <svg class="crop-mark" viewBox="0 0 12 12" aria-hidden="true">
      <path d="M3 0v9h9M0 3h9v9" />
    </svg>
  );
}
