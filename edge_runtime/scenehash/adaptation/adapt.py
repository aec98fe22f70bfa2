"""From a store to a model file whose codes are fitted on its tiles."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scenehash.codes import Codes
from scenehash.errors import ConfigurationError, InputError, ModelError
from scenehash.files import check_output, write_bytes
from scenehash.model.adapted_graph import adapted_file
from scenehash.model.card import AdaptationRecord, Card, golden_tile
from scenehash.model.card import MatchDistances as MatchRecord
from scenehash.model.hash_model import HashModel
from scenehash.model.lineage import adaptation_lineage
from scenehash.model.linear_code import LinearCode, Vectors
from scenehash.model.trusted import remember_own
from scenehash.progress import SILENT, Progress
from scenehash.retrieval.match_words import MatchDistances, same_shares
from scenehash.store import CodeStore
from scenehash.tiles import Image

from .fitting import fit
from .judging import Judgement, Measure, changed_versions, judge, steadiness
from .sample import UNKNOWN, Sample, draw_sample, read_tiles

# Numbers of leading bits of adapted codes that are also codes.
WIDTHS = (64, 128, 256)
MIN_TILES = 300
# More tiles than that change little: docs/adaptation.md.
FITTED, JUDGED = 4000, 1000
# With fewer tiles, a third of them is held out.
JUDGED_SHARE = 3
STEADINESS_TILES = 48
HASHED_AT_ONCE = 64


@dataclass(frozen=True)
class Adapted:
    """An adaptation, and its evaluation.

    path: the model file; None if none was written. unreachable: drawn tiles without a
    representation or a readable scene.
    """

    path: Path | None
    card: Card
    judgement: Judgement
    unreachable: int

    def document(self) -> dict[str, Any]:
        """The adaptation as plain values."""
        judgement = self.judgement
        measures = {
            "agreement": judgement.agreement,
            "steadiness": judgement.steadiness,
        }
        return {
            "model": None if self.path is None else str(self.path),
            "better": judgement.is_better,
            "gain": round(judgement.gain, 4),
            "familiarity": round(judgement.familiarity, 4),
            "one_kind": judgement.is_one_kind,
            **{
                name: None
                if measure is None
                else {"before": round(measure.before, 4), "after": round(measure.after, 4)}
                for name, measure in measures.items()
            },
            "unreachable": self.unreachable,
            "card": self.card.summary(),
        }


def adapt(
    store: CodeStore,
    out: Path,
    model: str | Path | HashModel | None = None,
    anyway: bool = False,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Adapted:
    """Fit codes on a store's own tiles, and write them as a model file if they are better.

    It needs no labels; if scenes have labels, tiles of one label are brought together, and tiles of
    different labels are kept apart. Representations come from the store if it keeps them, and
    otherwise from the scenes. model: the model of the store's codes, or its file; None: the model
    that the store keeps, or else the shipped model. anyway: write the file even if the codes are
    not better. The store does not change; rehash gives its tiles the new codes.

    Raises ConfigurationError when the model gives no representation, or on a seed below 0,
    LineageError when another model made the store's codes, ModelError when its file cannot be used,
    InputError when fewer than 300 tiles can be used.
    """
    check_output(out)
    if seed < 0:
        raise ConfigurationError(f"seed {seed}: give 0 or more")
    given = model or store.model_file()
    loaded = given if isinstance(given, HashModel) else HashModel.load(given)
    if loaded.representation is None:
        raise ConfigurationError(
            f"model {loaded.name}: gives no representation to adapt; export it again"
        )
    store.check(loaded.lineage, store.bits)
    data = loaded.file_bytes()
    if data is None:
        raise ModelError(f"model {loaded.name}: its file is missing or has changed")
    sample = draw_sample(store, loaded, FITTED + JUDGED, seed, progress)
    if len(sample) < MIN_TILES:
        advice = "ingest more scenes first"
        if sample.unreachable:
            advice = (
                f"the scenes of {sample.unreachable:,} others cannot be read: make their files "
                "available, or ingest more scenes"
            )
        raise InputError(
            f"{store.path}: an adaptation needs at least {MIN_TILES} tiles, and the store has "
            f"{len(sample)} usable tiles; {advice}"
        )
    judged = min(JUDGED, len(sample) // JUDGED_SHARE)
    fitted, others = sample.part(judged), sample.part(0, judged)
    known = (fitted.labels != UNKNOWN).sum()
    progress.message(f"fitting on {len(fitted)} tiles, {known} of them with labels")
    code = fit(fitted.vectors, WIDTHS, fitted.labels if known else None, seed)
    width = store.bits if store.bits in WIDTHS else WIDTHS[-1]
    after = code.codes(others.vectors)
    at_width = np.ascontiguousarray(after[:, : width // 8])
    steady = _steadiness(store, loaded, code, others, width, progress)
    judgement = judge(others.vectors, others.codes, at_width, steady)
    card = _card(loaded, code, fitted, judgement)
    limits = MatchDistances.of(loaded.card, store.bits)
    card = _with_distances(card, limits, others.codes, after)
    written = judgement.is_better or anyway
    if written:
        write_bytes(out, adapted_file(data, card, code))
        HashModel.load(out, made_here=True)
        remember_own(out, card, loaded.trusted)
    return Adapted(out if written else None, card, judgement, sample.unreachable)


def _steadiness(
    store: CodeStore,
    model: HashModel,
    code: LinearCode,
    sample: Sample,
    width: int,
    progress: Progress,
) -> Measure | None:
    """Steadiness before and after, of tiles with readable scenes; None if there are none."""
    places = {int(row): place for place, row in enumerate(sample.rows[:STEADINESS_TILES])}
    own: list[int] = []
    images: list[Image] = []

    def use(rows: Sequence[int], tiles: Sequence[Image]) -> None:
        for row, tile in zip(rows, tiles, strict=True):
            versions = changed_versions(tile)
            images.extend(versions)
            own.extend([places[row]] * len(versions))

    codes: list[Codes] = []
    vectors: list[Vectors] = []
    with progress.task("turn, darken, crop", len(places)) as task:
        read_tiles(store, list(places), model.tile_size, use, task.advance)
        task.plan(len(images))
        for start in range(0, len(images), HASHED_AT_ONCE):
            hashed = model.encode_all(images[start : start + HASHED_AT_ONCE])
            assert hashed.vectors is not None
            codes.append(hashed.codes)
            vectors.append(hashed.vectors)
            task.advance(len(hashed.codes))
    if not images:
        return None
    numbers = np.array(own, np.int64)
    stored = slice(store.bits // 8)
    changed, every = code.codes(np.concatenate(vectors)), code.codes(sample.vectors)
    before = np.ascontiguousarray(np.concatenate(codes)[:, stored])
    return Measure(
        steadiness(before, sample.codes, numbers),
        steadiness(changed[:, : width // 8], every[:, : width // 8], numbers),
    )


def _card(
    model: HashModel,
    code: LinearCode,
    fitted: Sample,
    judgement: Judgement,
) -> Card:
    base = model.card
    earlier = base.adaptation
    record = AdaptationRecord(
        base=base.name if earlier is None else earlier.base,
        base_lineage=base.lineage if earlier is None else earlier.base_lineage,
        tiles=len(fitted),
        labelled=int((fitted.labels != UNKNOWN).sum()),
        judged=judgement.tiles,
        gain=round(judgement.gain, 4),
    )
    tiles = [golden.tile() for golden in base.golden]
    vectors = model.encode_all(tiles).vectors
    assert vectors is not None
    golden = [
        golden_tile(one.name, tile, own, logits)
        for one, tile, own, logits in zip(
            base.golden, tiles, code.codes(vectors), code.logits(vectors), strict=True
        )
    ]
    return base.model_copy(
        update={
            "name": f"{record.base}-adapted",
            "lineage": adaptation_lineage(record.base_lineage, code),
            "bits": code.bits,
            "widths": list(WIDTHS),
            "recipe": "adaptation",
            "fidelity": None,
            "quality": {},
            "adaptation": record,
            "golden": golden,
        }
    )


def _with_distances(card: Card, limits: MatchDistances, before: Codes, after: Codes) -> Card:
    """The card with the meaning of distances at each width; limits: for the codes before."""
    records = []
    for width in WIDTHS:
        own = same_shares(limits, before, np.ascontiguousarray(after[:, : width // 8]))
        records.append(MatchRecord(bits=width, **asdict(own)))
    return card.model_copy(update={"match_distances": records})
