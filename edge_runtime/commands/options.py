"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

StorePath = Annotated[
    Path, typer.Option("--store", envvar="SCENEHASH_STORE", help="The folder of the code store.")
]
ModelPath = Annotated[
    Path | None,
    typer.Option(
        "--model",
        envvar="SCENEHASH_MODEL",
        help="The model file; without it, the one that ships with scenehash.",
        show_default=False,
    ),
]
Threads = Annotated[
    int, typer.Option("--threads", min=1, help="Threads for hashing.", show_default="all cores")
]
K = Annotated[int, typer.Option("-k", min=1, help="How many hits.")]
Sheet = Annotated[
    Path | None,
    typer.Option("--sheet", help="Write the query and its hits as a picture.", show_default=False),
]
