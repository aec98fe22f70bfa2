"""The training loop, of phases two and three."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from scenehash.files import atomic_path
from scenehash.progress import SILENT, Progress

from .recipes import Recipe

LOG_EVERY = 25
CHECKPOINT_EVERY = 250

History = list[dict[str, float]]


def fit(
    recipe: Recipe,
    seed: int,
    checkpoint: Path,
    name: str = "train",
    threads: int = 1,
    checkpoint_every: int | None = None,
    progress: Progress = SILENT,
) -> History:
    """Train a recipe's head to its last step; the history has the loss terms by step.

    The state is saved in the checkpoint file every few hundred steps, and an interrupted run
    continues from there. The batch and the dropout of a step depend on (seed, step) alone, so the
    final weights are those of an uninterrupted run. One thread by default: a head is too small to
    gain from more, and the weights do not depend on the number of cores. name: of the progress
    task.
    """
    every = CHECKPOINT_EVERY if checkpoint_every is None else checkpoint_every
    first, history = _resume(recipe, checkpoint)
    recipe.learned.train()
    with progress.task(name, recipe.steps) as task, _threads(threads):
        task.advance(first)
        for step in range(first, recipe.steps):
            rng = np.random.default_rng((seed, step))
            torch.manual_seed(int(rng.integers(2**31)))
            for group in recipe.optimizer.param_groups:
                group["lr"] = recipe.learning_rate(step) * group.get("share", 1.0)
            terms = recipe.terms(rng)
            recipe.optimizer.zero_grad()
            torch.autograd.backward(list(terms.values()))
            recipe.optimizer.step()
            if step % LOG_EVERY == 0:
                history.append(
                    {"step": step} | {name: float(term.detach()) for name, term in terms.items()}
                )
            if (step + 1) % every == 0:
                _save(recipe, step + 1, history, checkpoint)
            task.advance(1)
    return history


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _resume(recipe: Recipe, checkpoint: Path) -> tuple[int, History]:
    if not checkpoint.exists():
        return 0, []
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    recipe.learned.load_state_dict(state["learned"])
    recipe.optimizer.load_state_dict(state["optimizer"])
    return state["step"], state["history"]


def _save(recipe: Recipe, step: int, history: History, checkpoint: Path) -> None:
    state = {
        "step": step,
        "history": history,
        "learned": recipe.learned.state_dict(),
        "optimizer": recipe.optimizer.state_dict(),
    }
    with atomic_path(checkpoint) as partial, partial.open("wb") as file:
        torch.save(state, file)
