"""The API is asked for whatever its description allows, and for what it does not: never a 500.

SCENEHASH_FUZZ_CASES sets the cases of each operation: with 40 these are more than 2,000 in all.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from starlette.testclient import TestClient

from scenehash import HashModel
from scenehash.serve.app import make_app
from scenehash.serve.options import ServeOptions
from scenehash.serve.station import Station

CASES = int(os.environ.get("SCENEHASH_FUZZ_CASES", "5"))
# An answer without an end, which test_live.py listens to.
ENDLESS = "/api/events/live"


@pytest.fixture(scope="module")
def api(stored: Path, model: HashModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The description, of a station of its own whose stored scenes can be read."""
    folder = tmp_path_factory.mktemp("fuzz")
    shutil.copytree(stored, folder / "s")
    (folder / "in").mkdir()
    options = ServeOptions(threads=2, accept=folder / "in")
    station = Station(folder / "s", model, options, lambda _: None)
    app = make_app(station)
    description = TestClient(app, base_url="http://localhost").get("/api/openapi.json").json()
    schema = schemathesis.openapi.from_dict(description)
    # Which starts the application, and ends it with the test.
    schema.app = app
    yield schema
    station.close()


@pytest.mark.slow
def test_no_request_makes_a_server_error(api: Any) -> None:
    cases = 0
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        for found in api.get_all_operations():
            operation = found.ok()
            if operation.path == ENDLESS:
                continue

            @given(case=operation.as_strategy(generation_mode=mode))
            @settings(
                max_examples=CASES,
                deadline=None,
                database=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.explicit, Phase.generate],
            )
            def ask(case: Any) -> None:
                nonlocal cases
                cases += 1
                answer = case.call(headers={"Host": "localhost"})
                assert answer.status_code < 500, (case.as_curl_command(), answer.text)
                if answer.status_code >= 400:
                    assert answer.headers["content-type"] == ["application/problem+json"]

            try:
                ask()
            except Unsatisfiable:
                # There is nothing wrong that could be asked of it.
                assert mode is GenerationMode.NEGATIVE, operation.label
    print(f"{cases} cases")  # noqa: T201
    assert cases > 30 * CASES
