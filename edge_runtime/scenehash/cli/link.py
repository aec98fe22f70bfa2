"""`scenehash link`: bundles between stations and a ground store."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenehash.link.pack_options import TIMES
from scenehash.retrieval.options import DEFAULT_HITS

from .choices import FilterChoice
from .console import CONSOLE, AsJson, UsageError, counted, notice, report
from .exit_status import EXIT_SET_ASIDE
from .options import ModelPath, StorePath, Wait
from .register import register_command, register_group

if TYPE_CHECKING:
    from scenehash.link import Applied, Bundled

PeerName = Annotated[
    str, typer.Option("--for", metavar="PEER", help="Name the station that receives the bundle.")
]
BundleOut = Annotated[
    Path,
    typer.Option(
        "--out",
        metavar="FILE|FOLDER",
        help="Write the bundle to this file (NAME.shlb), or to a new file in this folder, "
        "made if needed.",
    ),
]
MaxBytes = Annotated[
    int | None,
    typer.Option(metavar="N", help="Write at most this many bytes, the most urgent data first."),
]


def _span(text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    if not (first.isdecimal() and dash and last.isdecimal()):
        raise typer.BadParameter(f"{text}: not FIRST-LAST, such as 120-180")
    return int(first), int(last)


def register(app: typer.Typer) -> None:
    """Add the group to the app."""
    group = register_group(app, "link", "Exchange bundles with other stations, over any carrier.")
    register_command(
        group,
        pack_command,
        "scenehash link pack --store my.store --for ground --max-bytes 500000",
    )
    register_command(group, apply_command, "scenehash link apply incoming/*.shlb --store ground")
    register_command(
        group,
        ask_command,
        "scenehash link ask code:0f3a5c7e9b1d2f40 --store ground --for north-1 -k 5",
        "scenehash link ask --alert quay --store ground --for north-1",
    )
    register_command(group, answer_command, "scenehash link answer ask.shlb --store my.store")
    register_command(group, status_command, "scenehash link status --store ground --peer north-1")
    register_command(group, forget_command, "scenehash link forget north-1 --store ground")


def pack_command(
    store: StorePath,
    peer: PeerName,
    out: BundleOut = Path(),
    max_bytes: MaxBytes = None,
    times: Annotated[
        int,
        typer.Option(min=1, metavar="N", help="Send unacknowledged data up to N times."),
    ] = TIMES,
    down: Annotated[
        bool,
        typer.Option(
            "--down", help="Pack receipts, queries, alerts and models for a station, and no tiles."
        ),
    ] = False,
    model: Annotated[
        list[Path] | None,
        typer.Option(
            "--model",
            metavar="FILE",
            help="Send this model or adaptation in pieces, with --down; may be repeated.",
        ),
    ] = None,
    again: Annotated[
        list[Any] | None,
        typer.Option(
            parser=_span, metavar="FIRST-LAST", help="Send these rows again; may be repeated."
        ),
    ] = None,
    again_events: Annotated[
        list[Any] | None,
        typer.Option(
            parser=_span, metavar="FIRST-LAST", help="Send these events again; may be repeated."
        ),
    ] = None,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Write a bundle of the data that a peer lacks.

    The bundle holds new and deleted tiles, events, and receipts for data from the peer. Later
    bundles send the data of a lost bundle again. The command leaves out damaged scenes, and items
    that are too large for a bundle of this size; the exit status is then 3.
    """
    from scenehash.link import PackOptions, pack_bundle

    if model and not down:
        raise UsageError("--model: only a bundle for a station carries a model; give --down, too")
    spans = tuple(again or ()), tuple(again_events or ())
    options = PackOptions(max_bytes, times, down, False, tuple(model or ()), *spans)
    packed = pack_bundle(store, peer, out, options, wait)
    for line in packed.left_out:
        notice(f"left out: {line}")
    report(packed.document(), as_json, _packed_line(packed))
    if packed.left_out:
        raise typer.Exit(EXIT_SET_ASIDE)


def apply_command(
    bundles: Annotated[
        list[Path], typer.Argument(metavar="BUNDLE", help="Apply these bundle files.")
    ],
    store: StorePath,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Apply bundles to a store, in any order.

    A bundle may come twice, or cut. The command makes the store if it does not exist. Exit status 3
    means that a part could not be applied.
    """
    from scenehash.link import apply_bundles

    done = apply_bundles(bundles, store, wait, CONSOLE)
    aside = [line for one in done for line in one.set_aside]
    for line in aside:
        notice(f"set aside: {line}")
    document = {"store": str(store), "bundles": [one.document() for one in done]}
    lines = [_applied_line(one) for one in done if one.station]
    for one in done:
        for answer in one.answers:
            lines += _answer_lines(answer)
        lines += [
            f"{file}: a model; use it: scenehash rehash --store {store} --model {file}"
            for file in one.files
        ]
    report(document, as_json, *lines)
    if aside:
        raise typer.Exit(EXIT_SET_ASIDE)


def ask_command(
    store: StorePath,
    peer: PeerName,
    queries: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="QUERY",
            help="Ask for tiles like these: code:HEX, logits:FILE, row:N, or scene files.",
        ),
    ] = None,
    out: BundleOut = Path(),
    *,
    k: Annotated[
        int, typer.Option("-k", min=1, max=1000, metavar="N", help="Ask for this many hits.")
    ] = DEFAULT_HITS,
    radius: Annotated[
        int | None,
        typer.Option(min=0, metavar="BITS", help="Ask for hits at most this many bits away."),
    ] = None,
    unlike: Annotated[
        list[str] | None,
        typer.Option(
            "--not",
            metavar="QUERY",
            help="Leave out hits that are at least as near to this as to a query; may be repeated.",
        ),
    ] = None,
    alert: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Ask for tiles that match this alert of the store."),
    ] = None,
    rows: Annotated[
        list[int] | None,
        typer.Option(
            "--row",
            metavar="ROW",
            help="Ask for the thumbnail of the peer's row ROW; may be repeated.",
        ),
    ] = None,
    thumbnails: Annotated[
        bool, typer.Option("--thumbnails", help="Ask for a thumbnail of each hit.")
    ] = False,
    filtering: FilterChoice,
    model: ModelPath = None,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Write a bundle with a query for a peer's store.

    The peer answers with: scenehash link answer. When you apply the answer, the store reports it as
    an event, and link apply prints it.
    """
    from scenehash.link import AskOptions, ask_peer

    options = AskOptions(k, radius, filtering.filter(), thumbnails, alert, tuple(rows or ()))
    packed = ask_peer(store, peer, queries or (), unlike or (), out, options, model, wait)
    others = _listed(len(packed.letters) - 1, "other item", packed.left_letters, "item left")
    line = f"{packed.path}: {counted(packed.bytes, 'byte')}: a query"
    report(packed.document(), as_json, f"{line}, {others}" if others else line)


def answer_command(
    bundles: Annotated[
        list[Path], typer.Argument(metavar="BUNDLE", help="Apply these bundle files.")
    ],
    store: StorePath,
    out: BundleOut = Path(),
    max_bytes: MaxBytes = None,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Apply queries to a store, and write a bundle of answers.

    Without this command, the next bundle of scenehash link pack carries the answers.
    """
    from scenehash.link import answer_peer

    applied, packed = answer_peer(bundles, store, out, max_bytes, wait)
    aside = [line for one in applied for line in one.set_aside]
    for line in aside:
        notice(f"set aside: {line}")
    left_out = [line for one in packed for line in one.left_out]
    for line in left_out:
        notice(f"left out: {line}")
    document = {
        "store": str(store),
        "bundles": [one.document() for one in applied],
        "answers": [one.document() for one in packed],
    }
    lines = [
        f"{one.path}: {counted(one.bytes, 'byte')}: {counted(len(one.letters), 'answer')}, "
        f"{counted(one.thumbnails, 'thumbnail')}"
        for one in packed
    ]
    report(document, as_json, *(lines or [f"{store}: no query to answer, no bundle written"]))
    if aside or left_out:
        raise typer.Exit(EXIT_SET_ASIDE)


def status_command(
    store: StorePath,
    peer: Annotated[
        str | None, typer.Option("--peer", metavar="PEER", help="Show only this peer.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the sent, received and missing data of each peer.

    Both sides compute a digest over their tiles. The received data is complete when both digests
    are equal.
    """
    from scenehash.link import link_status

    document = link_status(store, peer)
    lines = [_sent_line(one) for one in document["sent"]]
    names = [one["station"] for one in document["received"]]
    for one in document["received"]:
        # A store that was made anew, or another one of that name.
        other = f" ({one['store'][:8]})" if names.count(one["station"]) > 1 else ""
        lines += _received_lines({**one, "station": f"{one['station']}{other}"})
    report(document, as_json, *(lines or [f"{store}: no bundle was packed or applied yet"]))


def forget_command(
    peer: Annotated[
        str,
        typer.Argument(
            metavar="PEER",
            help="Forget the peer with this name, or the store whose id begins with it.",
        ),
    ],
    store: StorePath,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Forget a peer that no longer exists.

    The store forgets its progress with this peer. The peer's tiles stay, but --station no longer
    finds them. If the peer returns, it counts as a new peer.
    """
    from scenehash.link import forget_peer

    done = forget_peer(store, peer, wait)
    sent, stay = counted(done.bundles, "bundle"), counted(done.scenes, "scene")
    stores = counted(len(done.stores), "store")
    line = f"{peer}: forgotten: {sent} sent, progress of {stores}; {stay} of {peer} stay"
    report(done.document(), as_json, line)


def _packed_line(packed: "Bundled") -> str:
    left = _listed(packed.left_tiles, "tile", packed.left_events, "event", packed.left_letters,
                   "other item")  # fmt: skip
    each = ""
    if packed.tiles:
        each = f" ({packed.block_bytes['tiles'] / packed.tiles:.1f} bytes a tile)"
    carried = _listed(packed.events, "event", packed.deleted, "deleted row",
                      packed.annotations, "changed annotation", packed.thumbnails,
                      "thumbnail", len(packed.letters), "other item",
                      packed.tiles, "tile")  # fmt: skip
    rest = f"; left: {left}" if left else ""
    nothing = "a receipt, nothing new" if "receipt" in packed.block_bytes else "nothing new"
    return f"{packed.path}: {counted(packed.bytes, 'byte')}: {carried or nothing}{each}{rest}"


def _applied_line(one: "Applied") -> str:
    news = _listed(one.scenes, "scene", one.tiles, "tile", one.deleted, "deleted scene",
                   one.annotations, "changed annotation", one.events, "event",
                   one.thumbnails, "thumbnail", one.alerts, "alert",
                   one.judgements, "judgement", one.questions, "query",
                   one.pieces, "model piece")  # fmt: skip
    news = news or ("an answer" if one.answers else "nothing new")
    cut = f"; {one.cut} of {one.blocks} blocks missing" if one.cut else ""
    return f"{one.bundle}: {one.station or 'unknown'} {one.number}: {news}{cut}"


def _listed(*counts: int | str) -> str:
    """The counts that are not zero, in words. counts: each count with its noun after it."""
    pairs = zip(counts[::2], counts[1::2], strict=True)
    return ", ".join(counted(int(count), str(noun)) for count, noun in pairs if count)


def _answer_lines(answer: dict[str, Any]) -> list[str]:
    hits, searched = answer["hits"], answer["searched"]
    # A request for thumbnails alone searches nothing.
    found = f"{counted(len(hits), 'hit')} among {counted(searched, 'tile')}"
    lines = [
        f"{answer['station']} answers question {answer['question']}: "
        f"{found if searched else 'no tiles were searched'}"
    ]
    return lines + [
        f"  {rank:3} distance {hit['distance']:3} row {hit['row']} {hit['scene']} "
        f"{','.join(map(str, hit['window']))}"
        for rank, hit in enumerate(hits, start=1)
    ]


def _sent_line(one: dict[str, Any]) -> str:
    parts = [
        f"; {name}: {one[name]['sent']:,} of {one[name]['all']:,} sent, "
        f"{one[name]['acknowledged']:,} acknowledged"
        for name in ("tiles", "events")
        if one["tiles"]["sent"] or one["events"]["sent"]  # a ground store sends neither
    ]
    return f"to {one['peer']}: {counted(one['bundles'], 'bundle')}{''.join(parts)}"


def _received_lines(one: dict[str, Any]) -> list[str]:
    if "tiles" not in one:
        return [f"from {one['station']}: {counted(one['newest_bundle'], 'bundle')}, no tiles"]
    state = "complete" if one["complete"] else "not complete"
    lines = [
        f"from {one['station']}: {state} as of bundle {one['as_of_bundle']}: "
        f"{counted(one['tiles'], 'tile')}, digest {one['digest']}"
    ]
    for name, what in (
        ("missing", "rows missing"),
        ("waiting", "rows waiting"),
        ("differing", "rows differing"),
        ("annotations_differing", "labels or paths differing in rows"),
        ("events_missing", "events missing"),
    ):
        if one[name]:
            ranges = ", ".join(f"{first} to {last}" for first, last in one[name])
            lines.append(f"from {one['station']}: {what}: {ranges}")
    for name, what in (("deleted_here", "deleted here"), ("cut_otherwise", "cut otherwise")):
        if one[name]:
            lines.append(f"from {one['station']}: {counted(one[name], 'tile')} {what}")
    return lines
