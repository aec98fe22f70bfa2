"""`scenehash store backup`, `backups` and `restore`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .choices import StoreChoice
from .console import CONSOLE, AsJson, counted, notice, report

if TYPE_CHECKING:
    from scenehash.store.backups.backup_file import Kept

BackupArgument = Annotated[Path, typer.Argument(metavar="BACKUP", help="Read this backup file.")]


def backup_command(
    to: Annotated[
        Path,
        typer.Option(
            "--to",
            metavar="FILE|FOLDER",
            help="Add the backup to this file, or to a file in this folder named as the store.",
        ),
    ],
    choice: StoreChoice,
    keep: Annotated[
        int, typer.Option(min=1, metavar="N", help="Keep the newest N backups in the file.")
    ] = 10,
    as_json: AsJson = False,
) -> None:
    """Back up a store, which may be written to meanwhile.

    Only what has changed since the last backup in the file is written. It is read back and
    compared before the backup counts.
    """
    from scenehash.store.backups.backup import back_up

    folder = choice.folder()
    done = back_up(folder, to, keep, progress=CONSOLE)
    for line in done.left_out:
        notice(f"left out: {line}")
    summary = f"{_line(done.kept)}; {done.written / 1e6:,.1f} MB of it new"
    report({"store": str(folder)} | done.document(), as_json, f"{done.file}: {summary}")


def backups_command(
    backup: BackupArgument,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read all of them, and compare with checksums.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the backups in a file."""
    from scenehash.store.backups.restore import list_backups

    found = list_backups(backup, verify)
    document = {"file": str(backup), "backups": [kept.document() for kept in found]}
    verdict = ": all good" if verify else ""
    lines = [_line(kept) for kept in found]
    report(document, as_json, *lines, f"{backup}: {counted(len(found), 'backup')}{verdict}")


def restore_command(
    backup: BackupArgument,
    to: Annotated[
        Path,
        typer.Option(
            "--to", metavar="STORE", help="Make this folder the store; it is new, or empty."
        ),
    ],
    number: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Restore the backup with this number (default: the newest)."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a store of a backup, whole or not at all.

    It says what the store does not know since then.
    """
    from scenehash.store.backups.restore import restore

    done = restore(backup, to, number, progress=CONSOLE)
    for line in done.damage:
        notice(f"was damaged when it was backed up: {line}")
    report(done.document(), as_json, _line(done.kept), done.unknown)


def _line(kept: "Kept") -> str:
    moment = kept.moment
    return (
        f"backup {kept.number}, {moment.taken}: {counted(moment.scenes, 'scene')}, "
        f"{counted(moment.tiles, 'tile')}, {kept.size / 1e6:,.1f} MB"
    )
