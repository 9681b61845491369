"""`outcry receipt` and `outcry ledger head|consistency|keys`: what they print, and how they end."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import create_engine
from typer.testing import CliRunner

from outcry.cli.app import app
from services.ledger import schema
from services.ledger.aio.proof_keys import add_signing_key, load_proof_keys
from tools.reference.proofs.proof_vectors import made_record
from tools.reference.vectors import FOLDER

RECEIPTS: Any = json.loads((FOLDER / "receipts.json").read_text(encoding="utf-8"))
HEADS: Any = json.loads((FOLDER / "heads.json").read_text(encoding="utf-8"))


def outcry(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "keys.json").write_text(RECEIPTS["keys"])
    (tmp_path / "receipt").write_text(RECEIPTS["cases"][0]["file"])
    for case in HEADS["cases"]:
        for part in ("old", "new", "proof"):
            if case[part]:
                (tmp_path / f"{case['name']}.{part}").write_text(case[part])
    return tmp_path


def test_a_receipt_is_proven_with_the_key_and_nothing_else(files: Path) -> None:
    result = outcry("receipt", "verify", files / "receipt", "--key", files / "keys.json")
    assert result.exit_code == 0
    assert result.stdout.startswith("PROVEN\nOrder 71 of ann (mine-1): buy ACME")
    assert "filled 5 lots at 9998 ticks as maker, trade 4" in result.stdout


def test_a_proven_receipt_is_json_for_programs(files: Path) -> None:
    result = outcry("receipt", "verify", files / "receipt", "--key", files / "keys.json", "--json")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["proven"], result.stdout.count("\n")) == (0, True, 1)
    first = told["executions"][0]
    assert (first["fields"]["order_id"], first["fields"]["user"], first["block"]) == (71, "ann", 1)
    assert len(bytes.fromhex(told["head"]["chain"])) == 32
    assert told["key_id"] in (files / "keys.json").read_text()


def test_what_is_not_proven_is_no_json(files: Path) -> None:
    """A program that reads standard output must not find anything there."""
    (files / "receipt").write_text("{}")
    result = outcry("receipt", "verify", files / "receipt", "--key", files / "keys.json", "--json")
    assert (result.exit_code == 0, result.stdout) == (False, "")


def test_two_heads_are_json_for_programs(files: Path) -> None:
    heads = (files / "3 and 7.old", files / "3 and 7.new", "--proof", files / "3 and 7.proof")
    result = outcry("ledger", "consistency", *heads, "--key", files / "keys.json", "--json")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["old"]["number"], told["new"]["number"]) == (0, 3, 7)


@pytest.mark.parametrize(("secret", "taken"), [("a" * 64, True), ("b" * 64, False)])
def test_a_token_that_is_checked_is_json_for_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: str, taken: bool
) -> None:
    (tmp_path / "mine").write_text("a" * 64)
    (tmp_path / "theirs").write_text(secret)
    token = outcry("token", "ann", "--secret-file", tmp_path / "mine").stdout.strip()
    result = outcry("token", "check", token, "--secret-file", tmp_path / "theirs", "--json")
    told = json.loads(result.stdout)
    assert (told["taken"], bool(told["problems"]), result.exit_code) == (taken, not taken, int(not taken))
    assert told["facts"]["user"].strip('"') == "ann"
    assert token not in result.stdout


def test_a_changed_receipt_ends_with_1_and_says_where(files: Path) -> None:
    text = (files / "receipt").read_text()
    (files / "receipt").write_text(text.replace('"leaf": "93', '"leaf": "92', 1))
    result = outcry("receipt", "verify", files / "receipt", "--key", files / "keys.json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "NOT PROVEN: blocks[0].leaves[0]: this execution is not in block 1" in result.stderr


def test_what_cannot_be_judged_ends_with_2(files: Path) -> None:
    for receipt, key in (("missing", "keys.json"), ("receipt", "missing"), ("receipt", "receipt")):
        assert outcry("receipt", "verify", files / receipt, "--key", files / key).exit_code == 2


def test_a_receipt_is_compared_with_a_head_that_somebody_kept(files: Path) -> None:
    verify = ("receipt", "verify", files / "receipt", "--key", files / "keys.json", "--head")
    same = outcry(*verify, files / "6 and 7.new")
    assert (same.exit_code, "One record with the head in" in same.stdout) == (0, True)
    unlike = outcry(*verify, files / "3 and 7.old")
    assert unlike.exit_code == 2
    assert "CANNOT BE JUDGED: the heads are of blocks 3 and 7" in unlike.stderr
    assert outcry(*verify, files / "3 and 7.old", "--proof", files / "3 and 7.proof").exit_code == 0
    other = outcry(*verify, files / "the same before it.new")
    assert other.exit_code == 1
    assert "two different heads of block 7 are signed" in other.stderr


@pytest.mark.parametrize("case", HEADS["cases"], ids=lambda case: str(case["name"]))
def test_two_heads_are_compared_offline(files: Path, case: dict[str, Any]) -> None:
    old, new, proof = (files / f"{case['name']}.{part}" for part in ("old", "new", "proof"))
    given = ["--proof", proof] if case["proof"] else []
    result = outcry("ledger", "consistency", old, new, "--key", files / "keys.json", *given)
    assert result.exit_code == {"proven": 0, "not_proven": 1, "cannot_be_judged": 2}[case["verdict"]]


@pytest.fixture
def database(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    engine = create_engine(url)
    schema.metadata.create_all(engine)
    with engine.begin() as connection:
        made_record(connection)
    engine.dispose()
    return url


def test_heads_and_proofs_come_from_the_database(files: Path, database: str) -> None:
    for block, name in (("3", "3 and 7.old"), ("7", "3 and 7.new")):
        result = outcry("ledger", "head", "--database", database, "--block", block, "--out", files / "head")
        assert result.exit_code == 0
        assert (files / "head").read_text() == (files / name).read_text()
    heads = (files / "3 and 7.old", files / "3 and 7.new", "--key", files / "keys.json")
    result = outcry("ledger", "consistency", *heads, "--database", database, "--out", files / "proof")
    assert result.exit_code == 0
    assert "The new record begins with the old one: 3 blocks are unchanged." in result.stdout
    assert (files / "proof").read_text() == (files / "3 and 7.proof").read_text()
    newest = outcry("ledger", "head", "--database", database)
    assert newest.stdout == (files / "3 and 7.new").read_text()
    assert "openoutcry, shard 0, 7 blocks" in newest.stderr


def test_where_no_head_is_the_command_says_so(files: Path, database: str) -> None:
    beyond = outcry("ledger", "head", "--database", database, "--block", "8")
    assert (beyond.exit_code, "no block 8" in beyond.stderr) == (2, True)
    nowhere = outcry("ledger", "head")
    assert (nowhere.exit_code, "--database or --url" in nowhere.stderr) == (2, True)
    foreign = outcry("ledger", "head", "--url", "file:///etc/passwd")
    assert (foreign.exit_code, "http://" in foreign.stderr) == (2, True)
    silent = outcry("ledger", "head", "--url", "http://127.0.0.1:1")
    assert (silent.exit_code, "does not answer" in silent.stderr) == (2, True)
    absent = outcry("ledger", "head", "--database", f"sqlite:///{files / 'absent' / 'x.db'}")
    assert absent.exit_code == 2


class Interface(BaseHTTPRequestHandler):
    """Answers as the ledger's interface would, from the vectors, whoever has the token."""

    def do_GET(self) -> None:
        case = next(each for each in HEADS["cases"] if each["name"] == "3 and 7")
        answers = {
            "/v1/ledger/head?block=3": case["old"],
            "/v1/ledger/head": case["new"],
            "/v1/ledger/consistency?old=3&new=7": case["proof"],
            "/v1/ledger/head?block=4": "no head",
        }
        body = answers.get(self.path) if self.headers["Authorization"] == "Bearer mine" else None
        self.send_response(404 if body is None else 200)
        self.end_headers()
        self.wfile.write((body or "").encode())

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Interface) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_heads_and_proofs_come_from_the_interface(files: Path, url: str) -> None:
    mine = ("--url", url, "--token", "mine")
    for block, name in ((["--block", "3"], "3 and 7.old"), ([], "3 and 7.new")):
        assert outcry("ledger", "head", *mine, *block).stdout == (files / name).read_text()
    heads = (files / "3 and 7.old", files / "3 and 7.new", "--key", files / "keys.json")
    assert outcry("ledger", "consistency", *heads, *mine).exit_code == 0
    refused = outcry("ledger", "head", "--url", url, "--token", "another")
    assert (refused.exit_code, "refused ledger/head: 404" in refused.stderr) == (2, True)
    wrong = outcry("ledger", "head", *mine, "--block", "4")
    assert (wrong.exit_code, "NOT PROVEN: the file is not JSON" in wrong.stderr) == (1, True)


def test_keys_are_made_kept_and_listed(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    first, second = (outcry("ledger", "keys", "new", folder).stdout.strip() for _ in range(2))
    keys = load_proof_keys(folder, signs=True)
    assert list(keys.public.by_id) == [first, second]
    assert keys.signer is not None
    assert keys.signer.key_id == second
    assert outcry("ledger", "keys", "list", folder).stdout == keys.key_list == (folder / "keys.json").read_text()
    assert '"alg"' not in keys.key_list
    for path in (folder / "salts", folder / f"sign-{first}.pem"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    salts = (folder / "salts").read_text()
    (folder / f"sign-{first}.pem").unlink()
    assert load_proof_keys(folder, signs=True).signer is not None
    add_signing_key(folder)
    assert (folder / "salts").read_text() == salts, "old receipts need them"


def test_keys_that_are_missing_or_wrong_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    missing = outcry("ledger", "keys", "list", folder)
    assert (missing.exit_code, "make keys by: outcry ledger keys new" in missing.stderr) == (2, True)
    key_id = add_signing_key(folder)
    other = add_signing_key(folder)
    (folder / f"sign-{other}.pem").write_bytes((folder / f"sign-{key_id}.pem").read_bytes())
    with pytest.raises(Exception, match="not the one that its name says"):
        load_proof_keys(folder, signs=True)
    (folder / f"sign-{other}.pem").write_text("no key")
    with pytest.raises(Exception, match="no private key"):
        load_proof_keys(folder, signs=True)
    assert load_proof_keys(folder, signs=False).signer is None
