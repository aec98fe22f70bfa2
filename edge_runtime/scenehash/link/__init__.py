"""Bundles between stations and a ground store, as files, for a slow link.

pack_options.py    PackOptions: options of a bundle
packing.py         pack_bundle: the data that a peer lacks, the most urgent first
applying.py        apply_bundles: into a store, in any order, twice, or cut
asking.py          ask_peer, answer_peer: a query to a station's store, and its hits
status.py          link_status: the data of each side, and the missing data
forgetting.py      forget_peer: a peer that no longer exists
bundle.py          a bundle: its head, its blocks, their checksums
dictionary.py      the common text of blocks of events
kinds.py           the kinds of blocks
facts.py           blocks with a sender's counts, and its receipt for the addressee
pieces.py          blocks of tiles
annotations.py     blocks of changed labels and paths
footprint_code.py  footprints in blocks, in a few bits per tile
events.py          blocks of events
questions.py       blocks of queries, answers and thumbnails
alert_code.py      alerts in blocks
letters.py         the other items besides tiles and events, and their application
model_files.py     model files in pieces
answering.py       the answer of a store to a query
wire.py            numbers, texts and columns
limits.py          size limits of both ends
sent.py            the data sent to a peer, and the next data
received.py        the data received from a station
completeness.py    whether all data has arrived, and the receipt for it
station_scenes.py  the scenes of a station: arriving, changing, deleted
own.py             the scenes, rows and events of a store as both ends count them
digest_tree.py     the tree that shows whether both ends have the same data
spans.py           sets of numbers, as ranges
signing.py         making and checking signatures
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
