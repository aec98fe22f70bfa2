// The chosen hit beside what was searched with.

import type { Hit, SearchResult } from "./api";
import { counted, named, timeText, WORDS } from "./format";
import { middle, placeText } from "./geo";
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
      <dl class="facts">
        <dt>Scene</dt>
        <dd title={hit.scene}>{named(hit.scene)}</dd>
        {hit.station && (
          <>
            <dt>Station</dt>
            <dd>{hit.station}</dd>
          </>
        )}
        <dt>Tile</dt>
        <dd>
          row {String(hit.row).replace(/^.*\//, "")}, {hit.window[2]}×{hit.window[3]} px at {hit.window[0]},{" "}
          {hit.window[1]}
        </dd>
        <dt>Taken</dt>
        <dd>{timeText(hit.time)}</dd>
        <dt>Place</dt>
        <dd>{hit.footprint ? placeText(middle(hit.footprint)) : "no footprint"}</dd>
        {hit.labels.length > 0 && (
          <>
            <dt>Labels</dt>
            <dd>{hit.labels.join(", ")}</dd>
          </>
        )}
        {hit.hamming_rank !== hit.rank && (
          <>
            <dt>Rank</dt>
            <dd>
              {hit.rank}; by distance alone {hit.hamming_rank}
            </dd>
          </>
        )}
      </dl>
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
          Search with this
        </button>
        <button type="button" onClick={onScene}>
          Only this scene
        </button>
      </div>
    </section>
  );
}
