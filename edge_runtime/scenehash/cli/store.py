"""`scenehash store`: care of a store."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenehash.errors import ConfigurationError

from .console import EXIT_FAILED, EXIT_SET_ASIDE, AsJson, notice, report
from .options import (
    BoundingBox,
    LabelOption,
    NearOption,
    NewerThan,
    SceneOption,
    Since,
    Until,
    Wait,
    make_filter,
    notice_trouble,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


StoreArgument = Annotated[Path, typer.Argument(help="The folder of the code store.")]


def register(app: typer.Typer) -> None:
    """Add the group to the app."""
    group = typer.Typer(help="Look after a code store.", no_args_is_help=True)
    for command in (
        info_command,
        verify_command,
        delete_command,
        compact_command,
        merge_command,
        export_command,
        index_command,
        thumbnails_command,
    ):
        group.command(command.__name__.removesuffix("_command"))(command)
    app.add_typer(group, name="store")


def info_command(store: StoreArgument, as_json: AsJson = False) -> None:
    """Say what a store holds, and whose codes."""
    from scenehash.store import THUMBNAILS, CodeStore

    with CodeStore.open(store) as code_store:
        scenes, tiles = code_store.counts()
        document = {
            "store": str(store),
            "scenes": scenes,
            "tiles": tiles,
            "rows": code_store.rows,
            "deleted": code_store.deleted,
            "indexed": code_store.indexed,
            "bits": code_store.bits,
            "lineage": code_store.lineage,
            "model": code_store.model,
            "thumbnails": code_store.thumbnail_count() if code_store.thumbnails.kept else None,
            "thumbnail_bytes": _bytes_of(store.glob(f"{THUMBNAILS}*")),
            "bytes": _bytes_of(store.rglob("*")),
        }
        notice_trouble(code_store)
    shown = {name: "not kept" if value is None else value for name, value in document.items()}
    report(document, as_json, *(f"{name:15} {value}" for name, value in shown.items()))


def verify_command(store: StoreArgument, as_json: AsJson = False) -> None:
    """Read everything back and compare it with its checksums; exit status 1 on damage.

    A damaged scene is repaired by ingesting it again. A thumbnail that is missing or damaged is
    counted, and is no damage of the store.
    """
    from scenehash.store import CodeStore

    with CodeStore.open(store) as code_store:
        scenes, tiles = code_store.counts()
        damage = code_store.verify()
        missing = 0
        if code_store.thumbnails.kept:
            missing = sum(own.count(None) for _, own in code_store.thumbnails_by_scene())
        notice_trouble(code_store)
    document = {
        "store": str(store),
        "scenes": scenes,
        "tiles": tiles,
        "damage": damage,
        "thumbnails_missing": missing,
    }
    if missing:
        notice(
            f"{missing} of {tiles} tiles have no sound thumbnail; the codes are none the worse: "
            f"scenehash store thumbnails {store}"
        )
    verdict = f"{len(damage)} damaged; ingest these scenes again" if damage else "all good"
    report(document, as_json, *damage, f"{store}: {scenes} scenes, {tiles} tiles: {verdict}")
    if damage:
        raise typer.Exit(EXIT_FAILED)


def delete_command(
    store: StoreArgument,
    scene: SceneOption = None,
    label: LabelOption = None,
    since: Since = None,
    until: Until = None,
    bbox: BoundingBox = None,
    near: NearOption = None,
    newer_than: NewerThan = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be deleted, and delete nothing.")
    ] = False,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Delete the scenes of which a tile meets all conditions; at least one must be given.

    Their codes leave the disk with the next: scenehash store compact.
    """
    from scenehash.store import CodeStore

    where = make_filter(scene, label, since, until, bbox, near, newer_than)
    if not where:
        raise ConfigurationError(
            "which scenes? Name them with --scene, --label, --since, --until, --bbox, "
            "--near or --newer-than"
        )
    with CodeStore.open(store, writable=not dry_run, wait=wait) as code_store:
        paths = code_store.paths(where)
        if not dry_run:
            code_store.delete(where)
    document = {"store": str(store), "deleted": paths, "dry_run": dry_run}
    verb = "would be deleted" if dry_run else "deleted"
    report(document, as_json, *paths, f"{store}: {len(paths)} scenes {verb}")


def compact_command(store: StoreArgument, wait: Wait = False, as_json: AsJson = False) -> None:
    """Give the room of deleted scenes, and of their thumbnails, back to the disk.

    Rows keep their numbers.
    """
    from scenehash.store import CodeStore

    with CodeStore.open(store, writable=True, wait=wait) as code_store:
        dropped = code_store.compact()
    report(
        {"store": str(store), "tiles_dropped": dropped},
        as_json,
        f"{store}: the codes of {dropped} deleted tiles dropped",
    )


def merge_command(
    store: StoreArgument,
    other: Annotated[Path, typer.Argument(help="The store whose scenes are taken over.")],
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Take over the scenes of another store of the same model; the same content is kept once.

    A damaged scene of the other store is set aside, and the exit status is 3. Thumbnails come along
    where this store keeps them; a new one does when the other does.
    """
    from scenehash.store import CodeStore

    with (
        CodeStore.open(other) as source,
        CodeStore.open_or_create(
            store, source.lineage, source.bits, source.model, wait
        ) as code_store,
    ):
        done = code_store.merge(source)
        for opened in (source, code_store):
            notice_trouble(opened)
    for line in done.set_aside:
        notice(f"set aside: {line}")
    document = {
        "store": str(store),
        "scenes_stored": done.stored,
        "scenes_duplicate": done.duplicates,
        "scenes_repaired": done.repaired,
        "set_aside": list(done.set_aside),
    }
    summary = (
        f"{store}: {done.stored} scenes stored, {done.duplicates} stored already, "
        f"{done.repaired} repaired, {len(done.set_aside)} set aside"
    )
    report(document, as_json, summary)
    if done.set_aside:
        raise typer.Exit(EXIT_SET_ASIDE)


def export_command(
    store: StoreArgument,
    out: Annotated[
        Path,
        typer.Option("--out", help="What to write: .parquet (GeoParquet), .npz or .geojson."),
    ],
    as_json: AsJson = False,
) -> None:
    """Write all tiles, with their codes and footprints, to one file for other tools."""
    from scenehash.report.tables import write_table
    from scenehash.store import CodeStore

    with CodeStore.open(store) as code_store:
        tiles = write_table(code_store, out)
    document = {"store": str(store), "tiles": tiles, "out": str(out)}
    report(document, as_json, f"{out}: {tiles} tiles")


def index_command(store: StoreArgument, as_json: AsJson = False) -> None:
    """Bring the search index up to date now; otherwise ingest does, as tiles come in."""
    from scenehash.store import CodeStore

    with CodeStore.open(store) as code_store:
        code_store.build_index()
        indexed = code_store.indexed
    document = {"store": str(store), "indexed": indexed}
    report(document, as_json, f"{store}: {indexed} codes indexed")


def thumbnails_command(
    store: StoreArgument,
    remove: Annotated[
        bool, typer.Option("--remove", help="Keep none from now on, and remove those there are.")
    ] = False,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Keep a small picture of each tile, and make those that are missing or damaged.

    They are made of scene files that are still there; when some cannot be, the exit status is 3.
    """
    from scenehash.ingestion.thumbnails import Made, make_missing
    from scenehash.store import CodeStore

    with CodeStore.open(store, writable=True, wait=wait) as code_store:
        code_store.keep_thumbnails(not remove)
        done = Made() if remove else make_missing(code_store)
        count = code_store.thumbnail_count()
        notice_trouble(code_store)
    for path, reason in done.gone.items():
        notice(f"set aside: {path}: {reason}")
    document = {
        "store": str(store),
        "thumbnails": count,
        "made": done.made,
        "set_aside": [{"path": path, "reason": reason} for path, reason in done.gone.items()],
    }
    summary = f"{store}: {count} thumbnails, {done.made} made now, {len(done.gone)} set aside"
    report(document, as_json, summary)
    if done.gone:
        raise typer.Exit(EXIT_SET_ASIDE)


def _bytes_of(paths: "Iterable[Path]") -> int:
    return sum(path.stat().st_size for path in paths if path.is_file())
