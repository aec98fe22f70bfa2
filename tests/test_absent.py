"""What a machine lacks skips a test, and fails it where it is required."""

import pytest

from .absent import absent, package


def test_what_is_absent_is_skipped_unless_it_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENEHASH_REQUIRE", "data packages")
    with pytest.raises(pytest.skip.Exception, match="no server"):
        absent("postgres", "no server")
    with pytest.raises(pytest.fail.Exception, match="no images; SCENEHASH_REQUIRE says"):
        absent("data", "no images")
    with pytest.raises(pytest.fail.Exception, match="no_such_package is not installed"):
        package("no_such_package")
    assert package("json").loads("1") == 1
    monkeypatch.delenv("SCENEHASH_REQUIRE")
    with pytest.raises(pytest.skip.Exception):
        package("no_such_package")
