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
            help="Add the backup to this file, or to a file in this folder with the store's name.",
        ),
    ],
    choice: StoreChoice,
    keep: Annotated[
        int, typer.Option(min=1, metavar="N", help="Keep the newest N backups in the file.")
    ] = 10,
    as_json: AsJson = False,
) -> None:
    """Back up a store, also while another command writes to it.

    The command writes only the data that has changed since the last backup in the file. It reads
    the data back and compares it before it lists the backup.
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
        bool, typer.Option("--verify", help="Read all backups, and compare them with checksums.")
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
            "--to", metavar="STORE", help="Restore to this folder, which must be new or empty."
        ),
    ],
    number: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Restore the backup with this number.", show_default="the newest"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Restore a store from a backup, completely or not at all.

    The command names the rows and events that the store may lack since the backup.
    """
    from scenehash.store.backups.restore import restore

    done = restore(backup, to, number, progress=CONSOLE)
    for line in done.damage:
        notice(f"already damaged at the time of the backup: {line}")
    report(done.document(), as_json, _line(done.kept), done.unknown)


def _line(kept: "Kept") -> str:
    moment = kept.moment
    return (
        f"backup {kept.number}, {moment.taken}: {counted(moment.scenes, 'scene')}, "
        f"{counted(moment.tiles, 'tile')}, {kept.size / 1e6:,.1f} MB"
    )
