"""The training loop, of phases two and three."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from scenehash.cli.console import progress
from scenehash.files import atomic_path

from .recipes import Recipe

LOG_EVERY = 25
CHECKPOINT_EVERY = 250

History = list[dict[str, float]]


def fit(
    recipe: Recipe,
    seed: int,
    checkpoint: Path,
    what: str = "train",
    threads: int = 1,
    checkpoint_every: int | None = None,
) -> History:
    """Train a recipe's head to its last step; the history has the loss's terms by step.

    Every few hundred steps the state goes to the checkpoint file, and from there an interrupted
    run goes on: a step's batch and dropout are drawn from (seed, step) alone, so that it ends with
    the same weights as one that was never interrupted. By default one thread computes: a head is
    too small to gain from two, which stand in each other's way on a busy machine, and one gives the
    same weights however many cores there are. what: the word that progress is shown under.
    """
    every = CHECKPOINT_EVERY if checkpoint_every is None else checkpoint_every
    first, history = _resume(recipe, checkpoint)
    recipe.learned.train()
    with progress(recipe.steps, what) as advance, _threads(threads):
        advance(first)
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
            advance(1)
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
