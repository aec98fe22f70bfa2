"""What a store's change to another model's codes consists of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from scenehash.codes import Codes

from ..alert import Alert
from ..records import SceneRecord


@dataclass(frozen=True)
class Switch:
    """A change to another model's codes: see CodeStore.switch.

    codes_of: the new codes uint8 [T, K/8] of a scene. leaving: contents of the scenes that have
    none: they are kept elsewhere, with the codes that they have. moved: by the content of a scene
    the path that it has now, and the state of its file. alerts: those that are carried over, with
    new codes; all others are kept elsewhere. space: frame and number of components of the vectors
    that are kept from now on; None: none are. model_file: the bytes of the model's file.
    """

    lineage: str
    bits: int
    model: str
    codes_of: Callable[[SceneRecord], Codes]
    leaving: Sequence[str] = ()
    moved: Mapping[str, tuple[str, Mapping[str, object]]] = field(default_factory=dict)
    alerts: Sequence[Alert] = ()
    space: tuple[str, int] | None = None
    model_file: bytes | None = None
