"""A part: the tiles of one scene, or of one block of it, as a Parquet file in memory."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from scenehash.codes import Codes
from scenehash.columns import BITS, LINEAGE, scenes_in
from scenehash.errors import ArchiveError
from scenehash.store import HashedScene, SceneVectors

from .recipe import Recipe

SKIPPED = "scenehash.skipped"
# The maximum size of a part, with representations and thumbnails.
MOST_BYTES = 256 << 20


class Part(NamedTuple):
    """Tiles of a scene, None if it has none; skipped: the number of tiles with too few valid
    pixels.
    """

    scene: HashedScene | None
    skipped: int


def part_name(name: str, number: int = 0, count: int = 1) -> str:
    """The name of a part in the storage: name from Recipe.name, and its block of this many."""
    block = "" if count == 1 else f"-{number:04}-of-{count:04}"
    return f"parts/{name[:2]}/{name}{block}.parquet"


def part_bytes(recipe: Recipe, scene: HashedScene, skipped: int) -> bytes:
    """The same bytes for the same tiles, with the same version of pyarrow."""
    columns = recipe.table()
    columns.schema()
    import pyarrow
    from pyarrow import parquet

    table = columns.of([scene])
    metadata = {**table.schema.metadata, SKIPPED.encode(): str(skipped).encode()}
    out = pyarrow.BufferOutputStream()
    parquet.write_table(
        table.replace_schema_metadata(metadata),
        out,
        compression="zstd",
        write_page_checksum=True,
    )
    data: bytes = out.getvalue().to_pybytes()
    return data


def read_part(data: bytes, lineage: str, bits: int, name: str) -> Part:
    """The part from part_bytes; ArchiveError, with the name, on other bytes."""
    try:
        import pyarrow
        from pyarrow import parquet

        file = parquet.ParquetFile(pyarrow.BufferReader(data), page_checksum_verification=True)
        if (
            file.metadata.num_rows
            and sum(
                file.metadata.row_group(number).total_byte_size
                for number in range(file.metadata.num_row_groups)
            )
            > MOST_BYTES
        ):
            raise ValueError("its tiles would take too much memory")
        table = file.read()
        metadata = table.schema.metadata or {}
        if (metadata[LINEAGE.encode()], metadata[BITS.encode()]) != (
            lineage.encode(),
            str(bits).encode(),
        ):
            raise ValueError("it has codes of another model, or of another width")
        scenes = list(scenes_in(table))
        if len(scenes) > 1:
            raise ValueError("it has tiles of several scenes")
        return Part(scenes[0] if scenes else None, int(metadata[SKIPPED.encode()]))
    except (KeyError, ValueError, TypeError, OSError, AttributeError) as error:
        text = " ".join(str(error).split())[:200]
        raise ArchiveError(
            f"{name}: not a part of this archive ({text}); delete it, and hash again"
        ) from error


def joined(parts: Sequence[Part]) -> HashedScene | None:
    """The scene of parts, in their order; None if there are no tiles."""
    scenes = [part.scene for part in parts if part.scene is not None]
    if not scenes:
        return None
    first = scenes[0]
    footprints = [scene.footprints for scene in scenes if scene.footprints is not None]
    pictures = [scene.thumbnails for scene in scenes if scene.thumbnails is not None]
    return replace(
        first,
        windows=[window for scene in scenes for window in scene.windows],
        codes=_codes(scenes),
        footprints=np.concatenate(footprints) if len(footprints) == len(scenes) else None,
        thumbnails=[one for some in pictures for one in some] if pictures else None,
        vectors=_vectors(scenes),
        decode_params={**first.decode_params, "skipped": sum(part.skipped for part in parts)},
    )


def _codes(scenes: Sequence[HashedScene]) -> Codes:
    return np.concatenate([scene.codes for scene in scenes])


def _vectors(scenes: Sequence[HashedScene]) -> SceneVectors | None:
    vectors = [scene.vectors for scene in scenes if scene.vectors is not None]
    if len(vectors) < len(scenes):
        return None
    return SceneVectors(vectors[0].frame, np.concatenate([own.values for own in vectors]))
