"""How good are the codes: every recipe and baseline, on the archive itself and on strange scenes?

    python benchmarks/quality.py [--data ../shared/data] [--out runs/quality] [--seeds 0 1 2 3 4]
        [--only PREFIX...]

Works cell by cell (one method, one seed, one test) and appends each to OUT/cells.jsonl as it is
done: interrupted, it goes on where it stopped. benchmarks/quality_report.py turns the cells into
docs/results/quality.md and its plots. Protocol: docs/protocol.md. INT8 cells go through scenehash
on exported files; the others through the FP32 head, on the same representations.
"""

import argparse
import csv
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from baselines import BASELINES

from scenehash import HashModel
from scenehash.adaptation.fitting import fit as fit_adaptation
from scenehash_export import ExportOptions, Limits, export
from scenehash_train.augmentation import PLAIN, views_of
from scenehash_train.backbones import load_backbone
from scenehash_train.compact import fit_compact
from scenehash_train.config import Config, make_config
from scenehash_train.data import LabelledImage, Split, labels, read_archive, split
from scenehash_train.evaluation import model_codes
from scenehash_train.fit import fit
from scenehash_train.metrics import cosine_quality, mixed_quality, retrieval_quality
from scenehash_train.projection import fit_projection, project
from scenehash_train.recipes import TrainingSet, make_recipe
from scenehash_train.representations import represent
from scenehash_train.training import train

WIDTHS = (16, 24, 32, 64)
DEPTHS = (1, 2, 5, 10, 15, 20, 25, 30, 35, 39)
ARCHIVES = ("ucmerced", "eurosat5k")
GROUP = 5
LENIENT = ExportOptions(limits=Limits(max_bit_flips=1.0, max_map_drop=1.0))
# What the default is without each of its parts, and along the trade of one aim for the other.
VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "similarity 0": {"similarity": 0.0},
    "similarity 1": {"similarity": 1.0},
    "similarity 10": {"similarity": 10.0},
    "similarities not whitened": {"whitened": False},
    "no instance": {"instance": 0.0},
    "instance 0.1": {"instance": 0.1},
    "instance 1": {"instance": 1.0},
    "instance 3": {"instance": 3.0},
    "no random augmentation": {"random_augment": 0.0},
    "no noise": {"noise": 0.0},
    "all bits deep": {"deep_bits": 64},
    "16 bits deep": {"deep_bits": 16},
    "500 steps": {"steps": 500},
    "2000 steps": {"steps": 2000},
    "not nested": {"nested": False},
    "margin 0.4": {"margin": 0.4},
    "decorrelation 0.1": {"decorrelation": 0.1},
    "learned centres": {"centres": "learned"},
}
MHCLN_VARIANTS: dict[str, dict[str, Any]] = {
    "semihard, all classes": {"mining": "semihard", "balance_over": "bit", "batch": 126},
    "distance-weighted, all classes": {"mining": "distance", "balance_over": "bit", "batch": 126},
}

Figures = dict[str, Any]
Cell = tuple[str, Callable[[], Figures]]
Logits = Callable[[tuple[LabelledImage, ...]], np.ndarray]


class Trained(NamedTuple):
    """A trained head, as functions of images, and the seconds that it took.

    vectors: the compact representations int8 [N, D] that a device keeps.
    """

    logits: Logits
    vectors: Logits
    seconds: float


class Bench:
    """The archives, and what is measured on them."""

    def __init__(self, data: Path, out: Path) -> None:
        self.data = data
        self.out = out
        self.backbone = load_backbone("efficientnet_lite0", 256)

    @cache  # noqa: B019 (one bench a process)
    def parts(self, archive: str, seed: int) -> Split:
        """The train and test part of an archive."""
        return split(read_archive(self.data / archive).images, seed)

    def vectors(self, images: tuple[LabelledImage, ...]) -> np.ndarray:
        """Plain representations float32 [N, D]."""
        return represent(images, self.backbone, 256, PLAIN).read()[:, 0]

    def trained(self, config: Config, images: tuple[LabelledImage, ...]) -> "Trained":
        """A head trained on images."""
        started = time.perf_counter()
        seen = represent(images, self.backbone, 256, views_of(config))
        components = config.settings.components
        projection = fit_projection(seen, self.backbone.parts, components, config.seed)
        recipe = make_recipe(config, TrainingSet(project(seen, projection), labels(images)))
        with tempfile.TemporaryDirectory() as folder:
            fit(recipe, config.seed, Path(folder) / "checkpoint.pt")
        head = recipe.head.finished(projection)
        took = time.perf_counter() - started
        compact = fit_compact(seen, projection, head, config.dims, config.seed)

        def logits(others: tuple[LabelledImage, ...]) -> np.ndarray:
            with torch.inference_mode():
                return head(torch.from_numpy(self.vectors(others))).numpy()

        def vectors(others: tuple[LabelledImage, ...]) -> np.ndarray:
            with torch.inference_mode():
                plain = torch.from_numpy(self.vectors(others))
                pairs = zip(head.inner(plain), head.deep(), strict=True)
                whole = compact(plain, [own for own, deep in pairs if deep])
            return whole.numpy().astype(np.int8)

        return Trained(logits, vectors, took)

    def baseline(
        self, name: str, bits: int, seed: int, images: tuple[LabelledImage, ...]
    ) -> Logits:
        """A baseline fitted on images, as logits of others."""
        hasher = BASELINES[name](self.vectors(images), labels(images), bits, seed)
        return lambda others: hasher(self.vectors(others))


def figures(logits: np.ndarray, images: tuple[LabelledImage, ...], seed: int) -> Figures:
    """Quality of the signs of logits [N, K]."""
    codes = np.packbits(logits > 0, axis=1)
    return retrieval_quality(codes, labels(images), seed).as_dict()


def by_width(logits: np.ndarray, images: tuple[LabelledImage, ...], seed: int) -> Figures:
    """Quality of the first bits of logits [N, 64], for each width."""
    return {str(width): figures(logits[:, :width], images, seed) for width in (*WIDTHS[:3], 48, 64)}


def cells(bench: Bench, seeds: list[int]) -> Iterator[Cell]:
    """Every cell, the most wanted first."""
    for seed in seeds:
        yield f"int8/centres/{seed}", lambda seed=seed: exported(bench, seed)
    for seed in seeds:
        for name in ("cosine", *BASELINES):
            for bits in WIDTHS if name != "cosine" else (0,):
                yield (
                    f"ucmerced/{name}/{bits}/{seed}",
                    lambda name=name, bits=bits, seed=seed: known(
                        bench, "ucmerced", name, bits, seed
                    ),
                )
    for source, target in (ARCHIVES, ARCHIVES[::-1]):
        for seed in seeds if source == "ucmerced" else seeds[:1]:
            yield (
                f"archive/{source}/{seed}",
                lambda s=source, t=target, seed=seed: strange_archive(bench, s, t, seed),
            )
    for group in range(5):
        yield f"classes/{group}", lambda group=group: strange_classes(bench, group)
        yield f"unseen/{group}", lambda group=group: label_free(bench, group)
    yield f"depths/{seeds[0]}", lambda: depths(bench, seeds[0])
    for seed in seeds[:2]:
        for name in VARIANTS:
            yield f"variant/{name}/{seed}", lambda name=name, seed=seed: variant(bench, name, seed)
    configs = {
        f"alone/{bits}/{seed}": {"bits": bits, "seed": seed, "settings": {"nested": False}}
        for seed in seeds
        for bits in (16, 32)
    }
    configs |= {
        f"mhcln/{bits}/{seed}": {"recipe": "mhcln", "bits": bits, "seed": seed}
        for seed in seeds
        for bits in WIDTHS
    }
    configs |= {
        f"mhcln variant/{name}/0": {"recipe": "mhcln", "settings": settings}
        for name, settings in MHCLN_VARIANTS.items()
    }
    for name, values in configs.items():
        yield name, lambda values=values: at_home(bench, make_config(values))
    yield f"labels/{seeds[0]}", lambda: several_labels(bench, seeds[0])
    yield from second_archive(bench, seeds[0])


def second_archive(bench: Bench, seed: int) -> Iterator[Cell]:
    """The cells of AID at 150 px, the paper's other archive: one seed."""
    yield f"aid150/centres/{seed}", lambda: widths_at_home(bench, "aid150", seed)
    for name in ("cosine", *BASELINES):
        for bits in WIDTHS[::-1] if name != "cosine" else (0,):
            yield (
                f"aid150/{name}/{bits}/{seed}",
                lambda name=name, bits=bits: known(bench, "aid150", name, bits, seed),
            )
    for bits in WIDTHS[::-1]:
        config = make_config({"recipe": "mhcln", "bits": bits, "seed": seed})
        yield (
            f"aid150/mhcln/{bits}/{seed}",
            lambda config=config: at_home(bench, config, "aid150"),
        )


def exported(bench: Bench, seed: int) -> Figures:
    """A run of the default and its INT8 file, through scenehash."""
    folder = bench.out / f"centres-{seed}"
    run = train([bench.data / "ucmerced"], folder, make_config({"seed": seed})).run
    path = folder / "model.onnx"
    card = export(run, path, LENIENT).card
    model = HashModel.load(path, threads=2)
    codes = model_codes(model, run.split.test)
    quality = {
        str(width): retrieval_quality(
            np.ascontiguousarray(codes[:, : width // 8]), labels(run.split.test), seed
        ).as_dict()
        for width in model.widths
    }
    assert card.fidelity is not None
    return {
        "quality": quality,
        "fp32": run.quality,
        "flips": card.fidelity.bit_flip_rate,
        "seconds": run.seconds,
    }


def known(bench: Bench, archive: str, name: str, bits: int, seed: int) -> Figures:
    """A baseline on the archive that it was fitted on."""
    parts = bench.parts(archive, seed)
    if name == "cosine":
        return cosine_quality(bench.vectors(parts.test), labels(parts.test)).as_dict()
    return figures(bench.baseline(name, bits, seed, parts.train)(parts.test), parts.test, seed)


def depths(bench: Bench, seed: int) -> Figures:
    """Precision of the first so many hits at 64 bits, of both recipes, baselines and the cosine."""
    parts = bench.parts("ucmerced", seed)
    judges = labels(parts.test)
    results: Figures = {}
    for recipe in ("centres", "mhcln"):
        config = make_config({"recipe": recipe, "seed": seed})
        results[recipe] = bench.trained(config, parts.train).logits(parts.test)
    for name in BASELINES:
        results[name] = bench.baseline(name, 64, seed, parts.train)(parts.test)
    found: Figures = {
        name: [
            retrieval_quality(np.packbits(logits > 0, axis=1), judges, seed, k).precision_at_20
            for k in DEPTHS
        ]
        for name, logits in results.items()
    }
    vectors = bench.vectors(parts.test)
    found["cosine"] = [cosine_quality(vectors, judges, k).precision_at_20 for k in DEPTHS]
    return found


def strange_archive(bench: Bench, source: str, target: str, seed: int) -> Figures:
    """Trained on one archive, evaluated on the test part of another."""
    train_part, test = bench.parts(source, seed).train, bench.parts(target, seed).test
    return strange(bench, train_part, test, seed)


Images = tuple[LabelledImage, ...]


def hidden_classes(bench: Bench, group: int, seed: int) -> tuple[Images, Images, Images]:
    """Train images of all but five classes, and train and test images of those five."""
    parts = bench.parts("ucmerced", seed)
    order = np.random.default_rng(seed).permutation(21)
    hidden = {int(label) for label in np.resize(order, 25)[GROUP * group : GROUP * (group + 1)]}
    shown = sorted(set(range(21)) - hidden)
    train_part = tuple(
        replace(image, labels=(shown.index(image.label),))
        for image in parts.train
        if image.label not in hidden
    )
    own, test = (
        tuple(image for image in part if image.label in hidden)
        for part in (parts.train, parts.test)
    )
    return train_part, own, test


def strange_classes(bench: Bench, group: int, seed: int = 0) -> Figures:
    """Trained without five classes, evaluated on the test images of those."""
    train_part, _, test = hidden_classes(bench, group, seed)
    return strange(bench, train_part, test, seed)


def strange(
    bench: Bench, train_part: tuple[LabelledImage, ...], test: tuple[LabelledImage, ...], seed: int
) -> Figures:
    """The default and every baseline, beside two cosines, on images of kinds never seen."""
    logits = bench.trained(make_config({"seed": seed}), train_part).logits
    vectors, judges = bench.vectors(test), labels(test)
    last = bench.backbone.parts[-1]
    result = {
        "cosine": cosine_quality(vectors, judges).as_dict(),
        "cosine, last layer": cosine_quality(vectors[:, -last:] ** 2, judges).as_dict(),
        "centres": figures(logits(test), test, seed),
    }
    for name in BASELINES:
        result[name] = figures(bench.baseline(name, 64, seed, train_part)(test), test, seed)
    return result


def label_free(bench: Bench, group: int, seed: int = 0) -> Figures:
    """A head of 256 bits on classes never seen; and fitted on their train images, unlabelled.

    Settings are those of the models that ship, but for the steps, which are the default.
    """
    train_part, own, test = hidden_classes(bench, group, seed)
    config = make_config({"bits": 256, "seed": seed, "settings": {"whitened": False}})
    trained = bench.trained(config, train_part)
    logits, vectors, judges = trained.logits(test), trained.vectors(test), labels(test)
    code = fit_adaptation(trained.vectors(own), (64, 128, 256))
    itq = BASELINES["itq"](bench.vectors(own), labels(own), 64, seed)
    second = mixed_quality(np.packbits(logits[:, :64] > 0, axis=1), vectors, judges, seed)
    return {
        "cosine": cosine_quality(bench.vectors(test), judges).as_dict(),
        "shipped settings, 64 bits": figures(logits[:, :64], test, seed),
        "shipped settings, 256 bits": figures(logits, test, seed),
        "second look, 64 bits": second.as_dict(),
        "adapted, 64 bits": figures(code.logits(vectors)[:, :64], test, seed),
        "adapted, 256 bits": figures(code.logits(vectors), test, seed),
        "itq, own images": figures(itq(bench.vectors(test)), test, seed),
    }


def variant(bench: Bench, name: str, seed: int) -> Figures:
    """The default with something changed: on its own archive, and on one never seen."""
    config = make_config({"seed": seed, "settings": VARIANTS[name]})
    parts, test = bench.parts("ucmerced", seed), bench.parts("eurosat5k", seed).test
    trained = bench.trained(config, parts.train)
    return {
        "ucmerced": by_width(trained.logits(parts.test), parts.test, seed),
        "eurosat5k": figures(trained.logits(test), test, seed),
        "seconds": trained.seconds,
    }


def several_labels(bench: Bench, seed: int) -> Figures:
    """UC Merced by what is in each image, 17 labels, one to seven an image; on the same split.

    Labels: Chaudhuri, Demir, Chaudhuri, Bruzzone, IEEE TGRS 56(2), 2018. Beside the default, ITQ
    and the cosine, which need no label.
    """
    with (bench.data / "ucmerced-multilabels.csv").open() as file:
        found = {row["path"]: row["labels"].split(";") for row in csv.DictReader(file)}
    names = sorted({name for own in found.values() for name in own})

    def labelled(images: Images) -> Images:
        return tuple(
            replace(image, labels=tuple(sorted(map(names.index, found[path]))))
            for image in images
            if (path := f"{image.path.parent.name}/{image.path.name}") in found
        )

    parts = bench.parts("ucmerced", seed)
    train_part, test = labelled(parts.train), labelled(parts.test)
    logits = bench.trained(make_config({"seed": seed}), train_part).logits(test)
    itq = bench.baseline("itq", 64, seed, train_part)(test)
    result = {f"centres {width}": figures(logits[:, :width], test, seed) for width in WIDTHS}
    cosine = cosine_quality(bench.vectors(test), labels(test)).as_dict()
    return result | {"itq 64": figures(itq, test, seed), "cosine": cosine}


def widths_at_home(bench: Bench, archive: str, seed: int) -> Figures:
    """The default, in FP32, on the archive that it was trained on, at each width."""
    parts = bench.parts(archive, seed)
    logits = bench.trained(make_config({"seed": seed}), parts.train).logits(parts.test)
    return {str(width): figures(logits[:, :width], parts.test, seed) for width in WIDTHS}


def at_home(bench: Bench, config: Config, archive: str = "ucmerced") -> Figures:
    """A head of a configuration, in FP32, on the archive that it was trained on."""
    parts = bench.parts(archive, config.seed)
    logits = bench.trained(config, parts.train).logits
    return figures(logits(parts.test), parts.test, config.seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("runs/quality"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--only", nargs="*", default=[""], help="cells whose names begin so")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / "cells.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    done = {json.loads(line)["cell"] for line in lines}
    bench = Bench(arguments.data, arguments.out)
    for name, measure in cells(bench, arguments.seeds):
        if name in done or not name.startswith(tuple(arguments.only)):
            continue
        result = measure()
        with path.open("a") as file:
            file.write(json.dumps({"cell": name, "result": result}) + "\n")
        print(name, flush=True)


if __name__ == "__main__":
    main()
