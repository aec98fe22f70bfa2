"""Which loops a search runs: numpy's, or compiled ones where numba is installed and it pays.

Loading numba and compiling takes a second or two the first time, and half a second once numba has
kept the result on disk. So searches begin with numpy; when those of a process have taken as long
as loading would, a thread loads the compiled loops behind them, and later searches use them. A
process that searches and ends never loads them. Results are the same.
"""

import atexit
import importlib.util
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from scenehash.codes import Codes

from .candidates import CandidateSet, look
from .scan import ScanSpan, scan_blocks
from .segment import Segment
from .words import Words

# Seconds that searches by numpy take before the compiled loops are loaded.
PATIENCE = 1.0

Look = Callable[[Segment, Words, Codes, Words, int, float, float], CandidateSet]
# The type of a word, and how many a code has: what loops are compiled for.
Kind = tuple[str, int]


@dataclass(frozen=True)
class Kernels:
    """The loops in which a search spends its time.

    name: for people. scan: as `scan_blocks`; look: as `look`. costs: by what to multiply those
    that the planner states for numpy.
    """

    name: str
    scan: ScanSpan
    look: Look
    costs: Mapping[str, float] = field(default_factory=dict)


NUMPY = Kernels("numpy", scan_blocks, look)

_ready: dict[Kind, Kernels] = {}
_loading: set[Kind] = set()
_spent: defaultdict[Kind, float] = defaultdict(float)
_lock = threading.Lock()
_one_compiler = threading.Lock()


def available() -> bool:
    """Whether numba is installed."""
    return importlib.util.find_spec("numba") is not None


def kernels_for(words: Words) -> Kernels:
    """The best that are ready for codes like these [N, W]."""
    return _ready.get(_kind(words), NUMPY)


def warm(words: Words) -> Kernels:
    """Make the compiled loops for codes like these ready, if numba is installed."""
    kind = _kind(words)
    if kind not in _ready and available():
        with _one_compiler:
            if kind not in _ready:
                # An import of its own: numba costs what this module is there to put off.
                from .compiled import compiled_kernels

                _ready[kind] = compiled_kernels(words.dtype, words.shape[1])
    return kernels_for(words)


def searched(words: Words, kernels: Kernels, seconds: float) -> None:
    """Take notice of a search; load the compiled loops in a thread once that is due."""
    if kernels is not NUMPY:
        return
    kind = _kind(words)
    with _lock:
        _spent[kind] += seconds
        if _spent[kind] < PATIENCE or kind in _loading:
            return
        _loading.add(kind)
    if available():
        thread = threading.Thread(target=warm, args=(words[:0],), daemon=True)
        thread.start()
        # An interpreter that ends while a compiler works in another thread may crash.
        atexit.register(thread.join)


def _kind(words: Words) -> Kind:
    return words.dtype.str, words.shape[1]
