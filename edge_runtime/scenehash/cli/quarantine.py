"""`scenehash quarantine`: inputs that could not be ingested."""

from pathlib import Path
from typing import Annotated

import typer

from scenehash.files import path_text

from .choices import IngestChoice
from .console import CONSOLE, AsJson, counted, report
from .ingest import show_report
from .options import ModelPath, StorePath, Wait
from .register import continuing, register_command, register_group


def register(app: typer.Typer) -> None:
    """Add the group to the app."""
    group = register_group(app, "quarantine", "List and retry inputs that could not be ingested.")
    register_command(group, list_command, "scenehash quarantine list --store my.store")
    register_command(group, retry_command, "scenehash quarantine retry --store my.store")
    register_command(
        group, release_command, "scenehash quarantine release scenes/bad.tif --store my.store"
    )


def list_command(store: StorePath, as_json: AsJson = False) -> None:
    """List inputs that could not be ingested, each with the reason."""
    from scenehash.store import CodeStore
    from scenehash.store.documents import quarantine_document

    with CodeStore.open(store) as code_store:
        items, document = code_store.quarantine.list(), quarantine_document(code_store)
    lines = [f"{item.time:%Y-%m-%d %H:%M:%S}Z  {item.path}: {item.reason}" for item in items]
    report(document, as_json, *lines, f"{store}: {counted(len(items), 'input')} in quarantine")


@continuing
def retry_command(
    store: StorePath,
    choice: IngestChoice,
    model: ModelPath = None,
    as_json: AsJson = False,
) -> None:
    """Ingest quarantined inputs again.

    Use this command after you have repaired the files, or with other options. If some inputs still
    cannot be ingested, the exit status is 3.
    """
    from scenehash.ingestion import retry_quarantine

    show_report(retry_quarantine(store, model, choice.options(), CONSOLE), as_json)


def release_command(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH", readable=False, help="Remove these inputs, with the paths of the list."
        ),
    ],
    store: StorePath,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Remove inputs from quarantine.

    The command does not change the files.
    """
    from scenehash.store import CodeStore

    with CodeStore.open(store, writable=True, wait=wait) as code_store:
        released = code_store.quarantine.release([path_text(path.absolute()) for path in paths])
    document = {"store": str(store), "released": released}
    report(document, as_json, f"{store}: {released} released from quarantine")
