"""scenehash link ask and answer: a query up to a station's store, and its hits down."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scenehash.codes import Codes
from scenehash.errors import ConfigurationError
from scenehash.retrieval.options import DEFAULT_HITS
from scenehash.store import CodeStore, Filter

from .applying import Applied, apply_bundles
from .bundle import SUFFIX
from .letters import open_question
from .pack_options import PackOptions
from .packing import Bundled, pack_bundle
from .questions import MOST_HITS, Question
from .spans import Spans

if TYPE_CHECKING:
    from scenehash.model.hash_model import HashModel


@dataclass(frozen=True)
class AskOptions:
    """A request to a peer.

    k: the maximum number of hits. radius: in bits; None: any. where: a filter. thumbnails: whether
    a small picture of each hit is wanted. alert: the name of an alert of the asking store, whose
    rule judges tiles, instead of queries. rows: thumbnails of these rows of the peer, instead of a
    search.
    """

    k: int = DEFAULT_HITS
    radius: int | None = None
    where: Filter | None = None
    thumbnails: bool = False
    alert: str | None = None
    rows: Sequence[int] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.k <= MOST_HITS:
            raise ConfigurationError(f"{self.k} hits: ask for 1 to {MOST_HITS}")
        if any(row < 0 for row in self.rows):
            raise ConfigurationError(f"{min(self.rows)}: rows are numbered from 0")


def ask_peer(
    store: str | Path,
    peer: str,
    queries: Sequence[str | Path] = (),
    unlike: Sequence[str | Path] = (),
    out: str | Path = ".",
    options: AskOptions | None = None,
    model: "str | Path | HashModel | None" = None,
    wait: bool = False,
) -> Bundled:
    """Write a bundle with a query to a peer with a store; the bundle is as small as possible.

    queries, unlike: as for scenehash.search: code:HEX, logits:FILE, row:N, or scene files of one
    tile. The question also goes with the next bundles for the peer, until the answer arrives: an
    event of kind `answer`. Raises ConfigurationError unless exactly one thing is asked for.
    """
    options = options or AskOptions()
    if bool(queries) + (options.alert is not None) + bool(options.rows) != 1:
        raise ConfigurationError("give one of these: queries, an alert, or rows for thumbnails")
    with CodeStore.open(store, writable=True, wait=wait) as opened:
        none = np.zeros((0, opened.bits // 8), np.uint8)
        question = Question(
            0,
            options.k,
            _codes(opened, queries, model) if queries else none,
            _codes(opened, unlike, model) if unlike else none,
            options.radius,
            options.where,
            options.thumbnails or bool(options.rows),
            None if options.alert is None else opened.alerts.get(options.alert),
            Spans((row, row + 1) for row in options.rows) if options.rows else None,
        )
        open_question(opened, peer, question)
    return pack_bundle(store, peer, out, PackOptions(down=True, letters_only=True), wait)


def answer_peer(
    bundles: Sequence[str | Path],
    store: str | Path,
    out: str | Path = ".",
    max_bytes: int | None = None,
    wait: bool = False,
) -> tuple[list[Applied], list[Bundled]]:
    """Apply bundles with queries to a store, and write a bundle of answers for each peer that
    asked.

    Returns the results for the bundles, and the answers; without a query it writes nothing. Raises
    the errors of apply_bundles and pack_bundle.
    """
    applied = apply_bundles(bundles, store, wait)
    # A bundle that was set aside, for example for another station, has no queries.
    peers = dict.fromkeys(one.station for one in applied if one.questions or one.repeated)
    if len(peers) > 1 and Path(out).suffix == SUFFIX and not Path(out).is_dir():
        raise ConfigurationError(
            f"{out}: there are bundles for {', '.join(peers)}; use "
            "--out FOLDER, and run link answer again"
        )
    options = PackOptions(max_bytes, letters_only=True)
    return applied, [pack_bundle(store, peer, out, options, wait) for peer in peers]


def _codes(
    store: CodeStore, queries: Sequence[str | Path], model: "str | Path | HashModel | None"
) -> Codes:
    from scenehash.retrieval.query import ModelWhenNeeded, read_query

    load = ModelWhenNeeded(model, store)
    return np.concatenate([read_query(query, store, load).codes for query in queries])
