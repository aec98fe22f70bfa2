"""Who may: tokens and their scopes, cookies, hosts, other sites' pages, the audit log."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from scenehash import HashModel
from scenehash.errors import ConfigurationError, StoreError
from scenehash.serve.access import COOKIE, scope_of
from scenehash.serve.options import ServeOptions, is_loopback
from scenehash.serve.tokens import Tokens

from ..cli.test_commands import run
from .stations import station_client

NAMED = ServeOptions(threads=2, names=("station.example",))
SITE: Any = {"base_url": "https://station.example"}


@pytest.fixture
def tokens(own: Path) -> dict[str, str]:
    """A token of each scope."""
    file = Tokens(own / "serve" / "tokens.json")
    return {scope: file.add(f"{scope}er", scope) for scope in ("read", "confirm", "write")}


@pytest.fixture
def client(own: Path, model: HashModel, tokens: dict[str, str]) -> Iterator[TestClient]:
    del tokens
    with station_client(own, model, NAMED, **SITE) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_without_a_token_nothing_is_told_but_that_one_is_needed(client: TestClient) -> None:
    document = client.get("/api/openapi.json", headers=bearer("x"))
    assert document.status_code == 401
    for path in ("/api/store", "/api/scenes", "/api/tiles/0/image", "/metrics", "/api/docs",
                 "/api/openapi.json", "/api/events/live", "/api/nothing"):  # fmt: skip
        answer = client.get(path)
        assert answer.status_code == 401, path
        assert "a token is needed" in answer.json()["detail"]
        assert answer.headers["www-authenticate"] == "Bearer"
    for path in ("/api/search", "/api/alerts", "/api/uploads"):
        assert client.post(path, json={}).status_code == 401
    assert client.get("/healthz").status_code == 200
    assert client.get("/").status_code == 200
    session = client.get("/api/session").json()
    assert session == {
        "token_needed": True, "name": None, "scope": None, "engine": None, "accepts_scenes": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    "token",
    ["", "x", "scenehash", "scenehash_00000000_" + "a" * 43, "é" * 20, "scenehash_%s_x", "null",
     "Bearer", "a" * 5000],
)  # fmt: skip
def test_a_wrong_token_opens_nothing(
    client: TestClient, tokens: dict[str, str], token: str
) -> None:
    known = tokens["read"].split("_")[1]
    text = token.replace("%s", known)
    headers = {"Authorization": b"Bearer " + text.encode()}
    answer = client.get("/api/store", headers=headers)
    assert answer.status_code == 401
    assert known not in answer.text
    cookie = {"Cookie": f'{COOKIE}="{text}"'.encode()}
    assert client.get("/api/store", headers=cookie).status_code == 401


def test_a_secret_of_another_token_is_wrong(client: TestClient, tokens: dict[str, str]) -> None:
    prefix, number, _ = tokens["read"].split("_", 2)
    _, _, secret = tokens["write"].split("_", 2)
    answer = client.get("/api/store", headers=bearer(f"{prefix}_{number}_{secret}"))
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "body", "needed"),
    [
        ("GET", "/api/store", None, "read"),
        ("POST", "/api/search", {"queries": [{"row": 0}]}, "read"),
        ("POST", "/api/alerts/test", {"examples": [{"row": 0}]}, "read"),
        ("POST", "/api/alerts/quay/confirm", {"row": 1}, "confirm"),
        ("POST", "/api/alerts/quay/reject", {"row": 5}, "confirm"),
        ("PATCH", "/api/alerts/quay", {"radius": 4}, "write"),
        ("POST", "/api/alerts", {"name": "new", "examples": [{"row": 0}]}, "write"),
        ("POST", "/api/quarantine/retry", None, "write"),
        ("POST", "/api/adapt", {}, "write"),
        ("POST", "/api/rehash", {}, "write"),
        ("POST", "/api/quarantine/release", {"paths": []}, "write"),
        ("DELETE", "/api/alerts/quay", None, "write"),
    ],
)
def test_a_scope_allows_what_it_says_and_no_more(
    client: TestClient, tokens: dict[str, str], own: Path, method: str, path: str, body: Any,
    needed: str,
) -> None:  # fmt: skip
    assert run("alert", "add", "quay", "row:0", "--store", own).exit_code == 0
    order = ["read", "confirm", "write"]
    for scope in order:
        answer = client.request(method, path, json=body, headers=bearer(tokens[scope]))
        if order.index(scope) < order.index(needed):
            assert answer.status_code == 403
            assert f"scope is {scope}, and this needs {needed}" in answer.json()["detail"]
        else:
            assert answer.status_code < 300, answer.text
            return


def test_every_route_that_changes_something_needs_more_than_read(reader: TestClient) -> None:
    harmless = {"/api/search", "/api/uploads", "/api/alerts/test", "/api/session"}
    for path, methods in reader.get("/api/openapi.json").json()["paths"].items():
        for method in methods:
            scope = scope_of(method.upper(), path.replace("{name}", "a"))
            expected = method == "get" or path in harmless
            assert (scope == "read") == expected or path == "/api/session", (method, path)


def test_an_alert_that_is_called_as_a_judgement_is_not_removed_by_who_may_judge() -> None:
    assert scope_of("DELETE", "/api/alerts/x/confirm") == "write"
    assert scope_of("PATCH", "/api/alerts/x/reject") == "write"
    assert scope_of("POST", "/api/alerts/a\nb/confirm") == "confirm"
    assert scope_of("POST", "/api/alerts/x/forget") == "confirm"


def test_a_browser_gets_a_cookie_that_no_script_and_no_other_site_can_use(
    client: TestClient, tokens: dict[str, str]
) -> None:
    wrong = client.post("/api/session", json={"token": "scenehash_1_2"})
    assert (wrong.status_code, wrong.headers.get("set-cookie")) == (401, None)
    right = client.post("/api/session", json={"token": f" {tokens['confirm']}\n"})
    assert right.json() == {
        "token_needed": True, "name": "confirmer", "scope": "confirm", "engine": None,
        "accepts_scenes": False,
    }  # fmt: skip
    cookie = right.headers["set-cookie"].lower()
    for part in ("httponly", "secure", "samesite=strict", "path=/"):
        assert part in cookie
    assert client.get("/api/store").status_code == 200
    assert client.get("/api/session").json()["name"] == "confirmer"
    assert client.delete("/api/alerts/none").status_code == 403
    assert client.delete("/api/session").status_code == 204
    assert client.get("/api/store").status_code == 401


def test_a_token_that_is_revoked_or_made_counts_at_once(
    client: TestClient, tokens: dict[str, str], own: Path
) -> None:
    headers = bearer(tokens["read"])
    assert client.get("/api/store", headers=headers).status_code == 200
    assert run("serve", "token", "revoke", "reader", "--store", own).exit_code == 0
    refused = client.get("/api/store", headers=headers)
    assert (refused.status_code, "was revoked" in refused.text) == (401, True)
    # The page of somebody whose token was revoked can ask for another.
    assert client.get("/api/session", headers=headers).json()["scope"] is None
    made = run("serve", "token", "add", "new", "--store", own, "--json")
    token = json.loads(made.stdout)["token"]
    assert client.get("/api/store", headers=bearer(token)).status_code == 200


def test_wrong_tokens_of_one_address_are_slowed_down_and_right_ones_are_not(
    client: TestClient, tokens: dict[str, str]
) -> None:
    statuses = [
        client.get("/api/store", headers=bearer("scenehash_1_2")).status_code for _ in range(14)
    ]
    assert statuses == [401] * 10 + [429] * 4
    late = client.post("/api/session", json={"token": "scenehash_1_2"})
    assert (late.status_code, int(late.headers["retry-after"]) > 0) == (429, True)
    assert client.get("/healthz").status_code == 200
    # Behind a proxy all have one address.
    assert client.get("/api/store", headers=bearer(tokens["read"])).status_code == 200
    assert client.post("/api/session", json={"token": tokens["read"]}).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200), ("127.0.0.1:8000", 200), ("localhost:1", 200), ("LOCALHOST", 200),
        ("[::1]:8000", 200), ("192.168.1.7", 200),
        ("evil.example", 421), ("localhost.evil.example", 421), ("127.0.0.1.evil.example", 421),
        ("", 421), ("station.example", 421), ("a\x1b[2Jb", 421), ("localhost@evil.example", 421),
        ("localhost:80@evil.example", 421), ("[::1]evil.example", 421), ("[::1", 421),
        ("127.0.0.1:80, evil.example", 421), ("localhost:", 200),
    ],
)  # fmt: skip
def test_a_name_that_is_not_this_servers_is_refused(
    reader: TestClient, host: str, status: int
) -> None:
    answer = reader.get("/api/store", headers={"Host": host})
    assert answer.status_code == status
    assert "\x1b" not in answer.text


def test_a_name_that_was_given_is_this_servers(client: TestClient) -> None:
    for host, status in (("station.example", 200), ("STATION.example:443", 200), ("x", 421)):
        assert client.get("/healthz", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
        {"Sec-Fetch-Site": "rubbish"},
    ],
)
def test_another_sites_page_changes_nothing(own: Path, model: HashModel, headers: Any) -> None:
    with station_client(own, model) as client:
        body = {"name": "quay", "examples": [{"row": 0}]}
        for method, path, sent in (
            ("POST", "/api/alerts", body),
            ("POST", "/api/search", {"queries": [{"row": 0}]}),
            ("DELETE", "/api/alerts/none", None),
            ("POST", "/api/quarantine/retry", None),
        ):
            answer = client.request(method, path, json=sent, headers=headers)
            assert answer.status_code == 403, (method, path)
            assert "another site" in answer.json()["detail"]
        assert client.get("/api/alerts").json()["alerts"] == []
        # A form of another site cannot say that it sends JSON.
        form = client.post("/api/alerts", content=json.dumps(body),
                           headers={"Content-Type": "text/plain"})  # fmt: skip
        assert form.status_code == 422
        own_page = {"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"}
        assert client.post("/api/alerts", json=body, headers=own_page).status_code == 201


def test_another_sites_page_shows_nothing_of_this_one(reader: TestClient) -> None:
    for mode in ("no-cors", "cors", "same-origin"):
        headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode}
        assert reader.get("/api/tiles/0/image", headers=headers).status_code == 403
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert reader.get("/search?row=3", headers=link).status_code == 200
    answer = reader.get("/api/store", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    preflight = reader.options("/api/alerts", headers=asked)
    assert preflight.status_code in (403, 405)
    assert "access-control-allow-origin" not in preflight.headers


def test_every_answer_has_the_headers_that_keep_a_page_to_itself(reader: TestClient) -> None:
    for path in (
        "/",
        "/api/store",
        "/api/tiles/0/image",
        "/api/nothing",
        "/api/tiles/99",
        "/metrics",
    ):
        headers = reader.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "script-src 'self';" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["referrer-policy"] == "no-referrer"
    assert reader.get("/api/store").headers["cache-control"] == "no-store"
    assert "server" not in reader.get("/").headers


def test_what_a_proxy_forwards_needs_a_name_and_so_a_token(
    reader: TestClient, client: TestClient, tokens: dict[str, str]
) -> None:
    for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
        refused = reader.get("/api/store", headers={header: "203.0.113.9"})
        assert (refused.status_code, "--name" in refused.json()["detail"]) == (403, True)
    headers = bearer(tokens["read"]) | {"X-Forwarded-For": "203.0.113.9"}
    assert client.get("/api/store", headers=headers).status_code == 200


def test_what_changes_something_is_in_the_audit_log_and_no_token_is(
    client: TestClient, tokens: dict[str, str], own: Path
) -> None:
    headers = bearer(tokens["write"])
    client.get("/api/store", headers=headers)
    client.post("/api/alerts", json={"name": "q", "examples": [{"row": 0}]}, headers=headers)
    client.delete("/api/alerts/a%0A%1B%5B31mb", headers=headers)
    client.get("/api/store", headers=bearer("scenehash_1_2"))
    client.post("/api/alerts", json={}, headers=bearer(tokens["read"]))
    text = (own / "serve" / "audit.jsonl").read_text()
    noted = [json.loads(line) for line in text.splitlines()]
    assert [(one["token"], one["method"], one["path"], one["status"]) for one in noted] == [
        ("writeer", "POST", "/api/alerts", 201),
        ("writeer", "DELETE", "/api/alerts/a\n\x1b[31mb", 404),
        (None, "GET", "/api/store", 401),
        ("reader", "POST", "/api/alerts", 403),
    ]
    assert "\x1b" not in text
    # A secret may have "_" in it, too.
    assert not any(token.split("_", 2)[2] in text for token in tokens.values())
    mode = (own / "serve" / "audit.jsonl").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_the_file_of_tokens_has_hashes_for_its_owner_alone(
    own: Path, tokens: dict[str, str]
) -> None:
    path = own / "serve" / "tokens.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    for token in tokens.values():
        assert token.split("_", 2)[2] not in text
    listed = json.loads(run("serve", "token", "list", "--store", own, "--json").stdout)
    assert [one["name"] for one in listed["tokens"]] == ["confirmer", "reader", "writeer"]
    assert "hash" not in listed["tokens"][0]
    shown = run("serve", "token", "list", "--store", own).stdout
    assert "confirmer" in shown
    assert "3 tokens" in shown


def test_tokens_are_added_and_revoked_by_id_or_name(tmp_path: Path) -> None:
    file = Tokens(tmp_path / "t" / "tokens.json")
    first, second = file.add("anna", "read"), file.add("anna", "write")
    found = file.find(second)
    assert found is not None
    assert (found.name, found.scope) == ("anna", "write")
    other = Tokens(tmp_path / "t" / "tokens.json")
    assert other.revoke(found.id) == [found]
    assert file.find(second) is None
    assert file.find(first) is not None
    assert len(other.revoke("anna")) == 1
    assert (file.find(first), list(file.list())) == (None, [])
    with pytest.raises(StoreError, match="no token of the id or name anna"):
        file.revoke("anna")
    for name, scope in (("", "read"), ("a\nb", "read"), ("x" * 101, "read"), ("a", "all")):
        with pytest.raises(ConfigurationError):
            file.add(name, scope)


ENTRY = '{"tokens": [{"id": %s, "name": "a", "scope": "%s", "hash": "b", "created": "c"}]}'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"tokens": [{}]}',
        '{"tokens": 3}',
        "\x00",
        ENTRY % (1, "read"),
        ENTRY % ('"1"', "root"),
        "[" * 100_000,
    ],
)
def test_a_file_that_is_none_of_tokens_opens_nothing(
    tmp_path: Path, own: Path, model: HashModel, text: str
) -> None:
    path = tmp_path / "tokens.json"
    path.write_text(text)
    with pytest.raises(StoreError, match="not a file of tokens"):
        Tokens(path).list()
    options = ServeOptions(threads=2, names=("station.example",), tokens=path)
    with station_client(own, model, options, **SITE) as client:
        answer = client.get("/api/store", headers=bearer("scenehash_1_2"))
        assert answer.status_code >= 400


def test_loopback_is_what_it_is() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.0.1", "example.org", "")))
    assert ServeOptions().needs_token is False
    assert ServeOptions(host="0.0.0.0").needs_token is True
    assert ServeOptions(names=("a",)).needs_token is True
