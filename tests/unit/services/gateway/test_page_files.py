"""The page's files: what each is answered with, and what the page is told and allowed."""

from __future__ import annotations

import gzip
import json

import pytest

from services.gateway.page_files import FILE_BYTES_MAX, FILES_MAX, PageAnswer, PageFiles, PageSettings

SCRIPT = b"console.log('market');\n" * 100
FILES = {
    "index.html": b"<!doctype html>" + b" " * 500,
    "assets/main-Bk3s.js": SCRIPT,
    "assets/inter-Dx4k.woff2": bytes(range(256)),
    "licenses.md": b"MIT",
}
NONE = PageSettings("1.2")
HOST = "desk.example.com"


def asked(page: PageFiles, path: str, *, accept: str = "", known: str = "", host: str = HOST) -> PageAnswer:
    answer = page.answer(path, [accept] if accept else [], [known] if known else [], [host])
    assert answer is not None, path
    return answer


def header(answer: PageAnswer, name: str) -> str:
    return dict(answer.headers).get(name, "")


def policy(page: PageFiles, path: str = "/", host: str = HOST) -> dict[str, str]:
    parts = header(asked(page, path, host=host), "Content-Security-Policy").split("; ")
    return {name: value for name, _, value in (part.partition(" ") for part in parts)}


@pytest.mark.parametrize(
    ("path", "kind", "cached"),
    [
        ("/", "text/html; charset=utf-8", "no-cache"),
        ("/index.html", "text/html; charset=utf-8", "no-cache"),
        ("/page.json", "application/json", "no-cache"),
        ("/licenses.md", "text/plain; charset=utf-8", "no-cache"),
        ("/assets/main-Bk3s.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
        ("/assets/inter-Dx4k.woff2", "font/woff2", "public, max-age=31536000, immutable"),
    ],
)
def test_a_file_says_what_it_is_and_how_long_it_is_good(path: str, kind: str, cached: str) -> None:
    answer = asked(PageFiles(FILES, NONE), path)
    assert (answer.status, header(answer, "Content-Type"), header(answer, "Cache-Control")) == (200, kind, cached)
    assert header(answer, "X-Content-Type-Options") == "nosniff"
    assert header(answer, "Vary") == "Accept-Encoding"


@pytest.mark.parametrize("path", ["/assets/", "/assets", "//", "/assets/../index.html", "/main-Bk3s.js", "/page"])
def test_what_is_no_file_is_not_there(path: str) -> None:
    assert PageFiles(FILES, NONE).answer(path, [], [], [HOST]) is None


def test_without_a_page_there_are_its_settings_alone() -> None:
    page = PageFiles({}, NONE)
    assert page.answer("/", [], [], [HOST]) is None
    assert json.loads(asked(page, "/page.json").body) == {"version": "1.2", "ledger": None, "oidc": None, "zone": None}


@pytest.mark.parametrize(
    ("accept", "is_packed"),
    [
        ("gzip, deflate, br", True),
        ("br;q=1.0, GZIP ;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("gzip;q=0.001", True),
        ("br", False),
        ("*", False),
        ("", False),
    ],
)
def test_it_is_packed_for_whoever_takes_that(accept: str, is_packed: bool) -> None:
    answer = asked(PageFiles(FILES, NONE), "/assets/main-Bk3s.js", accept=accept)
    assert header(answer, "Content-Encoding") == ("gzip" if is_packed else "")
    assert (gzip.decompress(answer.body) if is_packed else answer.body) == SCRIPT


def test_what_packing_does_not_make_smaller_stays() -> None:
    answer = asked(PageFiles(FILES, NONE), "/assets/inter-Dx4k.woff2", accept="gzip")
    assert (header(answer, "Content-Encoding"), answer.body) == ("", bytes(range(256)))


def test_what_the_browser_has_is_not_sent_again() -> None:
    page = PageFiles(FILES, NONE)
    etag = header(asked(page, "/"), "ETag")
    assert etag == header(asked(page, "/", accept="gzip"), "ETag"), "it names the content, however it is coded"
    for known in (etag, f'"x", {etag}', etag.removeprefix("W/"), "*"):
        answer = asked(page, "/", known=known)
        assert (answer.status, answer.body, header(answer, "ETag")) == (304, b"", etag)
    assert asked(page, "/", known='"x"').status == 200
    changed = PageFiles(FILES | {"index.html": b"<!doctype html>"}, NONE)
    assert asked(changed, "/", known=etag).status == 200


def test_the_same_files_are_the_same_bytes_in_every_replica() -> None:
    first, second = (asked(PageFiles(dict(FILES), NONE), "/", accept="gzip") for _ in range(2))
    assert first == second


def test_the_page_is_told_of_its_deployment() -> None:
    settings = PageSettings(
        "1.2", "", "https://idp.example.com/realms/company", "desk", "openid market", "Europe/Zurich"
    )
    assert json.loads(asked(PageFiles(FILES, settings), "/page.json").body) == {
        "version": "1.2",
        "ledger": "",
        "oidc": {"issuer": "https://idp.example.com/realms/company", "client_id": "desk", "scope": "openid market"},
        "zone": "Europe/Zurich",
    }


def test_a_page_runs_its_own_files_alone() -> None:
    """A worker has the policy of its own file, not the page's: each file bears it."""
    for path in ("/", "/assets/main-Bk3s.js"):
        found = policy(PageFiles(FILES, NONE), path)
        assert found.pop("connect-src") == f"'self' ws://{HOST} wss://{HOST}"
        assert found == {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": "'self' data:",
            "font-src": "'self'",
            "worker-src": "'self'",
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
        }


def test_it_asks_the_ledger_and_the_issuer_too() -> None:
    settings = PageSettings(
        "1.2", "http://127.0.0.1:8201", "https://idp.example.com/realms/company", "desk",
        asked_too=("https://token.example.com", "http://127.0.0.1:8201"),
    )  # fmt: skip
    connect = policy(PageFiles(FILES, settings), host="desk:8101")["connect-src"]
    assert connect == (
        "'self' ws://desk:8101 wss://desk:8101 http://127.0.0.1:8201 https://idp.example.com https://token.example.com"
    )


def test_a_strange_host_is_not_in_the_policy() -> None:
    assert policy(PageFiles(FILES, NONE), host="a; script-src *")["connect-src"] == "'self'"
    assert policy(PageFiles(FILES, NONE), host="a; script-src *")["script-src"] == "'self'"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({f"assets/{n}.js": b"" for n in range(FILES_MAX)} | {"index.html": b""}, f"may have {FILES_MAX} files"),
        ({"index.html": b"x" * (FILE_BYTES_MAX + 1)}, "index.html: a file of a page may have"),
        ({"index.html": b""} | {f"assets/{n}.js": b"x" * FILE_BYTES_MAX for n in range(9)}, "a page may have"),
        ({"index.html": b"", "a b.js": b""}, "a b.js: a file of a page has a name of letters"),
        ({"index.html": b"", "../a.js": b""}, "has a name of letters"),
        ({"assets/main.js": b""}, "a page has a file index.html"),
    ],
)
def test_what_cannot_be_served_is_refused(files: dict[str, bytes], told: str) -> None:
    with pytest.raises(ValueError, match=told.replace(".", r"\.")):
        PageFiles(files, NONE)
