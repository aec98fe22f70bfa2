"""`scenehash store`: care of a store."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenehash.errors import InputError, StoreError
from scenehash.printable import printable

from .backups import backup_command, backups_command, restore_command
from .choices import FilterChoice, StoreChoice
from .console import CONSOLE, AsJson, UsageError, counted, notice, report
from .exit_status import EXIT_FAILED, EXIT_SET_ASIDE
from .options import CORES, ModelPath, StoreOption, StorePath, Threads, Wait
from .register import continuing, register_command, register_group

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from scenehash.ingestion.report import Made
    from scenehash.store import CodeStore, Earlier
    from scenehash.store.reading.listing import ListedScene

# Scenes that are named before they are deleted.
SCENES_SHOWN = 10
FEW = "so few tiles are compared one by one"
# Words that a person reads, by the names in documents.
WORDS = {"vector": "representation"}


def register(app: typer.Typer) -> None:
    """Add the group to the app."""
    group = register_group(app, "store", "Inspect and maintain a code store.")
    register_command(group, info_command, "scenehash store info my.store")
    register_command(
        group,
        backup_command,
        "scenehash store backup my.store --to /media/stick",
        "scenehash store backup my.store --to my.backup --keep 30",
    )
    register_command(group, backups_command, "scenehash store backups my.backup --verify")
    register_command(
        group,
        restore_command,
        "scenehash store restore my.backup --to my.store",
        "scenehash store restore my.backup --to old.store --number 3",
    )
    register_command(
        group,
        scenes_command,
        "scenehash store scenes my.store",
        "scenehash store scenes my.store --label harbor --since 2026-03-01 --json",
    )
    register_command(group, verify_command, "scenehash store verify my.store")
    register_command(
        group,
        delete_command,
        "scenehash store delete my.store --label test --dry-run",
        "scenehash store delete my.store --until 2024-12-31 --yes",
        "scenehash store delete my.store --damaged",
    )
    register_command(group, compact_command, "scenehash store compact my.store")
    register_command(
        group,
        label_command,
        "scenehash store label my.store",
        "scenehash store label my.store --add harbor --scene port_2026.tif",
        "scenehash store label my.store --from-folder",
    )
    register_command(group, relocate_command, "scenehash store relocate my.store /mnt/old /mnt/new")
    register_command(group, merge_command, "scenehash store merge my.store other.store")
    register_command(
        group,
        export_command,
        "scenehash store export my.store --out tiles.parquet",
        "scenehash store export my.store --out catalogue",
    )
    register_command(group, index_command, "scenehash store index my.store")
    register_command(group, station_command, "scenehash store station north-1 --store my.store")
    register_command(
        group,
        thumbnails_command,
        "scenehash store thumbnails my.store",
        "scenehash store thumbnails my.store --remove",
    )
    register_command(
        group,
        vectors_command,
        "scenehash store vectors my.store",
        "scenehash store vectors my.store --remove",
    )


def info_command(choice: StoreChoice, as_json: AsJson = False) -> None:
    """Show the contents and the model of a store."""
    from scenehash.store import CodeStore
    from scenehash.store.documents import info_document

    with CodeStore.open(choice.folder()) as code_store:
        document, earlier = info_document(code_store), code_store.earlier()
        _notice_trouble(code_store)
    report(document, as_json, *(f"{n:15} {text}" for n, text in _info(document, earlier)))
    _notice_earlier(earlier)


def _info(
    document: "Mapping[str, Any]", earlier: "Sequence[Earlier]"
) -> "Iterator[tuple[str, str]]":
    """The contents of a store, in words and units."""
    yield "store", document["store"]
    yield "station", document["station"] or "without a name"
    yield "scenes", f"{document['scenes']:,}"
    yield "tiles", f"{document['tiles']:,}"
    yield "rows", f"{document['rows']:,}, {document['deleted']:,} of them deleted"
    yield "index", f"{document['indexed']:,} tiles" if document["indexed"] else f"none: {FEW}"
    yield "codes", f"{document['bits']} bits"
    yield "model", f"{document['model']}, lineage {document['lineage']}"
    yield "model file", document["model_file"] or "not kept"
    for words, name in (("thumbnails", "thumbnail"), ("representations", "vector")):
        count, size = document[f"{name}s"], document[f"{name}_bytes"] / 1e6
        yield words, "not kept" if count is None else f"{count:,}, {size:,.1f} MB"
    yield "earlier", f"{sum(one.tiles for one in earlier):,} tiles of earlier models"
    yield "size", f"{document['bytes'] / 1e6:,.1f} MB in all"


def station_command(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="Set the station's name: one word, such as north-1."),
    ],
    store: StorePath,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Name the station that a store belongs to.

    Bundles, engines and other stations use this name for the store's tiles.
    """
    from scenehash.store import CodeStore

    with CodeStore.open(store, writable=True, wait=wait) as code_store:
        code_store.name_station(name)
    report({"store": str(store), "station": name}, as_json, f"{store}: the store of station {name}")


def scenes_command(
    choice: StoreChoice,
    filtering: FilterChoice,
    limit: Annotated[
        int, typer.Option(min=1, metavar="N", help="List at most this many scenes.")
    ] = 100,
    after: Annotated[
        int | None,
        typer.Option(metavar="N", help='Continue after this number ("next" of the last list).'),
    ] = None,
    oldest_first: Annotated[
        bool, typer.Option("--oldest-first", help="List the oldest stored scenes first.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the scenes with a tile that meets all conditions.

    The newest stored scene comes first.
    """
    from scenehash.store import CodeStore
    from scenehash.store.documents import scenes_document

    folder, wanted = choice.folder(), filtering.filter()
    with CodeStore.open(folder) as code_store:
        page = code_store.list_scenes(wanted, limit, after, newest=not oldest_first)
        document, total = scenes_document(code_store, page), code_store.counts()[0]
    timed = any(one.time is not None for one in page.scenes)
    lines = [_scene_line(one, timed) for one in page.scenes]
    more = "" if page.next is None else f"; there are more: --after {page.next}"
    found = counted(len(page.scenes), "scene")
    if not wanted and len(page.scenes) < total:
        found = f"{len(page.scenes):,} of {counted(total, 'scene')}"
    report(document, as_json, *lines, f"{folder}: {found}{more}")


def verify_command(choice: StoreChoice, as_json: AsJson = False) -> None:
    """Check a store against its checksums.

    Exit status 1 means damage: ingest the damaged scenes again to repair them. The command counts
    missing and damaged thumbnails and representations, but they are not damage. The command also
    checks the stores of earlier models in the folder.
    """
    from scenehash.store import CodeStore
    from scenehash.store.documents import verify_document

    folder = choice.folder()
    with CodeStore.open(folder) as code_store:
        document, earlier = verify_document(code_store), code_store.earlier()
        _notice_trouble(code_store)
    _notice_earlier(earlier)
    tiles = counted(document["tiles"], "tile")
    for what, command in (("representation", "vectors"), ("thumbnail", "thumbnails")):
        if missing := document[f"{command}_missing"]:
            notice(
                f"{what} missing or damaged: {missing:,} of {tiles}; the codes are sound; make "
                f"them again: scenehash store {command} {folder}"
            )
    damage = document["damage"]
    verdict = f"{len(damage)} damaged; ingest these scenes again" if damage else "all good"
    size = f"{counted(document['scenes'], 'scene')}, {tiles}"
    report(document, as_json, *damage, f"{folder}: {size}: {verdict}")
    if damage:
        raise typer.Exit(EXIT_FAILED)


def delete_command(
    choice: StoreChoice,
    filtering: FilterChoice,
    damaged: Annotated[
        bool,
        typer.Option("--damaged", help="Delete all damaged scenes; give no condition with it."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the scenes, and delete nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete without asking.")] = False,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Delete the scenes that meet all given conditions.

    Give at least one condition. The command deletes a whole scene when one of its tiles meets the
    conditions. On a terminal the command asks first. To free the disk space, use: scenehash store
    compact.
    """
    from scenehash.store import CodeStore

    folder = choice.folder()
    wanted = filtering.filter()
    if bool(wanted) == damaged:
        raise UsageError(
            "which scenes? Give --damaged alone, or "
            "--scene, --label, --since, --until, --bbox, --near, --area or --newer-than"
        )
    shown: Sequence[str] | None = None
    if not (yes or dry_run) and _is_on_terminal():
        with CodeStore.open(folder) as code_store:
            where = code_store.resolve(wanted)
            shown = code_store.damaged_paths() if damaged else code_store.paths(where)
        _confirm(folder, shown)
    with CodeStore.open(folder, writable=not dry_run, wait=wait) as code_store:
        where = code_store.resolve(wanted)
        paths = code_store.damaged_paths() if damaged else code_store.paths(where)
        if shown is not None and paths != shown:
            raise StoreError(
                f"{folder}: the scenes that meet the conditions have changed since they were "
                "shown; nothing was deleted; give the command again"
            )
        if not dry_run:
            code_store.delete_damaged() if damaged else code_store.delete(where)
    document = {"store": str(folder), "deleted": paths, "dry_run": dry_run}
    verb = "would be deleted" if dry_run else "deleted"
    report(document, as_json, *paths, f"{folder}: {counted(len(paths), 'scene')} {verb}")


def compact_command(
    choice: StoreChoice,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Free the disk space of deleted scenes and their thumbnails.

    Rows keep their numbers.
    """
    from scenehash.store import CodeStore

    folder = choice.folder()
    with CodeStore.open(folder, writable=True, wait=wait) as code_store:
        dropped = code_store.compact()
    report(
        {"store": str(folder), "tiles_dropped": dropped},
        as_json,
        f"{folder}: codes of {counted(dropped, 'deleted tile')} dropped",
    )


def label_command(
    choice: StoreChoice,
    *,
    add: Annotated[
        list[str] | None,
        typer.Option("--add", metavar="LABEL", help="Add this label; may be repeated."),
    ] = None,
    remove: Annotated[
        list[str] | None,
        typer.Option("--remove", metavar="LABEL", help="Remove this label; may be repeated."),
    ] = None,
    from_folder: Annotated[
        bool, typer.Option("--from-folder", help="Add the name of each scene's folder.")
    ] = False,
    filtering: FilterChoice,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """List the labels of stored scenes, or change them.

    The command changes all scenes, or the scenes with a tile that meets all conditions. Without
    --add, --remove and --from-folder the command changes nothing: it lists all labels, with the
    number of scenes of each label.
    """
    from scenehash.store import CodeStore, Filter
    from scenehash.store.documents import labels_document

    folder, wanted = choice.folder(), filtering.filter()
    if not (add or remove or from_folder):
        if wanted != Filter():
            raise UsageError("which labels? Give --add, --remove or --from-folder")
        with CodeStore.open(folder) as code_store:
            counts, document = code_store.label_counts(), labels_document(code_store)
        lines = [f"{scenes:8,}  {label}" for label, scenes in counts]
        listed = {"store": str(folder), **document}
        report(listed, as_json, *lines, f"{folder}: {counted(len(lines), 'label')}")
        return
    with CodeStore.open(folder, True, wait) as code_store, code_store.transaction():
        where = code_store.resolve(wanted)
        changed = {*code_store.label(where, add or ())}
        changed.update(code_store.label_by_folder(where) if from_folder else ())
        changed.update(code_store.label(where, remove or (), remove=True))
    document = {"store": str(folder), "changed": sorted(changed)}
    report(document, as_json, f"{folder}: {counted(len(changed), 'scene')} changed")


@continuing
def relocate_command(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="[STORE] OLD NEW", help="Move from the path OLD to the path NEW."),
    ],
    option: StoreOption = None,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Change the stored paths of scenes whose files have moved.

    OLD and NEW are the paths of a scene, or of a folder of scenes. If the content of a file differs
    from the stored scene, the command sets the file aside, the scene keeps its path, and the exit
    status is 3.
    """
    from scenehash.ingestion.relocate import relocate
    from scenehash.store import CodeStore

    if len(paths) not in (2, 3):
        raise UsageError("give OLD and NEW paths (and STORE before them)")
    folder = StoreChoice(paths[0] if len(paths) == 3 else None, option).folder()
    if not paths[-1].exists():
        raise InputError("no such file or folder", paths[-1])
    with CodeStore.open(folder, writable=True, wait=wait) as code_store:
        done = relocate(code_store, paths[-2], paths[-1], CONSOLE)
    for item in done.set_aside:
        notice(f"set aside: {item.path}: {item.reason}")
    summary = f"{counted(len(done.moved), 'scene')} moved, {len(done.set_aside):,} set aside"
    report({"store": str(folder)} | done.document(), as_json, f"{folder}: {summary}")
    if done.set_aside:
        raise typer.Exit(EXIT_SET_ASIDE)


@continuing
def merge_command(
    stores: Annotated[
        list[Path],
        typer.Argument(metavar="[STORE] OTHER", help="Copy from OTHER into STORE."),
    ],
    option: StoreOption = None,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Copy the scenes of another store of the same model.

    A scene that both stores hold is kept once, with the labels of both. The command sets a damaged
    scene of the other store aside; the exit status is then 3. It copies thumbnails if this store
    keeps thumbnails; a new store keeps them if the other store does.
    """
    from scenehash.store import CodeStore

    if len(stores) > 2:
        raise UsageError("which store? Give at most two: STORE and OTHER")
    folder = StoreChoice(stores[0] if len(stores) == 2 else None, option).folder()
    with (
        CodeStore.open(stores[-1]) as source,
        CodeStore.open_or_create(
            folder, source.lineage, source.bits, source.model, wait
        ) as code_store,
    ):
        done = code_store.merge(source)
        for opened in (source, code_store):
            _notice_trouble(opened)
        for left in source.earlier():
            notice(f"not copied: {left}")
    for line in done.set_aside:
        notice(f"set aside: {line}")
    summary = (
        f"{folder}: {counted(done.stored, 'scene')} stored, {done.duplicates:,} stored already, "
        f"{done.repaired:,} repaired, {len(done.set_aside):,} set aside"
    )
    report({"store": str(folder)} | done.document(), as_json, summary)
    if done.set_aside:
        raise typer.Exit(EXIT_SET_ASIDE)


def export_command(
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Write this file (.parquet: GeoParquet, .npz or .geojson), or, if the name has no "
            "ending, a STAC catalogue in a new folder.",
        ),
    ],
    choice: StoreChoice,
    as_json: AsJson = False,
) -> None:
    """Write all tiles to a file or a catalogue for other programs."""
    from scenehash.report.stac import write_catalog
    from scenehash.report.tables import write_table
    from scenehash.store import CodeStore

    folder = choice.folder()
    with CodeStore.open(folder) as code_store:
        tiles = (write_table if out.suffix else write_catalog)(code_store, out)
    document = {"store": str(folder), "tiles": tiles, "out": str(out)}
    report(document, as_json, f"{out}: {counted(tiles, 'tile')}")


def index_command(choice: StoreChoice, as_json: AsJson = False) -> None:
    """Bring the search index up to date.

    Ingest updates the index by itself. Use this command after a merge, or if the index is missing.
    """
    from scenehash.store import CodeStore

    folder = choice.folder()
    with CodeStore.open(folder) as code_store:
        code_store.build_index()
        indexed = code_store.indexed
    document = {"store": str(folder), "indexed": indexed}
    found = f"{counted(indexed, 'code')} indexed"
    if not indexed:
        found = f"no index: {FEW}"
    report(document, as_json, f"{folder}: {found}")


@continuing
def thumbnails_command(
    choice: StoreChoice,
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove all thumbnails, and make no new ones.")
    ] = False,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Keep a small picture of each tile.

    The command makes the missing pictures from the scene files. If it cannot make some of them, the
    exit status is 3.
    """
    from scenehash.ingestion.report import Made
    from scenehash.ingestion.thumbnails import make_missing
    from scenehash.store import CodeStore

    folder = choice.folder()
    with CodeStore.open(folder, writable=True, wait=wait) as code_store:
        code_store.keep_thumbnails(not remove)
        done = Made() if remove else make_missing(code_store)
        count = code_store.thumbnail_count()
        _notice_trouble(code_store)
    _report_made(folder, count, "thumbnail", done, as_json)


@continuing
def vectors_command(
    choice: StoreChoice,
    remove: Annotated[
        bool,
        typer.Option("--remove", help="Remove all representations, and make no new ones."),
    ] = False,
    model: ModelPath = None,
    threads: Threads = CORES,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Keep the representation of each tile.

    The commands adapt, rehash and search --rerank use representations. The command makes the
    missing ones from the scene files. If it cannot make some of them, the exit status is 3.
    """
    from scenehash.ingestion.report import Made
    from scenehash.ingestion.vectors import make_vectors
    from scenehash.store import CodeStore

    folder = choice.folder()
    with CodeStore.open(folder, writable=True, wait=wait) as code_store:
        if remove:
            code_store.drop_vectors()
            done = Made()
        else:
            done = make_vectors(code_store, model, threads, CONSOLE)
        count = code_store.vector_count()
        _notice_trouble(code_store)
    _report_made(folder, count, "vector", done, as_json)


def _report_made(folder: Path, count: int, noun: str, done: "Made", as_json: bool) -> None:
    """Print the number of items that were made; raises Exit with status 3 if some are missing."""
    for path, reason in done.gone.items():
        notice(f"set aside: {path}: {reason}")
    document = {"store": str(folder), f"{noun}s": count} | done.document()
    summary = f"{counted(count, WORDS.get(noun, noun))}, {done.made:,} made now"
    report(document, as_json, f"{folder}: {summary}, {len(done.gone):,} set aside")
    if done.gone:
        raise typer.Exit(EXIT_SET_ASIDE)


def _notice_earlier(earlier: "Sequence[Earlier]") -> None:
    """Print the scenes that have only codes of an earlier model."""
    for one in earlier:
        notice(f"note: {one}")


def _scene_line(scene: "ListedScene", timed: bool) -> str:
    """timed: there is a column for times."""
    time = "no time" if scene.time is None else f"{scene.time:%Y-%m-%d %H:%M}"
    first = f"{time:16}  " if timed else ""
    tiles = counted(scene.tiles, "tile")
    return f"{first}{tiles:>12}  {scene.path}  {', '.join(scene.labels)}".rstrip()


def _notice_trouble(store: "CodeStore") -> None:
    """Print a warning if the index, thumbnails or representations of a store have a problem."""
    if store.trouble is not None:
        notice(f"warning: {store.trouble}")


def _is_on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _confirm(store: Path, paths: "Sequence[str]") -> None:
    """Ask on the terminal; raises Abort unless the answer is yes."""
    if not paths:
        return
    for path in paths[:SCENES_SHOWN]:
        notice(path)
    if len(paths) > SCENES_SHOWN:
        notice(f"... and {counted(len(paths) - SCENES_SHOWN, 'more scene')}")
    typer.confirm(
        f"Delete {counted(len(paths), 'scene')} from {printable(str(store))}?", abort=True, err=True
    )
