"""The result of adding scenes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Added:
    """The result of adding or merging scenes, as counts.

    labelled: duplicates that gave the stored scene new labels. set_aside: a line for each damaged
    scene that a merge left out. first_rows: the first row of each scene that an add stored, in
    their order. left_out: the contents of the scenes that an add left out, because they are stored
    already.
    """

    stored: int = 0
    duplicates: int = 0
    repaired: int = 0
    labelled: int = 0
    set_aside: tuple[str, ...] = ()
    first_rows: tuple[int, ...] = ()
    left_out: frozenset[str] = frozenset()

    def document(self) -> dict[str, object]:
        """The result as plain values for JSON."""
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
