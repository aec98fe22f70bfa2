"""Which classes does a model mix, and what does that look like?

    python benchmarks/worst_classes.py MODEL.onnx DATA [--out runs/worst]

Writes confusion.png (what is found for what; no pixel of the archive is in it) and worst.jpg and
best.jpg: contact sheets of the queries of the worst and the best classes on its test part. The
sheets show images of the archive: look at them, and mind its terms before passing them on.
"""

import argparse
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from scenehash import CodeStore, HashModel
from scenehash.ingestion import ingest
from scenehash.report.contact_sheet import SheetLine, contact_sheet, write_picture
from scenehash.scenes import read_image
from scenehash_train.data import LabelledImage, split
from scenehash_train.evaluation import Evaluation, evaluate

CLASSES, HITS = 4, 12


def draw_confusion(evaluation: Evaluation, path: Path) -> None:
    """A square a pair of classes: the share of class j among the first hits for class i."""
    names = evaluation.archive.classes
    figure, axes = plt.subplots(figsize=(8, 7.2), layout="constrained")
    shown = axes.imshow(evaluation.confusion, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set(
        xlabel="found", ylabel="asked for", title=f"{evaluation.archive.name}: the first 20 hits"
    )
    for asked, found in zip(*np.nonzero(evaluation.confusion >= 0.02), strict=True):
        value = evaluation.confusion[asked, found]
        axes.text(found, asked, f"{100 * value:.0f}", ha="center", va="center", fontsize=6,
                  color="white" if value > 0.5 else "black")  # fmt: skip
    figure.colorbar(shown, shrink=0.7)
    figure.savefig(path, dpi=90)
    plt.close(figure)


def worst_query(store: CodeStore, model: HashModel, images: list[LabelledImage]) -> SheetLine:
    """The image of a class that finds the fewest of its own class, with its hits."""
    folder = images[0].path.parent
    lines = []
    for image in images:
        pixels = read_image(image.path)
        hits = store.search(model.encode([pixels]), HITS + 1)[0]
        others = [hit for hit in hits if Path(hit.scene) != image.path][:HITS]
        right = sum(Path(hit.scene).parent == folder for hit in others)
        lines.append((right, SheetLine(pixels, f"{folder.name}/{image.path.name}", others)))
    return min(lines, key=lambda line: line[0])[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/worst"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    evaluation = evaluate(arguments.model, arguments.data, threads=2)
    draw_confusion(evaluation, arguments.out / f"confusion-{evaluation.archive.name}.png")
    test = split(evaluation.archive.images, evaluation.seed).test
    ranked = list(evaluation.by_class())
    for name, value in evaluation.by_class().items():
        mixed = evaluation.confusion[evaluation.archive.classes.index(name)]
        pairs = [(evaluation.archive.classes[j], mixed[j]) for j in np.argsort(-mixed)[:4]]
        said = ", ".join(f"{other} {part:.2f}" for other, part in pairs if other != name and part)
        print(f"{name:24} {value:.3f}   also found: {said}")
    model = HashModel.load(arguments.model, threads=2)
    with tempfile.TemporaryDirectory() as folder:
        identity = (model.lineage, model.bits, model.card.name)
        with CodeStore.create(Path(folder) / "store", *identity) as store:
            ingest([image.path for image in test], store, model)
            for end, names in (("worst", ranked[:CLASSES]), ("best", ranked[-CLASSES:])):
                lines = [
                    worst_query(store, model, [i for i in test if i.path.parent.name == name])
                    for name in names
                ]
                picture = arguments.out / f"{end}-{evaluation.archive.name}.jpg"
                write_picture(picture, contact_sheet(lines))


if __name__ == "__main__":
    main()
