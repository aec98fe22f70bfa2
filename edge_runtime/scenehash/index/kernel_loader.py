"""Which kernels a search runs: numpy's, or compiled ones where numba is installed and it pays.

Loading numba and compiling takes a second or two the first time, and half a second once numba has
kept the result on disk. So searches begin with numpy; when those of a process have taken as long
as loading would, a thread loads the compiled loops behind them, and later searches use them. A
process that searches and ends never loads them. Results are the same.

They stay because of what they give, as times FAISS IndexBinaryFlat's on one thread (k = 20, loose
clusters, one query, 100,000 codes of 64 / 128 / 256 bits): numpy 3.4 / 4.5 / 3.6, numba 1.0 / 1.3 /
1.5 (python benchmarks/search.py --sizes 100 --bits 64,128,256 --spreads loose --kernels numba).
"""

import atexit
import importlib.util
import threading
from collections import defaultdict

from .kernels import NUMPY, Kernels
from .words import Words

# Seconds that searches by numpy take before the compiled loops are loaded.
PATIENCE = 1.0

# The type of a word, and how many a code has: what loops are compiled for.
Kind = tuple[str, int]

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


def note_search(words: Words, seconds: float) -> None:
    """Count the time of a search by numpy; load the compiled loops in a thread once that is due."""
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
