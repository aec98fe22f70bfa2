"""What does an alert of five examples find: at which radius, and with a false alarm rate?

python benchmarks/alerts.py [--data ../shared/data/ucmerced] [--draws 20] [--classes harbor,...]

The images of an archive that the model was not trained on (the split by seed of its card), of which
five of a class are the examples. For radii all others are searched. For rates one half of the
others is the store, of which nobody names a tile, and the other half arrives: how many false alarms
were asked for, expected and had, and what was found. The peer is a radius of an eighth of the bits,
what an alert has that nobody tuned. --codes-only is a store that keeps no representations.
--neighbours: the five examples are neighbours in the order of file names, which often show one
place, as an operator's do. --stored N: a store of so many tiles.
"""

import argparse
from pathlib import Path

import numpy as np

from scenehash import HashModel
from scenehash.alerts.judging import judge, rule_scores
from scenehash.alerts.making import default_radius
from scenehash.alerts.radius_counts import RadiusCounts
from scenehash.alerts.rule_fitting import Candidates, Samples
from scenehash.scenes import read_image
from scenehash.store import Alert, SceneVectors
from scenehash_train.data import read_archive, split

EXAMPLES, SEED = 5, 0
CLASSES = "harbor,airplane,storagetanks,denseresidential,river"
RATES = (1, 2, 5, 10, 20)  # false alarms among 1,000 tiles


def tuned(codes: np.ndarray, kind: np.ndarray, draw: int, known: bool) -> RadiusCounts:
    """The radii of an alert of five examples, drawn by a seed, over all other images."""
    examples = np.random.default_rng(draw).choice(np.flatnonzero(kind), EXAMPLES, replace=False)
    alert = Alert("kind", 0, codes[examples], codes[:0], ())
    others = np.delete(np.arange(len(codes)), examples)
    return RadiusCounts.of(
        alert, [(others, codes[others])], np.flatnonzero(kind) if known else None
    )


def rated(
    tiles: Samples, kind: np.ndarray, draw: int, neighbours: bool, count: int | None
) -> list[tuple[float, ...]]:
    """An alert of five examples, drawn by a seed, at each rate, and then with the peer's radius.

    neighbours: examples follow one another. count: stored tiles; None: one half of the others.

    Of each: false alarms a tile asked for, expected and had, recall expected and had.
    """
    rng = np.random.default_rng(draw)
    own = np.flatnonzero(kind)
    first = int(rng.integers(len(own) - EXAMPLES + 1))
    drawn = rng.choice(own, EXAMPLES, replace=False)
    examples = own[first : first + EXAMPLES] if neighbours else drawn
    others = rng.permutation(np.delete(np.arange(len(kind)), examples))
    count = len(others) // 2 if count is None else count
    like, stored, arriving = (
        tiles.part(np.isin(np.arange(len(kind)), some))
        for some in (examples, others[:count], others[count:])
    )
    true = kind[np.sort(others[count:])]
    found = []
    candidates = Candidates.fit(like, like.part(np.zeros(len(like), bool)), stored)
    for rate in RATES:
        rule, _ = candidates.rule("", rate / 1000)
        matches = rule_scores(rule, arriving.codes, arriving.vectors) >= rule.threshold
        share, recall = rule.expected.share, rule.expected.recall
        found.append((rate / 1000, share, matches[~true].mean(), recall, matches[true].mean()))
    peer = Alert("kind", default_radius(8 * like.codes.shape[1]), like.codes, like.codes[:0], ())
    matches = judge(peer, arriving.codes).matches
    found.append((np.nan, np.nan, matches[~true].mean(), np.nan, matches[true].mean()))
    return found


def print_rates(
    tiles: Samples, labels: np.ndarray, classes: list[str], given: argparse.Namespace
) -> None:
    """The table of rates: means over classes and draws, and what each class has."""
    draws = range(given.draws)
    every = np.array(
        [
            [rated(tiles, labels == name, draw, given.neighbours, given.stored) for draw in draws]
            for name in classes
        ]
    )
    print("\nfalse alarms among 1,000 tiles: asked, expected, had; recall: expected, had")
    print(f"| asked | expected | had | recall expected | had | {' | '.join(classes)} |")
    print(f"| --- | --- | --- | --- | --- |{' --- |' * len(classes)}")
    for at in range(len(RATES) + 1):
        asked, expected, had, foreseen, recall = every[:, :, at].mean(axis=(0, 1))
        each = every[:, :, at].mean(axis=1)
        cells = [f"{1000 * one[2]:.1f}: {one[4]:.2f}" for one in each]
        first = "radius" if np.isnan(asked) else f"{1000 * asked:g}"
        means = f"{1000 * expected:.1f} | {1000 * had:.1f} | {foreseen:.2f} | {recall:.2f}"
        print(f"| {first} | {means} | {' | '.join(cells)} |".replace("nan", ""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/ucmerced"))
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--classes", default=CLASSES, help="or: all")
    parser.add_argument("--model", type=Path, help="None: the one that ships")
    parser.add_argument("--bits", type=int, help="None: all that the model has")
    parser.add_argument("--codes-only", action="store_true")
    parser.add_argument("--neighbours", action="store_true")
    parser.add_argument("--stored", type=int, help="None: half of the others")
    given = parser.parse_args()
    archive, model = read_archive(given.data), HashModel.load(given.model)
    images = sorted(split(archive.images, SEED).test, key=lambda image: image.path)
    hashed = model.encode_all([read_image(image.path) for image in images], given.bits)
    frame = None if model.representation is None else model.representation.frame
    codes, vectors = hashed.codes, hashed.vectors
    kept = None if vectors is None or given.codes_only else SceneVectors(str(frame), vectors)
    labels = np.array([archive.classes[image.label] for image in images])
    classes = list(archive.classes) if given.classes == "all" else given.classes.split(",")
    bits = given.bits or model.bits
    untuned = default_radius(bits)
    radii = [radius * bits // 64 for radius in (0, 2, 4, 8, 12, 16, 20, 24)]
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
    print_rates(Samples(codes, kept), labels, classes, given)


if __name__ == "__main__":
    main()
