"""A search as one self-contained HTML file: pictures, distances, maps of footprints."""

import base64
import html
from pathlib import Path

import cv2

from scenehash.files import write_text
from scenehash.retrieval.filter_text import filter_text, named, window_text
from scenehash.retrieval.pictures import query_pixels, tile_pixels
from scenehash.retrieval.query import Query
from scenehash.retrieval.search import SearchResult
from scenehash.scenes.thumbnails import decode_thumbnail
from scenehash.store import Hit
from scenehash.tiles import Image, to_tile

from .footprint_map import STYLE as MAP_STYLE
from .footprint_map import Mark, footprint_maps

THUMBNAIL = 192

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1e1e1e; background: #fafaf8;
       margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0 0 .6rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 2rem 0 .6rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 0; }
dt { color: #5c5c5c; } dd { margin: 0; overflow-wrap: anywhere; }
.warning { border-left: 4px solid #b97a00; background: #fff6e0; padding: .3rem .8rem;
       margin: .5rem 0; }
.hits { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 1.1rem; }
figure { margin: 0; } figure img, .gone { width: 100%; aspect-ratio: 1; display: block;
       border: 1px solid #bbb; box-sizing: border-box; }
.query img { border: 3px solid #b3321f; }
.gone { display: grid; place-items: center; color: #5c5c5c; background: #e6e6e2; }
figcaption { font-size: .86rem; margin-top: .3rem; overflow-wrap: anywhere; }
figcaption b { font-size: 1rem; } .faint { color: #5c5c5c; }
.bar { height: .45rem; background: #dfdfda; margin: .25rem 0; }
.bar i { display: block; height: 100%; background: #b3321f; min-width: 1px; }
.word { border-radius: .6rem; padding: 0 .5rem; font-size: .8rem; white-space: nowrap; }
.same_place { background: #c9e8cf; } .same_kind { background: #cfe4f5; }
.likely_same_kind { background: #e6f0f7; }
.doubtful { background: #fdeec4; } .other_kind { background: #f9dfc4; }
.unlike_anything_stored { background: #f6d3cd; }
"""

WORDS = {
    "same_place": "the thumbnails of query and hit show one place",
    "same_kind": "at this distance most hits are of the query's kind",
    "likely_same_kind": "at this distance more hits are of the query's kind than are not",
    "doubtful": "at this distance hits may be of another kind",
    "other_kind": "at this distance stored tiles mostly are of another kind",
    "unlike_anything_stored": "even the nearest stored tile is farther than usual for a known kind",
}
ORDERS = {
    "same_place": "hits that show the query's place first (thumbnails of {} compared)",
    "bit_certainty": "by how certain the query is of its bits (the nearest {})",
    "vectors": "by the cosine of representations (of the nearest {})",
    "mixed": "by distances and representations together (of the nearest {})",
}


def write_page(path: Path, result: SearchResult) -> None:
    """Write a search as a page; InputError when the file cannot be written."""
    write_text(path, search_page(result))


def search_page(result: SearchResult) -> str:
    """A search as HTML; hits whose scene is missing show their thumbnails, if any."""
    title = "Scenes like " + ", ".join(query.title for query in result.queries)
    warnings = "".join(f"<p class=warning>{html.escape(text)}</p>" for text in result.warnings)
    examples = "".join(_query(query) for query in result.queries)
    found = "".join(_hit(hit, result) for hit in result.hits) or "<p>none</p>"
    marks = [
        Mark(f"#{hit.rank}", f"#{hit.rank} {named(hit.scene)}, {hit.distance} bits", hit.footprint)
        for hit in result.hits
        if hit.footprint is not None
    ]
    maps = footprint_maps(marks)
    where = f"<h2>Where they are</h2>{maps}{_map_note(len(marks), len(result.hits))}" * bool(maps)
    used = [word for word in WORDS if any(hit.match == word for hit in result.hits)]
    meaning = "".join(f"<dt>{_word(word)}</dt><dd>{WORDS[word]}</dd>" for word in used)
    return (
        f"<!doctype html><html lang=en><head><meta charset=utf-8>"
        f"<meta name=viewport content='width=device-width'><title>{html.escape(title)}</title>"
        f"<style>{STYLE}{MAP_STYLE}</style></head><body><h1>{html.escape(title)}</h1>"
        f"{_facts(result)}{warnings}"
        f"<h2>Searched with</h2><div class=hits>{examples}</div>"
        f"<h2>{len(result.hits)} {'hit' if len(result.hits) == 1 else 'hits'}</h2>"
        f"<div class=hits>{found}</div>{where}"
        + f"<h2>What the words mean</h2><dl>{meaning}</dl>" * bool(meaning)
        + "</body></html>\n"
    )


def _facts(result: SearchResult) -> str:
    """The queries, the store and the order of the hits."""
    conditions = [filter_text(result.where)] if result.where is not None else []
    if result.radius is not None:
        conditions.append(f"at most {result.radius} bits away")
    if result.unlike:
        conditions.append("not like " + ", ".join(query.title for query in result.unlike))
    order = "by Hamming distance, then row"
    if result.reranked is not None:
        compared = result.reranked.compared
        by = [ORDERS[name].format(compared[name]) for name in result.reranked.by]
        order = f"{', then '.join(by)}, then {order}"
        order += "; this changed nothing" * (not result.reordered)
    facts = {
        "query": ", ".join(query.text for query in result.queries),
        "filters": "; ".join(conditions) or "none",
        "order": order,
        "store": f"{result.store}, {result.searched:,} tiles",
        "model": f"{result.model}, {result.bits} bits, lineage {result.lineage}",
    }
    lines = (f"<dt>{name}</dt><dd>{html.escape(text)}</dd>" for name, text in facts.items())
    return f"<dl>{''.join(lines)}</dl>"


def _query(query: Query) -> str:
    caption = html.escape(query.title)
    if query.windows:
        part = window_text(query.windows[0]) if len(query.codes) == 1 else _tiles(query)
        caption += f"<br><span class=faint>{part}</span>"
    return _figure(query_pixels(query), query.title, caption, "query")


def _tiles(query: Query) -> str:
    skipped = f", {query.skipped} more skipped" * bool(query.skipped)
    return f"{len(query.codes)} tiles{skipped}"


def _hit(hit: Hit, result: SearchResult) -> str:
    jpeg = result.thumbnails.get(hit.row)
    thumbnail = None if jpeg is None else decode_thumbnail(jpeg)
    pixels = tile_pixels(Path(hit.scene), hit.window, hit.decode_params, THUMBNAIL, thumbnail)
    share = f"{100 * hit.distance / result.bits:.1f}"
    lines = [f"<b>#{hit.rank}</b> {hit.distance} of {result.bits} bits"]
    if hit.match is not None:
        lines[0] += f" {_word(hit.match)}"
    bar = f"<div class=bar><i style='width:{share}%'></i></div>"
    if hit.hamming_rank not in (None, hit.rank):
        lines.append(f"#{hit.hamming_rank} by Hamming distance")
    lines.append(html.escape(named(hit.scene)))
    where = f"row {hit.row}, {window_text(hit.window)}"
    lines.append(f"<span class=faint>{where}</span>")
    if hit.time is not None:
        lines.append(f"<span class=faint>{hit.time:%Y-%m-%d %H:%M}Z</span>")
    if hit.labels:
        lines.append(f"<span class=faint>{html.escape(', '.join(hit.labels))}</span>")
    if hit.footprint is not None:
        longitude, latitude = hit.footprint[0]
        lines.append(
            f"<span class=faint>{abs(latitude):.4f}°{'N' if latitude >= 0 else 'S'} "
            f"{abs(longitude):.4f}°{'E' if longitude >= 0 else 'W'}</span>"
        )
    caption = lines[0] + bar + "<br>".join(lines[1:])
    return _figure(pixels, f"hit {hit.rank}: {named(hit.scene)}", caption, "hit")


def _figure(pixels: Image | None, name: str, caption: str, kind: str) -> str:
    picture = "<div class=gone>scene not found</div>"
    if pixels is not None:
        square = cv2.cvtColor(to_tile(pixels, THUMBNAIL), cv2.COLOR_RGB2BGR)
        data = base64.b64encode(cv2.imencode(".jpg", square)[1].tobytes()).decode("ascii")
        picture = f"<img alt='{html.escape(name)}' src='data:image/jpeg;base64,{data}'>"
    return f"<figure class={kind}>{picture}<figcaption>{caption}</figcaption></figure>"


def _word(word: str) -> str:
    return f"<span class='word {word}'>{word.replace('_', ' ')}</span>"


def _map_note(shown: int, hits: int) -> str:
    left = f" {hits - shown} of the hits have no footprint." * (shown < hits)
    return (
        "<p class=faint>Longitude and latitude in degrees, WGS 84."
        f"{left} Coastlines: Natural Earth, 1:110 million.</p>"
    )
