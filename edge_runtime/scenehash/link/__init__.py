"""What travels over a thin link: bundles between stations and a ground store, as files.

pack_options.py    PackOptions: what a bundle may be
packing.py         pack_bundle: what a peer lacks, the most urgent first
applying.py        apply_bundles: into a store, in any order, twice, or cut
asking.py          ask_peer, answer_peer: a query to a station's store, and its hits
status.py          link_status: what each side has, and what lacks
forgetting.py      forget_peer: a peer that is no more
bundle.py          a bundle: its head, its blocks, their checksums
dictionary.py      what blocks of events have in common
kinds.py           what blocks are about
facts.py           blocks on how far a sender is, and what it has of the addressee's
pieces.py          blocks of tiles
annotations.py     blocks of labels and paths that have changed
footprint_code.py  in them, footprints in a few bits a tile
events.py          blocks of events
questions.py       blocks of queries, answers and thumbnails
alert_code.py      in blocks, alerts
letters.py         what goes besides tiles and events, and how it is taken
model_files.py     model files in pieces
answering.py       what a store finds for a query
wire.py            numbers, texts and columns
limits.py          sizes that both ends agree on
sent.py            what was sent to a peer, and what comes next
received.py        what has come from a station
completeness.py    whether that is all, and the receipt for it
station_scenes.py  the scenes of a station, as they come, change and go
own.py             the scenes, rows and events of a store as both ends count them
digest_tree.py     the tree that shows whether both ends have the same
spans.py           sets of numbers, as ranges
signing.py         where signatures are made and checked
"""

from typing import TYPE_CHECKING

from scenehash.lazy_names import lazy_names

if TYPE_CHECKING:
    from .applying import Applied, apply_bundles
    from .asking import AskOptions, answer_peer, ask_peer
    from .forgetting import Forgotten, forget_peer
    from .pack_options import PackOptions
    from .packing import Bundled, pack_bundle
    from .status import link_status

__all__ = [
    "Applied",
    "AskOptions",
    "Bundled",
    "Forgotten",
    "PackOptions",
    "answer_peer",
    "apply_bundles",
    "ask_peer",
    "forget_peer",
    "link_status",
    "pack_bundle",
]

__getattr__ = lazy_names(
    __name__,
    {
        "Applied": "applying",
        "AskOptions": "asking",
        "Bundled": "packing",
        "Forgotten": "forgetting",
        "PackOptions": "pack_options",
        "answer_peer": "asking",
        "apply_bundles": "applying",
        "ask_peer": "asking",
        "forget_peer": "forgetting",
        "link_status": "status",
        "pack_bundle": "packing",
    },
)
