"""The loss of a training run as a picture."""

from pathlib import Path

from matplotlib.figure import Figure

from .fit import History


def plot_history(history: History, title: str, path: Path) -> None:
    """Plot each term of the loss by step into a picture file."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    steps = [entry["step"] for entry in history]
    for name in history[0]:
        if name != "step":
            axes.plot(steps, [entry[name] for entry in history], label=name, linewidth=1.2)
    axes.set(xlabel="step", ylabel="term of the loss", title=title)
    # Terms fall by orders of magnitude, and one of the paper's is negative.
    axes.set_yscale("symlog", linthresh=0.01)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)
