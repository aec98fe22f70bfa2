"""What is each word beside a hit worth: same_kind, likely_same_kind, doubtful, other_kind?

    python benchmarks/search_words.py [--model M.onnx] [--known A B] [--unseen C]

Known are archives that the model was trained on (their test parts are used), unseen one that it was
not: UC Merced and EuroSAT, and AID at 150 px. Printed are, for each width, the distances that
match_words.calibrate finds, how often a hit with each word is of the query's kind, and how often
unlike_anything_stored is said of queries whose kind is stored, and of the unseen archive's images
when the known ones are searched. Last comes what a model's card takes as match_distances.

The archives are queried leaving one out, 20 hits a query; of the unseen one the distances that were
chosen on one half are judged on the other.
"""

import argparse
import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scenehash import HashModel
from scenehash.codes import Codes, pack
from scenehash.retrieval.match_words import MatchDistances, calibrate, leave_one_out
from scenehash.scenes import read_image
from scenehash_train.data import Collection, LabelledImage, read_archive

DATA = Path(os.environ.get("SCENEHASH_DATA", Path(__file__).parents[2] / "shared" / "data"))
KNOWN = [DATA / "ucmerced", DATA / "eurosat5k"]
UNSEEN = DATA / "aid150"
BATCH = 32
WORDS = ("same_kind", "likely_same_kind", "doubtful", "other_kind", "unlike_anything_stored")

Logits = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path)
    parser.add_argument("--known", nargs="+", type=Path, default=KNOWN)
    parser.add_argument("--unseen", type=Path, default=UNSEEN)
    arguments = parser.parse_args()
    model = HashModel.load(arguments.model, threads=1)
    archives = tuple(read_archive(path) for path in arguments.known)
    test = Collection(archives).split(model.card.data.split_seed).test
    known_logits, known_labels = hashed(model, test)
    unseen_logits, unseen_labels = hashed(model, read_archive(arguments.unseen).images)
    half = np.random.default_rng(0).permutation(len(unseen_labels)) % 2 == 0
    records = []
    for bits in model.widths:
        known, unseen = pack(known_logits[:, :bits]), pack(unseen_logits[:, :bits])
        limits = calibrate((known, known_labels), (unseen[half], unseen_labels[half]))
        distances = dataclasses.asdict(limits)
        print(f"{bits} bits: {distances}")
        show("known kinds", limits, known, known_labels)
        show("unseen archive", limits, unseen[~half], unseen_labels[~half])
        strangers = nearest(unseen[~half], known) > limits.nearest
        print(
            f"  unseen images in the known archives: unlike_anything_stored {strangers.mean():.1%}"
        )
        records.append({"bits": bits, **distances})
    print(json.dumps(records))


def hashed(model: HashModel, images: "tuple[LabelledImage, ...]") -> tuple[Logits, Labels]:
    """Logits float32 [N, K] and labels int64 [N] of images."""
    parts = [
        model.logits([read_image(image.path) for image in images[at : at + BATCH]])
        for at in range(0, len(images), BATCH)
    ]
    return np.concatenate(parts), np.array([image.label for image in images], np.int64)


def nearest(queries: Codes, codes: Codes) -> npt.NDArray[np.int64]:
    """The distance int64 [Q] of each query to the nearest of codes."""
    return np.array([np.bitwise_count(codes ^ code).sum(axis=1).min() for code in queries])


def show(name: str, limits: MatchDistances, codes: Codes, labels: Labels) -> None:
    """How often each word is said in an archive, and how often it is right."""
    distances, right = leave_one_out(codes, labels)
    first = distances[:, :1]
    said = np.array(
        [
            [limits.word(distance, int(nearest[0]), False, False, len(codes)) for distance in row]
            for row, nearest in zip(distances.tolist(), first.tolist(), strict=True)
        ]
    )
    shares = ", ".join(
        f"{word} {np.mean(said == word):.1%} of hits, right {right[said == word].mean():.1%}"
        for word in WORDS
        if (said == word).any()
    )
    alien = (first > limits.nearest).mean()
    print(f"  {name}: {shares}; of the queries {alien:.1%} are called unlike_anything_stored")


if __name__ == "__main__":
    main()
