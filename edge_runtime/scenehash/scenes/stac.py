"""STAC: items and collections that name scenes, with their times and places.

An item is a GeoJSON feature whose assets are files; a collection or a catalogue links to items
(https://stacspec.org). An item's roles, types and bands tell which asset is the scene. The
documents may be untrusted: assets outside their folder are read only if the user allows it, and
assets on the network never.
"""

import json
import os
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from scenehash.errors import ConfigurationError, InputError
from scenehash.files import path_from, path_text, read_regular
from scenehash.geo import Box
from scenehash.objects import is_object, read_object
from scenehash.printable import printable

from .band_names import COLOURS
from .bands import Bands, by_names
from .files import SCENE_SUFFIXES
from .size_limits import MOST_STAC_BYTES, MOST_STAC_VALUES
from .times import time_in

SUFFIXES = (".json", ".geojson")
MOST_DEEP, MOST_DOCUMENTS = 16, 200_000
# The role of the asset of an item that is a model, by the extension MLM.
MODEL = "mlm:model"
NOT_SCENES = frozenset({"thumbnail", "overview", "metadata", "data-mask", "cloud", "cloud-shadow"})


@dataclass(frozen=True)
class Noted:
    """An item's facts about its scene that the file does not have.

    time: its acquisition time, before the file's own. box: (west, south, east, north) in degrees,
    for a scene that is not georeferenced. bands: numbers of red, green and blue, as in
    DecodeParams, if the user chose none. of: the number of bands in the item.
    """

    time: datetime | None = None
    box: Box | None = None
    bands: str | None = None
    of: int | None = None

    def check(self, bands: Bands) -> None:
        """Raise InputError if a file has another number of bands than the item."""
        has = {len(bands.names), len(bands.data)}
        if self.bands is not None and self.of is not None and self.of not in has:
            raise InputError(
                f"its STAC item names {self.of} bands, and the file has {len(bands.names)} "
                f"({bands}); choose with --bands"
            )


@dataclass(frozen=True)
class StacOptions:
    """asset: the key of the asset to use, if the item does not tell. roots: folders and addresses,
    besides the document's own, below which assets may be.
    """

    asset: str | None = None
    roots: tuple[str, ...] = ()


@dataclass
class Items:
    """Scenes in documents: their paths or addresses, and the facts about each.

    set_aside: reasons for items without a readable scene, by the document's name and the item's id.
    """

    scenes: dict[str, Noted] = field(default_factory=dict)
    set_aside: dict[str, str] = field(default_factory=dict)


def is_stac(uri: str) -> bool:
    """Whether the name of a path or an address is that of a STAC document."""
    return uri.lower().endswith(SUFFIXES)


def read_items(uri: str, options: StacOptions) -> Items:
    """The scenes of the STAC document at a path or an address, and of the documents that it links
    to.

    Raises InputError, with the address, when it cannot be read or is not a STAC document.
    """
    address = uri if is_object(uri) else path_text(path_from(uri).absolute())
    roots = [posixpath.dirname(address), *(_absolute(root) for root in options.roots)]
    return _Reader(roots, options.asset).read(address)


class _Reader:
    """Reads documents and their links, each once."""

    def __init__(self, roots: Sequence[str], asset: str | None) -> None:
        self._roots, self._asset = roots, asset
        self._items = Items()
        self._seen: set[str] = set()

    def read(self, address: str) -> Items:
        try:
            self._take(_document(address), address, 0)
        except InputError as error:
            raise InputError(error.reason, address) from error
        return self._items

    def _take(self, document: Mapping[str, Any], address: str, deep: int) -> None:
        kind = document.get("type")
        if kind == "Feature":
            self._take_item(document, address)
        elif kind == "FeatureCollection":
            for item in _mappings(document.get("features")):
                self._take_item(item, address)
        elif kind in ("Catalog", "Collection"):
            self._follow(document, address, deep)
        else:
            raise InputError("no STAC item, collection or catalogue")

    def _follow(self, document: Mapping[str, Any], address: str, deep: int) -> None:
        if deep >= MOST_DEEP:
            raise InputError("catalogues are nested too deeply")
        for link in _mappings(document.get("links")):
            if link.get("rel") not in ("item", "child"):
                continue
            href = link.get("href")
            try:
                linked = self._inside(href, address)
                if linked in self._seen:
                    continue
                self._seen.add(linked)
                if len(self._seen) > MOST_DOCUMENTS:
                    raise InputError(f"more than {MOST_DOCUMENTS:,} documents")
                self._take(_document(linked), linked, deep + 1)
            except InputError as error:
                self._items.set_aside[f"{address}: link {_address(href)}"] = error.reason

    def _take_item(self, item: Mapping[str, Any], address: str) -> None:
        if any(MODEL in _roles(asset) for asset in _assets(item).values()):
            return  # as `store export` describes its model beside the scenes
        try:
            key, asset = _scene_asset(item, self._asset)
            place = self._inside(asset.get("href"), address)
            noted = Noted(time_in(item), _box(item), *(_bands(asset) or (None, None)))
        except (InputError, ValueError) as error:
            name = f"{address}: item {_shown(item.get('id'))}"
            self._items.set_aside[name] = str(error)
        else:
            del key
            self._items.scenes.setdefault(place, noted)

    def _inside(self, href: object, address: str) -> str:
        """The target of a link or an asset; InputError if it is invalid or not allowed."""
        if not isinstance(href, str) or not href:
            raise InputError("without an address (href)")
        try:
            return self._place_of(href, address)
        except ValueError as error:  # for brackets, a null byte, half a character
            raise InputError(
                f"{_address(href)} is not a valid address ({printable(str(error))})"
            ) from error

    def _place_of(self, href: str, address: str) -> str:
        parts = urlsplit(href)
        if is_object(href):
            place = href
        elif parts.scheme == "file":
            place = unquote(parts.path)
        elif parts.scheme:
            raise InputError(f"{_address(href)} is on the network, and is not fetched; download it")
        else:
            place = _joined(posixpath.dirname(address), unquote(href))
        plain = _normal(place)
        if not any(plain.startswith(_normal(root).rstrip("/") + "/") for root in self._roots):
            raise InputError(
                f"{_address(href)} is outside the document's folder; allow it: --assets-from "
                f"{_shown(posixpath.dirname(plain))}"
            )
        return plain


def _scene_asset(item: Mapping[str, Any], wanted: str | None) -> tuple[str, Mapping[str, Any]]:
    """The asset that is the scene, with its key; InputError for none or several."""
    every = _assets(item)
    if wanted is not None:
        if wanted not in every:
            raise InputError(f"no asset {_shown(wanted)}; it has {_named(every)}")
        return wanted, every[wanted]
    images = {key: asset for key, asset in every.items() if _is_image(asset)}
    visual = {key: one for key, one in images.items() if key == "visual" or "visual" in _roles(one)}
    colours = {key: one for key, one in images.items() if _bands(one) is not None}
    for some in (visual, colours, images):
        if len(some) == 1:
            return next(iter(some.items()))
    if not images:
        raise InputError(f"no asset that is an image; it has {_named(every)}")
    raise InputError(
        f"which asset is the scene? {_named(images)}: choose with --asset; bands in files of their "
        "own: put them into one with gdalbuildvrt -separate"
    )


def _assets(item: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    assets = item.get("assets")
    every = assets.items() if isinstance(assets, dict) else ()
    return {str(key): asset for key, asset in every if isinstance(asset, dict)}


def _is_image(asset: Mapping[str, Any]) -> bool:
    roles, kind = _roles(asset), asset.get("type")
    if roles & NOT_SCENES:
        return False
    href = str(asset.get("href", ""))
    names = href, href.partition("?")[0]  # a link may have a signature, and a name a question mark
    suffixes = {posixpath.splitext(name)[1].lower() for name in names}
    is_image = isinstance(kind, str) and kind.startswith("image/")
    return is_image or not suffixes.isdisjoint(SCENE_SUFFIXES | {".vrt"})


def _roles(asset: Mapping[str, Any]) -> set[str]:
    roles = asset.get("roles")
    return {role for role in roles if isinstance(role, str)} if isinstance(roles, list) else set()


def _bands(asset: Mapping[str, Any]) -> tuple[str, int] | None:
    """The numbers of red, green and blue in an asset, by the common names of its bands, or else by
    their names; and how many bands are listed.
    """
    for bands in _lists(asset):
        common = [band.get("eo:common_name") or band.get("common_name") for band in bands]
        if all(colour in common for colour in COLOURS):
            return ",".join(str(common.index(colour) + 1) for colour in COLOURS), len(bands)
        names = [name if isinstance(name := band.get("name"), str) else None for band in bands]
        if (found := by_names(Bands(names, ("undefined",) * len(names)))) is not None:
            return ",".join(map(str, found)), len(bands)
    return None


def _lists(asset: Mapping[str, Any]) -> Iterator[list[Mapping[str, Any]]]:
    """The lists of an asset's bands: of STAC 1.1, and of the extension eo of STAC 1.0."""
    for name in ("bands", "eo:bands"):
        if bands := list(_mappings(asset.get(name))):
            yield bands


def _box(item: Mapping[str, Any]) -> Box | None:
    """The box of an item; None if it has none, or an invalid one."""
    box = item.get("bbox")
    if not isinstance(box, list) or len(box) not in (4, 6):
        return None
    try:
        sides = [float(side) for side in box]
        west, south, east, north = sides if len(sides) == 4 else (*sides[:2], *sides[3:5])
        return Box(west, south, east, north).checked()
    except (TypeError, ValueError, ConfigurationError):
        return None


def _document(address: str) -> Mapping[str, Any]:
    if is_object(address):
        data = read_object(address, MOST_STAC_BYTES)
    else:
        data = read_regular(path_from(address), MOST_STAC_BYTES)
    if sum(map(data.count, (b",", b"{", b"["))) > MOST_STAC_VALUES:
        raise InputError(f"more than {MOST_STAC_VALUES:,} values in one document; divide it")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON ({str(error)[:100]})") from error
    if not isinstance(document, dict):
        raise InputError("no STAC item, collection or catalogue")
    return document


def _mappings(values: object) -> Iterator[Mapping[str, Any]]:
    for value in values if isinstance(values, list) else ():
        if isinstance(value, dict):
            yield value


def _joined(folder: str, href: str) -> str:
    if is_object(folder) and href.startswith("/"):
        raise InputError(f"{_address(href)}: a path, in a document of a bucket")
    return f"{folder}/{href}" if not href.startswith("/") else href


def _normal(place: str) -> str:
    """A path or an address without steps upwards."""
    if is_object(place):
        scheme, _, rest = place.partition("://")
        return f"{scheme}://{posixpath.normpath('/' + rest)[1:]}"
    # Path.resolve raises on circular links, which fail at their opening.
    return path_text(Path(os.path.realpath(posixpath.normpath(place))))


def _absolute(root: str) -> str:
    return root if is_object(root) else path_text(path_from(root).absolute())


def _named(assets: Mapping[str, object]) -> str:
    return ", ".join(_shown(key) for key in list(assets)[:12]) or "none"


def _address(href: object) -> str:
    """A link for a person; without the password or signature of an address on the network."""
    try:
        parts = urlsplit(str(href))
    except ValueError:
        return _shown(href)
    if not parts.netloc:
        return _shown(href)
    host, query = parts.netloc.rpartition("@")[2], "?***" if parts.query else ""
    return _shown(f"{parts.scheme}://{host}{parts.path}{query}")


def _shown(value: object) -> str:
    return printable(str(value))[:100]
