"""The whole market in real containers: `make deploy-test`.

One deployment for all tests, in this order: each leaves it healthy for the next, the last takes it away.
"""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from openoutcry.wire.close_codes import CloseCode
from tests.deploy.deployment import PATIENCE, SECRETS, Deployment, Reader, Trader, Users, Witness, get, said, wait_until
from tests.deploy.engine import PROJECT, find_engine

USERS: Final = int(os.environ.get("DEPLOY_USERS", "1000"))
"""Fewer for machines that others use too."""
WITNESSES: Final = 20
"""Connections that are asked how they ended; least connections puts them on the gateways that came last."""
WHOLE_AGAIN_S: Final = 5.0
"""After the loss of a gateway, until every user is connected to another and trusts every book."""

pytestmark = [
    pytest.mark.skipif("DEPLOY_TEST" not in os.environ, reason="containers: make deploy-test runs it"),
    pytest.mark.timeout(1800),
]


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    engine = find_engine()
    if isinstance(engine, str):
        pytest.skip(engine)
    subprocess.run([PROJECT / "deploy" / "make-secrets"], check=True, stdout=subprocess.DEVNULL)
    try:
        engine.up()
        yield Deployment(engine)
    finally:
        engine.down()
        engine.stop()


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Tell a figure on the terminal, whatever pytest captures."""

    def tell(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n    {text}")

    return tell


def run_users(folder: Path, *arguments: str, url: str | None = None) -> Users:
    return Users(folder, *arguments, **({"url": url} if url else {}))


def test_everything_is_healthy_and_only_haproxy_is_published(deployment: Deployment) -> None:
    """`up --wait` has returned; operators look at /healthz, users at nothing but the stream."""
    assert get("http://127.0.0.1:8080/healthz") == "alive\n"
    assert len(deployment.gateways()) == 3
    assert "outcry_" not in get("http://127.0.0.1:8080/metrics")
    assert deployment.roles() == ["leader", "standby"]


def test_users_come_in_by_tls(deployment: Deployment, tmp_path: Path) -> None:
    """With the development certificate, whose authority the client trusts; wrong trust would be no connection."""
    users = run_users(tmp_path, "--users", "50", "--ramp", "2", "--seconds", "3", url="wss://localhost:8443/v1/stream")
    assert users.finish()["verdict"] == "ok"


def test_a_thousand_users_are_spread_over_the_gateways(
    deployment: Deployment, tmp_path: Path, told: Callable[[str], None]
) -> None:
    """Least connections: each gateway has its third; every book is verified."""
    users = run_users(tmp_path, "--users", str(USERS), "--ramp", "10", "--seconds", "15", "--orders", "50")
    try:
        users.wait_until_measured()
        spread = deployment.gateways()
        report = users.finish()
    finally:
        users.end()
    told(f"spread {spread}; median {report['latency_ms']['p50']:.1f} ms; {said(report, ['gaps_seen', 'disconnects'])}")
    assert sum(spread.values()) >= USERS
    assert max(spread.values()) - min(spread.values()) <= USERS * 0.05
    assert report["counts"]["gaps_seen"] == 0


def test_gateways_come_and_go_under_the_users(
    deployment: Deployment, tmp_path: Path, told: Callable[[str], None]
) -> None:
    """3 to 5 to 2: who leaves says goodbye, its users go on elsewhere, and no book is wrong."""
    users = run_users(tmp_path, "--users", str(USERS), "--ramp", "10", "--seconds", "100", "--churn", "0.01")
    try:
        users.wait_until_measured()
        deployment.scale(5)
        wait_until(lambda: len(deployment.gateways()) == 5, 20, "haproxy does not see five gateways")
        witnesses = [Witness(f"witness-{number}") for number in range(WITNESSES)]
        for witness in witnesses:
            witness.start()
        wait_until(lambda: all(witness.is_connected for witness in witnesses), 20, "witnesses are not let in")
        deployment.scale(2)
        wait_until(lambda: len(deployment.gateways()) == 2, 20, "haproxy still sees more than two gateways")
        wait_until(lambda: sum(deployment.gateways().values()) >= USERS * 0.95, 20, "users did not return")
        report = users.finish(240)
    finally:
        users.end()
        deployment.scale(3)
    gone = [witness for witness in witnesses if witness.close_code is not None]
    told(f"{said(report, ['departures', 'disconnects', 'returns', 'gaps_seen'])}; {len(gone)} witnesses sent away")
    assert report["counts"]["disconnects"] > 0, "nobody was sent away"
    assert report["counts"]["digests_wrong"] == 0
    assert gone
    assert {(witness.close_code, witness.said_goodbye) for witness in gone} == {(CloseCode.SHUTTING_DOWN, True)}


@pytest.mark.parametrize("deed", ["kill", "freeze"])
def test_users_of_a_lost_gateway_are_whole_again_within_seconds(
    deployment: Deployment, tmp_path: Path, told: Callable[[str], None], deed: str
) -> None:
    """Killed: its connections end. Frozen: they stay open, and only haproxy's checks find out."""
    wait_until(lambda: len(deployment.gateways()) == 3, 60, "three gateways are not up")
    command = shlex.join([sys.executable, "-m", "tests.deploy.fault", deed, "gateway", "1"])
    users = run_users(
        tmp_path,
        "--users",
        str(USERS),
        "--ramp",
        "10",
        "--seconds",
        "30",
        "--scenario",
        "loss",
        "--loss-command",
        command,
    )
    try:
        report = users.finish()
    finally:
        users.end()
        if deed == "freeze":
            deployment.engine.thaw("gateway", 1)
    [loss] = report["happenings"]
    told(f"{loss['users_affected']} users whole again after {loss['whole_again_s']} s")
    assert loss["users_affected"] >= USERS / 4
    assert loss["whole_again_s"] is not None
    assert loss["whole_again_s"] <= WHOLE_AGAIN_S * PATIENCE


def test_an_engine_that_stood_by_leads_when_the_leader_is_killed(
    deployment: Deployment, tmp_path: Path, told: Callable[[str], None]
) -> None:
    """
    Users notice a pause and nothing else.

    The killed one's container starts again within the lease, and follows at once: both stand by then, and either leads.
    """
    leader = deployment.leader()
    assert leader is not None
    users = run_users(tmp_path, "--users", "200", "--ramp", "3", "--seconds", "25", "--orders", "20")
    try:
        users.wait_until_measured()
        deployment.engine.kill(leader)
        wait_until(deployment.leader, 10, "nobody leads")
        told(f"after {leader} {deployment.leader()} leads")
        report = users.finish()
    finally:
        users.end()
    told(said(report, ["disconnects", "orders_accepted", "orders_unanswered", "gaps_seen"]))
    assert report["counts"]["disconnects"] == 0
    deployment.engine.compose("up", "-d", "--no-recreate", leader)
    wait_until(lambda: deployment.roles() == ["leader", "standby"], 60, lambda: f"the engines are {deployment.roles()}")


def test_an_upgrade_is_no_gap(deployment: Deployment, tmp_path: Path, told: Callable[[str], None]) -> None:
    """`deploy/upgrade`, as the handbook has it, to another setting: all are replaced, and users see pauses alone."""
    wait_until(lambda: len(deployment.gateways()) == 3, 60, "three gateways are not up")
    old = deployment.containers()
    users = run_users(tmp_path, "--users", str(USERS), "--ramp", "10", "--seconds", "100", "--orders", "20")
    try:
        users.wait_until_measured()
        began = time.monotonic()
        deployment.upgrade(LOG_LEVEL="warning")
        told(f"upgraded in {time.monotonic() - began:.0f} s")
        assert len(deployment.containers()) == len(old)
        assert not deployment.containers() & old
        wait_until(lambda: sum(deployment.gateways().values()) >= USERS * 0.95, 20, "users did not return")
        report = users.finish(240)
    finally:
        users.end()
    told(said(report, ["disconnects", "returns", "orders_accepted", "orders_unanswered", "gaps_seen", "digests_wrong"]))
    assert report["counts"]["disconnects"] > 0, "nobody was sent away"
    assert report["counts"]["digests_wrong"] == 0
    assert deployment.roles() == ["leader", "standby"]


def test_prometheus_scrapes_everybody(deployment: Deployment) -> None:
    """All gateways, both engines, the ledger, haproxy and itself."""
    wait_until(lambda: len(deployment.gateways()) == 3, 60, "three gateways are not up")

    def living() -> dict[str, int]:
        up = [labels["job"] for labels, value in deployment.query("up") if value == 1]
        return {job: up.count(job) for job in up}

    expected = {"gateway": 3, "matching": 2, "ledger": 1, "haproxy": 1, "prometheus": 1}
    wait_until(lambda: living() == expected, 30, lambda: f"Prometheus sees {living()}")
    assert [value for _, value in deployment.query("sum(outcry_matching_leader)")] == [1]


def test_redis_users_were_refused_nothing(deployment: Deployment) -> None:
    """The services live within the rights that deploy/redis/users.acl.template gives them; others are refused."""
    assert "NOPERM" not in deployment.engine.compose(
        "logs", "--no-log-prefix", *deployment.engine.engines, "gateway", "ledger", "bots"
    )
    password = (SECRETS / "redis_operator_password").read_text().strip()
    denied = deployment.engine.compose(
        "exec",
        "-T",
        "redis",
        "redis-cli",
        "-p",
        deployment.redis_port,
        "--user",
        "operator",
        "--pass",
        password,
        "--no-auth-warning",
        "ACL",
        "LOG",
    )
    assert denied.strip() in ("", "(empty array)"), denied


def written(deployment: Deployment) -> list[str]:
    """The client order ids of the trader's orders that the record has, by haproxy."""
    answer = Reader("scribe").ask("orders?limit=100")
    return sorted(order["client_order_id"] for order in answer.get("rows", ()))


def test_the_record_is_behind_the_same_door_and_outlives_its_ledger(deployment: Deployment) -> None:
    """Killed, it goes on where it was, and has what the market did meanwhile."""
    trader = Trader("scribe")
    trader.rest("first")
    wait_until(lambda: written(deployment) == ["first"], 20, lambda: f"the record has {written(deployment)}")
    deployment.engine.kill("ledger")
    trader.rest("second")
    wait_until(lambda: written(deployment) == ["first", "second"], 60, lambda: f"the record has {written(deployment)}")


def test_a_backup_of_the_record_is_put_back_and_goes_on(deployment: Deployment, tmp_path: Path) -> None:
    """What came after the backup is read from the store again: no gap."""
    trader, backup = Trader("scribe"), tmp_path / "ledger.dump"
    deployment.back_up_record(backup)
    trader.rest("third")
    deployment.restore_record(backup)
    wait_until(lambda: "third" in written(deployment), 60, lambda: f"the record has {written(deployment)}")
    assert Reader("auditor-1", "auditor").ask("ledger")["gaps"] == []


def test_a_backup_brings_the_market_back(deployment: Deployment, tmp_path: Path) -> None:
    """As the handbook has it, while bots trade: what was acknowledged before rests again, what came after is gone."""
    trader = Trader("keeper")
    trader.rest("before")
    backup = tmp_path / "exchange.tgz"
    deployment.back_up(backup)
    trader.rest("after")
    assert trader.open_orders() == ["before", "after"]
    deployment.restore(backup)
    wait_until(lambda: len(deployment.gateways()) == 3, 60, "three gateways are not up")
    assert trader.open_orders() == ["before"]
    users = run_users(tmp_path, "--users", "50", "--ramp", "2", "--seconds", "5", "--orders", "10")
    assert users.finish()["verdict"] == "ok"


def test_down_leaves_nothing(deployment: Deployment) -> None:
    """No container, no volume, no port."""
    deployment.engine.down()
    assert deployment.engine.compose("ps", "-a", "-q").strip() == ""
    for port in (8080, 8443, 8404):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0, f"port {port} is still taken"
