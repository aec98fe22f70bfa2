"""The collection of an engine for the API: searches, and facts about the pushed stations."""

from collections.abc import Callable
from datetime import UTC, datetime
from importlib import metadata

from scenehash.errors import ConfigurationError
from scenehash.model.hash_model import HashModel
from scenehash.store.documents import about_tile

from .options import ServeOptions
from .readers import EngineReader, Readers
from .served import Served


class Collection(Served):
    """The tiles of several stations in an engine. It has no pictures, alerts, events or jobs."""

    def __init__(
        self, address: str, model: HashModel, options: ServeOptions, log: Callable[[str], None]
    ) -> None:
        """Raises EngineError when no store was pushed to it, ConfigurationError on options that
        need a store.
        """
        if options.accept is not None:
            raise ConfigurationError(f"--accept: {address} takes no scenes; push a store to it")
        if options.needs_token and options.tokens is None:
            raise ConfigurationError(
                f"other machines can reach this server, and {address} keeps no tokens: give a file "
                "of tokens with --tokens"
            )
        self.readers = Readers(address, lambda: EngineReader(address), max(2, options.threads))
        super().__init__(address, self.readers, model, options, log)

    def document(self) -> dict[str, object]:
        """The contents as plain values for JSON."""
        with self.readers.store() as store:
            stations = [
                {
                    "name": own.name,
                    "tiles": own.tiles,
                    "scenes": own.scenes,
                    "labels": list(own.labels),
                    "since": _time(own.first),
                    "until": _time(own.last),
                    "placed": own.placed,
                }
                for own in store.stations
            ]
            return {
                "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "version": metadata.version("scenehash"),
                "started": self.started.isoformat(timespec="seconds"),
                "engine": {
                    "address": self.address,
                    "name": store.backend.name,
                    "tiles": len(store),
                    "bits": store.bits,
                    "lineage": store.lineage,
                    "model": store.model,
                    "stations": stations,
                },
                "model": self.model_document(store),
            }

    def ask(self) -> None:
        """Send a request to the engine itself; EngineError when it does not answer."""
        with self.readers.store() as store:
            store.ask()

    def labels(self) -> list[str]:
        """The labels of scenes, by name."""
        with self.readers.store() as store:
            return sorted({label for own in store.stations for label in own.labels})

    def times(self) -> dict[str, object]:
        """The first and the last acquisition time, as a histogram without bins."""
        with self.readers.store() as store:
            firsts = [own.first for own in store.stations if own.first is not None]
            lasts = [own.last for own in store.stations if own.last is not None]
        since, until = min(firsts, default=None), max(lasts, default=None)
        return {"since": _time(since), "until": _time(until), "bins": [], "without": None}

    def tile(self, row: int, station: str | None) -> dict[str, object]:
        """A tile of a station; None: of the only one. NotStoredError when it does not exist."""
        with self.readers.store() as store:
            (code,), tile = store.stored_tile(row, station)
            name = station or store.stations[0].name
        return {**about_tile(row, tile), "code": code.tobytes().hex(), "station": name}

    def metrics_text(self) -> str:
        """The metrics of this server and its collection, for Prometheus."""
        with self.readers.store() as store:
            tiles, stations = len(store), len(store.stations)
        return self.metrics.text(
            {
                "scenehash_tiles": ("Tiles in the collection.", tiles),
                "scenehash_stations": ("Stations whose tiles these are.", stations),
                "scenehash_upload_bytes": ("Bytes of query images.", self.uploads.total()),
            }
        )


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()
