"""The contents of a change to another model's codes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from scenehash.codes import Codes

from ..alert import Alert
from ..records import SceneRecord


@dataclass(frozen=True)
class Switch:
    """A change to another model's codes: see CodeStore.switch.

    codes_of: the new codes uint8 [T, K/8] of a scene. leaving: contents of the scenes without new
    codes; they are stored elsewhere with their old codes. moved: by content, the present path of a
    scene and the state of its file. alerts: the converted alerts, with new codes; all other alerts
    are stored elsewhere. space: frame and number of components of the vectors to keep from now on;
    None: no vectors. model_file: the bytes of the model's file.
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
