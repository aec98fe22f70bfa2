// The chosen hit beside what was searched with.

import type { Hit, SearchResult } from "./api";
import { Facts } from "./facts";
import { counted, named, timeText, windowText, WORDS } from "./format";
import { footprintText } from "./geo";
import { QueryPicture, TilePicture } from "./pictures";
import type { Search } from "./query";

interface Props {
  hit: Hit;
  result: SearchResult;
  search: Search;
  /** null where there are no pixels to open. */
  sceneLink: string | null;
  onMore(): void;
  onNot(): void;
  onSearch(): void;
  onScene(): void;
  onClose(): void;
}

export function Inspector({
  hit,
  result,
  search,
  sceneLink,
  onMore,
  onNot,
  onSearch,
  onScene,
  onClose,
}: Props) {
  const word = WORDS[hit.match];
  const first = search.like[0]!;
  return (
    <section class="inspector" aria-label={`Hit ${hit.rank}`}>
      <button type="button" class="quiet close" aria-label="Close the hit" title="Close" onClick={onClose}>
        ×
      </button>
      <div class="pair">
        <figure>
          <QueryPicture text={first} asked={result.queries[0]} size={384} />
          <figcaption>query{search.like.length > 1 ? `, 1 of ${search.like.length}` : ""}</figcaption>
        </figure>
        {sceneLink && (
          <figure>
            <TilePicture row={hit.row} alt={`hit ${hit.rank}`} size={384} />
            <figcaption>hit {hit.rank}</figcaption>
          </figure>
        )}
      </div>
      <p class="verdict">
        <b>{counted(hit.distance, "bit")}</b> <i class={`word ${hit.match}`}>{word.name}</i>{" "}
        <span>{word.meaning}</span>
      </p>
      <Facts
        facts={[
          ["Scene", <span title={hit.scene}>{named(hit.scene)}</span>],
          !!hit.station && ["Station", hit.station],
          ["Tile", `row ${String(hit.row).replace(/^.*\//, "")}, ${windowText(hit.window)}`],
          ["Taken", timeText(hit.time)],
          ["Place", footprintText(hit.footprint)],
          hit.labels.length > 0 && ["Labels", hit.labels.join(", ")],
          hit.hamming_rank !== hit.rank && ["Rank", `${hit.rank}; by distance alone ${hit.hamming_rank}`],
        ]}
      />
      <div class="actions">
        {sceneLink && (
          <a class="button primary" href={sceneLink}>
            Open in scene
          </a>
        )}
        <button type="button" onClick={onMore}>
          More like this
        </button>
        <button type="button" onClick={onNot}>
          Not like this
        </button>
        <button type="button" onClick={onSearch}>
          {" "}
          Search with this tile{" "}
        </button>
        <button type="button" onClick={onScene}>
          Only this scene
        </button>
      </div>
    </section>
  );
}
