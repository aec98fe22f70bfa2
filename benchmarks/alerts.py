"""What does an alert of five examples find, at which radius, and which radius does tune propose?

python benchmarks/alerts.py [--data ../shared/data/ucmerced] [--draws 20] [--classes harbor,...]

UC Merced, the images that the shipped model was not trained on (the split by seed of its card), of
which five of a class are the examples, and all others are searched. The peer is a radius of an
eighth of the bits, what an alert has that nobody tuned.
"""

import argparse
from pathlib import Path

import numpy as np

from scenehash import HashModel
from scenehash.scenes import read_image
from scenehash.store import Alert
from scenehash.watcher.tuning import Tuning, tune
from scenehash_train.data import read_archive, split

EXAMPLES, SEED = 5, 0
CLASSES = "harbor,airplane,storagetanks"


def tuned(codes: np.ndarray, kind: np.ndarray, draw: int, known: bool) -> Tuning:
    """The tuning of an alert of five examples, drawn by a seed, over all other images."""
    examples = np.random.default_rng(draw).choice(np.flatnonzero(kind), EXAMPLES, replace=False)
    alert = Alert("kind", 0, codes[examples], codes[:0], ())
    others = np.delete(np.arange(len(codes)), examples)
    return tune(alert, [(others, codes[others])], np.flatnonzero(kind) if known else None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/ucmerced"))
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--classes", default=CLASSES, help="or: all")
    given = parser.parse_args()
    archive, model = read_archive(given.data), HashModel.load()
    images = split(archive.images, SEED).test
    codes = model.encode([read_image(image.path) for image in images])
    labels = np.array([archive.classes[image.label] for image in images])
    classes = list(archive.classes) if given.classes == "all" else given.classes.split(",")
    untuned = model.bits // 8
    radii = [0, 2, 4, 8, 12, 16, 20, 24]
    print(f"{len(images)} images, {EXAMPLES} examples, {given.draws} draws: precision / recall")
    print(f"| class | {' | '.join(f'{radius}' for radius in radii)} |")
    print(f"| --- |{' --- |' * len(radii)}")
    proposals = []
    for name in classes:
        kind = labels == name
        known = [tuned(codes, kind, draw, known=True) for draw in range(given.draws)]
        precision = np.array([one.precision() for one in known])
        recall = np.array([one.recall() for one in known])
        cells = [f"{precision[:, at].mean():.2f} / {recall[:, at].mean():.2f}" for at in radii]
        print(f"| {name} | {' | '.join(cells)} |")
        blind = [tuned(codes, kind, draw, known=False) for draw in range(given.draws)]
        rows = np.arange(given.draws)
        line = []
        for choice in (
            np.array([one.proposed() for one in blind]),
            np.array([one.proposed() for one in known]),
            np.full(given.draws, untuned),
        ):
            low, median, high = np.percentile(choice, (0, 50, 100)).astype(int)
            p, r = precision[rows, choice], recall[rows, choice]
            line.append(f"{median} ({low}-{high}): {p.mean():.2f} / {r.mean():.2f}, {p.min():.2f}")
        proposals.append(f"| {name} | {' | '.join(line)} |")
    print("\nradius, median (lowest-highest): precision / recall, lowest precision of a draw")
    print("| class | proposed | proposed with labels | untuned |\n| --- | --- | --- | --- |")
    print("\n".join(proposals))


if __name__ == "__main__":
    main()
