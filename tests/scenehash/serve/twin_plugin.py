"""A pytest plugin: whatever a test searches by command is searched by HTTP, too, and compared.

    pytest -p tests.scenehash.serve.twin_plugin tests/scenehash/cli

Each call of scenehash.search that ends, or fails with an error of ours, is asked of a server of the
same store: its documents, or the words of its error, must be the same.
"""

import dataclasses
import functools
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import scenehash.retrieval.search as module
from scenehash import CodeStore, HashModel
from scenehash.decode_params import DecodeParams
from scenehash.errors import ScenehashError
from scenehash.files import path_text
from scenehash.printable import printable
from scenehash.retrieval.crop import Crop
from scenehash.retrieval.filter_text import filter_document
from scenehash.serve.queries import LARGEST

from .stations import station_client

COUNTED = {"searches": 0, "documents": 0, "errors": 0, "scenes": 0, "left_out": 0}
LEFT_OUT: list[str] = []
_original = module.search


@functools.cache
def _model(path: Path | None) -> HashModel:
    return HashModel.load(path)


def pytest_configure(config: pytest.Config) -> None:
    """Put the twin in the place of the search that commands call."""
    del config
    module.search = _twin


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say what was compared."""
    for line in LEFT_OUT:
        terminalreporter.write_line(f"left out: {line}")
    terminalreporter.write_line(f"twins: {json.dumps(COUNTED)}")


def _twin(store: Any, queries: Any, k: int = 20, **settings: Any) -> Any:
    COUNTED["searches"] += 1
    failed = result = None
    try:
        result = _original(store, queries, k, **settings)
    except ScenehashError as error:
        failed = error
    asked = [queries] if isinstance(queries, str | Path) else list(queries)
    path = Path(store.path if isinstance(store, CodeStore) else store)
    if _can_be_asked(path, asked, settings):
        grouped = bool(settings.get("grouped"))
        document = None if result is None else _plain(result.document(grouped))
        _compare(path, asked, k, settings, document, failed)
    else:
        COUNTED["left_out"] += 1
        LEFT_OUT.append(f"{[str(one) for one in asked]} {failed}")
    if failed is not None:
        raise failed
    return result


def _can_be_asked(store: Path, queries: Sequence[Any], settings: dict[str, Any]) -> bool:
    """Whether there is a store, and each query is text that is a row, a code or a file."""
    if not (store / "catalog.sqlite").is_file():
        return False
    every = [*queries, *settings.get("unlike", ())]
    files = [one for one in every if not _is_stored(one)]
    rows = [one.removeprefix("row:") for one in every if str(one).startswith("row:")]
    return (
        # What is no row's number is refused by the description of the API, in its words.
        all(row.isdecimal() and int(row) <= LARGEST for row in rows)
        and (getattr(settings.get("where"), "newer_than", None) or 0) <= LARGEST
        and all(isinstance(one, str | Path) for one in every)
        and all(Path(one).is_file() and os.access(one, os.R_OK) for one in files)
        and not isinstance(settings.get("model"), HashModel)
    )


def _compare(
    store: Path,
    queries: Sequence[Any],
    k: int,
    settings: dict[str, Any],
    document: Any,
    failed: ScenehashError | None,
) -> None:
    try:
        model = _model(settings.get("model"))
    except ScenehashError:
        COUNTED["left_out"] += 1
        return
    crop: Crop = settings.get("crop") or Crop()
    with station_client(store, model) as client:
        named: dict[str, str] = {}
        request = {
            "k": k,
            "radius": settings.get("radius"),
            "rerank": settings.get("rerank"),
            "group": bool(settings.get("grouped")),
            "filter": _plain(filter_document(settings.get("where"))),
        }
        try:
            request["queries"] = [_asked(client, one, crop, True, named) for one in queries]
            unlike = settings.get("unlike", ())
            request["not"] = [_asked(client, one, crop, False, named) for one in unlike]
        except _RefusedError as refused:
            # A file that is no image is refused when it is sent, in the same words.
            assert failed is not None, refused
            assert str(failed).endswith(str(refused).partition(": ")[2] or str(refused))
            COUNTED["errors"] += 1
            return
        answer = client.post("/api/search", json=request)
        if failed is not None:
            assert answer.status_code >= 400, (failed, answer.text)
            assert answer.json()["detail"] == printable(_renamed(str(failed), named))
            assert answer.json()["type"] == f"urn:scenehash:{type(failed).__name__}"
            COUNTED["errors"] += 1
            return
        assert answer.status_code == 200, answer.text
        assert _timeless(answer.json()) == _timeless(_of_uploads(document, named))
        COUNTED["documents"] += 1
        _compare_stored(client, store, queries, request, crop, document)


def _compare_stored(
    client: TestClient,
    store: Path,
    queries: Sequence[Any],
    request: dict[str, Any],
    crop: Crop,
    document: Any,
) -> None:
    """The same by the ids of the scenes that the queries are, where they are stored as they are."""
    if crop.params != DecodeParams():
        return
    by_id = []
    with CodeStore.open(store) as opened:
        listed = {scene.path: scene.content for scene in opened.list_scenes(most=1000).scenes}
        for one, asked in zip(queries, request["queries"], strict=True):
            content = None if _is_stored(one) else listed.get(path_text(Path(one)))
            if content is None:
                return
            record = opened.find_scene(content)
            if record is None or "asked" in record.decode_params:
                return
            part = {key: asked[key] for key in ("window", "at", "tile", "whole")}
            by_id.append({"scene": content, **part})
    answer = client.post("/api/search", json={**request, "queries": by_id, "not": []})
    assert answer.status_code == 200, answer.text
    if not request["not"]:
        assert _timeless(answer.json()) == _timeless(document)
        COUNTED["scenes"] += 1


class _RefusedError(Exception):
    pass


def _is_stored(query: Any) -> bool:
    return isinstance(query, str) and query.startswith(("row:", "code:"))


def _asked(
    client: TestClient, query: Any, crop: Crop, is_cropped: bool, named: dict[str, str]
) -> dict[str, Any]:
    text = str(query)
    if text.startswith("row:"):
        return {"row": int(text.removeprefix("row:"))}
    if text.startswith("code:"):
        return {"code": text.removeprefix("code:")}
    data = Path(query).read_bytes()
    name = printable(path_text(Path(query).name))
    sent = client.post("/api/uploads", params={"name": name}, content=data,
                       headers={"Content-Type": "application/octet-stream"})  # fmt: skip
    if sent.status_code != 201:
        raise _RefusedError(sent.json()["detail"])
    named[path_text(query)] = f"upload:{name}"
    tiling, params = crop.tiling, crop.params
    tile = None if tiling.pixels is None else str(tiling.pixels)
    if tiling.metres is not None:
        tile = f"{tiling.metres}m"
    asked = {"upload": sent.json()["upload"], "tile": tile, "whole": tiling.whole,
             **dataclasses.asdict(params)}  # fmt: skip
    if is_cropped:
        asked |= {"window": crop.window, "at": crop.place}
    return asked


def _of_uploads(document: Any, named: dict[str, str]) -> Any:
    """The document with uploads in the place of files."""
    renamed = {**document, "warnings": [_renamed(line, named) for line in document["warnings"]]}
    for key in ("queries", "not"):
        renamed[key] = [
            {**query, "text": named[query["text"]], "scene": None}
            if query["text"] in named
            else query
            for query in document[key]
        ]
    texts = [query["text"] for query in renamed["queries"]]
    return {**renamed, "query": texts[0] if len(texts) == 1 else texts}


def _renamed(line: str, named: dict[str, str]) -> str:
    for path, upload in named.items():
        line = line.replace(path, upload)
    return line


def _timeless(document: Any) -> Any:
    return {key: value for key, value in document.items() if key not in ("milliseconds", "stages")}


def _plain(document: Any) -> Any:
    return json.loads(json.dumps(document))
