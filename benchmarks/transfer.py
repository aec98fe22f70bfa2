"""What are a model's codes worth on an archive, as they ship and adapted to it without labels?

    python benchmarks/transfer.py MODEL.onnx ARCHIVE... [--images 4000] [--json OUT.json]

Codes come from the model file through scenehash. Half of an archive's images, chosen by a fixed
seed, are for fitting, without their labels: of the adaptation, of ITQ, and of the mean and scale
of the five-scale representation in FP32, whose cosine is the yardstick. Each image of the other
half queries all others of that half; no query is dropped, and nothing is chosen by the result. Of
an archive that trained the model, by its fingerprint, only the test part is used.

Figures are `map@20` (docs/protocol.md); `share` is their ratio to the cosine's. gain, familiarity
are what `scenehash adapt` would find, without labels, at 64 bits. labels5 and labels20: adapted
with 5 and 20 labelled images a class among the others. mixed: codes, and then the second look that
a store with representations gives by default. kept_vectors: their cosine alone. Images with the
same bytes in both halves would leak: they are counted, and stay in the half for fitting alone.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from baselines.itq import fit_itq

from scenehash import HashModel
from scenehash.adaptation.adapt import WIDTHS
from scenehash.adaptation.fitting import fit
from scenehash.adaptation.judging import judge
from scenehash.codes import pack
from scenehash_train.backbones import load_backbone
from scenehash_train.data import Collection, LabelledImage, Labels, labels, read_archive
from scenehash_train.evaluation import model_outputs
from scenehash_train.metrics import cosine_quality, mixed_quality, retrieval_quality
from scenehash_train.representations import represent

Floats = npt.NDArray[np.float32]
SEED = 0
PLAIN = (0,)
# Judged on as many images as scenehash adapt judges on at most.
JUDGED = 1000
# Images of each class that an operator labels.
LABELLED = (5, 20)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("archives", nargs="+", type=Path)
    parser.add_argument("--images", type=int, default=4000, help="at most, of each archive")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    model = HashModel.load(arguments.model, threads=2)
    found = [measured(model, path, arguments.images) for path in arguments.archives]
    for one in found:
        show(one)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n")


def measured(model: HashModel, path: Path, most: int) -> dict[str, Any]:
    """All figures of one archive."""
    archive = read_archive(path)
    home = archive.fingerprint in model.card.data.fingerprints
    images = list(archive.images)
    if home:
        images = list(Collection((archive,)).split(model.card.data.split_seed).test)
    order = np.random.default_rng(SEED).permutation(len(images))[:most]
    images = [images[number] for number in order]
    fitting, queried = images[: len(images) // 2], images[len(images) // 2 :]
    known = {image.content for image in fitting}
    leaks = [image for image in queried if image.content in known]
    queried = [image for image in queried if image.content not in known]
    images, halves = fitting + queried, len(fitting)
    truth = labels(queried)

    logits, vectors = model_outputs(model, images)
    assert vectors is not None
    scaled = five_scale(model, images, halves)
    cosine = cosine_quality(scaled[halves:], truth).map_at_20
    result: dict[str, Any] = {
        "model": model.name,
        "archive": archive.name,
        "trained_on": home,
        "images": len(images),
        "same_bytes_in_both_halves": len(leaks),
        "cosine": cosine,
    }

    whole = vectors.astype(np.int8)

    def note(name: str, values: Floats, mixed: bool = True) -> None:
        for bits in (64, 256):
            if bits <= values.shape[1]:
                codes = pack(values[halves:, :bits])
                result[f"{name}_{bits}"] = retrieval_quality(codes, truth, SEED).map_at_20
                if mixed:
                    second = mixed_quality(
                        codes, whole[halves:], truth, SEED, adapted=name == "adapted"
                    )
                    result[f"{name}_{bits}_mixed"] = second.map_at_20

    note("shipped", logits)
    for bits in (64, 256):
        hasher = fit_itq(scaled[:halves], np.zeros(halves, np.int64), bits, SEED)
        codes = pack(hasher(scaled[halves:]))
        result[f"itq_{bits}"] = retrieval_quality(codes, truth, SEED).map_at_20
    code = fit(whole[:halves], WIDTHS)
    note("adapted", code.logits(whole))
    for count in LABELLED:
        some = few_labels(labels(fitting), count)
        note(f"labels{count}", fit(whole[:halves], WIDTHS, some).logits(whole), mixed=False)
    result["kept_vectors"] = cosine_quality(vectors[halves:], truth).map_at_20
    judged = slice(halves, halves + JUDGED)
    before, after = pack(logits[judged, :64]), pack(code.logits(whole)[judged, :64])
    judgement = judge(whole[judged], before, after)
    result |= {"gain": judgement.gain, "familiarity": judgement.familiarity}
    return result


def few_labels(classes: Labels, count: int) -> npt.NDArray[np.int64]:
    """The classes int64 [N] of that many images of each; -1 for the others."""
    known = np.full(len(classes), -1, np.int64)
    for label in np.unique(classes):
        known[np.flatnonzero(classes == label)[:count]] = label
    return known


def five_scale(model: HashModel, images: list[LabelledImage], fitted: int) -> Floats:
    """The backbone's representation in FP32, each of its parts divided by the root of its variance.

    Mean and variance are those of the first images, as many as are fitted on.
    """
    backbone = load_backbone(model.card.backbone, model.tile_size)
    every = represent(images, backbone, model.tile_size, PLAIN).read()[:, 0]
    parts = np.split(every, np.cumsum(backbone.parts)[:-1], axis=1)
    scaled = []
    for part in parts:
        own = part[:fitted]
        scaled.append((part - own.mean(axis=0)) / np.sqrt(own.var(axis=0).sum()))
    return np.concatenate(scaled, axis=1).astype(np.float32)


def show(found: dict[str, Any]) -> None:
    """Print figures, and their shares of the cosine."""
    what = "its test part" if found["trained_on"] else "never trained on"
    print(f"{found['archive']} ({what}), {found['images']} images, {found['model']}")
    cosine = found["cosine"]
    for name, value in found.items():
        if isinstance(value, float) and name not in ("gain", "familiarity"):
            print(f"  {name:18} {value:.3f}   share {value / cosine:.2f}")
    print(f"  estimated gain {found['gain']:+.2f}, familiarity {found['familiarity']:.2f}")


if __name__ == "__main__":
    main()
