"""Which rows of a store a search considers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Filter:
    """Conditions on the rows of a store; all that are given must hold.

    scene: the path of a scene, as it was ingested. newer_than: rows after this one.
    """

    scene: str | None = None
    newer_than: int | None = None

    def condition(self) -> tuple[str, list[str | int]]:
        """The SQL condition on tile and scene, and its parameters."""
        parts: list[str] = ["1"]
        values: list[str | int] = []
        if self.scene is not None:
            parts.append("scene.path = ?")
            values.append(self.scene)
        if self.newer_than is not None:
            parts.append("tile.row > ?")
            values.append(self.newer_than)
        return " AND ".join(parts), values
