"""What became of scenes that were added."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Added:
    """What became of scenes that were added or merged: how many of each.

    labelled: duplicates whose labels were added to those of the stored scene. set_aside: what is
    damaged of those that a merge left out, a line each. first_rows: the first
    row of each scene that an add stored, in their order.
    """

    stored: int = 0
    duplicates: int = 0
    repaired: int = 0
    labelled: int = 0
    set_aside: tuple[str, ...] = ()
    first_rows: tuple[int, ...] = ()

    def document(self) -> dict[str, object]:
        """The same as plain values, as JSON has them."""
        return {
            "scenes_stored": self.stored,
            "scenes_duplicate": self.duplicates,
            "scenes_repaired": self.repaired,
            "scenes_labelled": self.labelled,
            "set_aside": list(self.set_aside),
        }

    def __add__(self, other: "Added") -> "Added":
        return Added(
            self.stored + other.stored,
            self.duplicates + other.duplicates,
            self.repaired + other.repaired,
            self.labelled + other.labelled,
            self.set_aside + other.set_aside,
            self.first_rows + other.first_rows,
        )
