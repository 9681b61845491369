"""An engine as its operators meet it: health, readiness and metrics, and a Redis that refuses."""

from __future__ import annotations

import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis

from shared.logs.market_commands import BeginAccounts
from shared.logs.session_commands import ScheduledStep, SetSchedule
from tests.integration.engine_process import KEYS, Engines, Trader, engines_on, eventually
from tests.real_redis import RealRedis, free_port
from tools.reference.operators.exported_metrics import matching_metrics


@pytest.fixture
def engines(redis_server: RealRedis, tmp_path: Path) -> Iterator[Engines]:
    with engines_on(redis_server.url, tmp_path) as engines:
        yield engines


def get(port: int, path: str) -> tuple[int, str]:
    """GET a page; 0 while nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()
    except OSError:
        return 0, ""


def sample(port: int, name: str) -> float:
    [line] = [line for line in get(port, "/metrics")[1].splitlines() if line.startswith(f"{name} ")]
    return float(line.split()[1])


def test_leader_and_standby_are_ready_each_in_its_role(engines: Engines) -> None:
    """A rolling upgrade waits for the standby to have caught up; alerts count the leaders."""
    first, second = free_port(), free_port()
    leader = engines.start_leading(METRICS_PORT=first)
    engines.start(METRICS_PORT=second)
    eventually(lambda: get(second, "/readyz") == (200, "standby\n"))
    assert get(first, "/readyz") == (200, "leader\n")
    assert get(first, "/healthz") == (200, "alive\n")
    assert get(first, "/nothing")[0] == 404
    trader = Trader(engines.redis_url)
    trader.trade()
    trader.close()
    assert (sample(first, "outcry_matching_leader"), sample(second, "outcry_matching_leader")) == (1, 0)
    assert sample(first, "outcry_matching_trades_total") == 1
    assert sample(first, "outcry_matching_term") > 0
    assert sample(second, "outcry_matching_term") == 0
    eventually(lambda: sample(second, "outcry_matching_position") >= 2)
    eventually(lambda: sample(first, "outcry_matching_event_loop_lag_seconds_count") > 0)
    exported = get(first, "/metrics")[1]
    assert all(f"# TYPE {metric.name} {metric.kind}\n" in exported for metric in matching_metrics())
    leader.kill()
    eventually(lambda: get(second, "/readyz") == (200, "leader\n"))
    assert sample(second, "outcry_matching_leader") == 1


def test_a_market_in_which_one_is_enough_says_so(engines: Engines) -> None:
    """It is for development: operators of another market are to see it at once."""
    port = free_port()
    engines.start_leading(METRICS_PORT=port)
    assert sample(port, "outcry_matching_four_eyes") == 1
    trader = Trader(engines.redis_url)
    begin = BeginAccounts(trader.source, 1, "adam", False)
    trader.append(begin)
    trader.wait_for(begin)
    trader.close()
    said = "alive\nfour_eyes = false: one administrator is enough for everything\n"
    assert get(port, "/healthz") == (200, said)
    eventually(lambda: sample(port, "outcry_matching_four_eyes") == 0)


def test_the_end_of_the_plan_is_told_before_it_comes(engines: Engines) -> None:
    """Of the calendar whose plan ends first; an alert names the moment."""
    port = free_port()
    engines.start_leading(METRICS_PORT=port)
    assert sample(port, "outcry_matching_schedule_end_timestamp_seconds") == 0
    trader = Trader(engines.redis_url)
    trader.append(BeginAccounts(trader.source, 1, "adam", False))
    for number, (calendar, year) in enumerate((("berlin", 2099), ("tokyo", 2098)), 2):
        close = datetime(year, 12, 4, 16, 30, tzinfo=UTC)
        step = ScheduledStep(f"{year}-12-04", int(close.timestamp()) * 1_000_000, "close")
        trader.append(SetSchedule(trader.source, number, "adam", calendar, "2026.3", (step,)))
    trader.close()
    end = datetime(2098, 12, 4, 16, 30, tzinfo=UTC).timestamp()
    eventually(lambda: sample(port, "outcry_matching_schedule_end_timestamp_seconds") == end)
    assert sample(port, "outcry_matching_schedule_days_ahead") == 1


def test_without_redis_an_engine_is_alive_and_not_ready(engines: Engines, redis_server: RealRedis) -> None:
    port = free_port()
    engine = engines.start_leading(METRICS_PORT=port)
    redis_server.kill()
    eventually(lambda: get(port, "/readyz")[0] == 503)
    assert get(port, "/healthz")[0] == 200
    assert sample(port, "outcry_matching_ready") == 0
    redis_server.start()
    eventually(lambda: get(port, "/readyz") == (200, "leader\n"))
    assert engine.told("the store answers again")


def test_a_stopping_engine_says_so(engines: Engines, redis_server: RealRedis) -> None:
    """A frozen Redis keeps it from its last checkpoint, so that there is time to look."""
    port = free_port()
    engine = engines.start_leading(METRICS_PORT=port)
    with Redis.from_url(redis_server.url) as redis:
        redis.client_pause(2_000)
        engine.send_signal(signal.SIGTERM)
        eventually(lambda: get(port, "/readyz")[0] == 404)
    assert engine.exit_code() == 0


def test_a_taken_port_is_a_misconfiguration(engines: Engines) -> None:
    port = free_port()
    engines.start_leading(METRICS_PORT=port)
    second = engines.start(METRICS_PORT=port)
    assert second.exit_code() == 2
    assert second.told(f"OUTCRY_METRICS_PORT: cannot listen on 127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("credentials", "words"),
    [
        ({"REDIS_PASSWORD": "wr0ng"}, "refuses the user or password"),
        ({"REDIS_USERNAME": "blind", "REDIS_PASSWORD": "pw"}, "may not do this (see its ACL)"),
    ],
    ids=["wrong password", "ACL"],
)
def test_a_redis_that_refuses_is_borne_with_then_told_and_left(
    engines: Engines, redis_server: RealRedis, credentials: dict[str, str], words: str
) -> None:
    """One line when it begins and one when it ends, with backoff between: whoever restarts it makes no storm."""
    with Redis.from_url(redis_server.url) as redis:
        redis.acl_setuser("blind", enabled=True, passwords=["+pw"], commands=["+@connection"], keys=["*"])
        redis.config_set("requirepass", "right")
    port = free_port()
    engine = engines.start(UNREACHABLE_MAX_S=1.5, METRICS_PORT=port, **credentials)
    eventually(lambda: words in get(port, "/readyz")[1] or engine.process.poll() is not None)
    assert engine.exit_code() == 4
    lines = [line for line in engine.log.read_text().splitlines() if words in line]
    assert len(lines) == 2, lines
    assert "Traceback" not in engine.log.read_text()
    assert "wr0ng" not in engine.log.read_text()


def test_the_right_password_may_come_from_a_file(engines: Engines, redis_server: RealRedis, tmp_path: Path) -> None:
    with Redis.from_url(redis_server.url) as redis:
        redis.config_set("requirepass", "r1ght")
    (tmp_path / "outcry_redis_password").write_text("r1ght\n")
    engine = engines.start(SECRETS_DIR=tmp_path)
    eventually(lambda: engine.told('"leading"'))
    engine.send_signal(signal.SIGTERM)
    assert engine.exit_code() == 0
    assert not engine.told("r1ght")


def test_unknown_and_wrong_settings_are_told_together(engines: Engines) -> None:
    engine = engines.start(LEASE_MX=700, SHARD=-1)
    assert engine.exit_code() == 2
    words = " ".join(engine.log.read_text().replace("│", " ").split())
    assert "OUTCRY_LEASE_MX: there is no such setting; did you mean OUTCRY_LEASE_MS?" in words
    assert "OUTCRY_SHARD: " in words


def test_an_engine_that_cannot_go_on_is_seen_before_it_ends(engines: Engines, redis_server: RealRedis) -> None:
    """It ended before any scrape, so that no alert could name why nobody led. Asked to end, it does not stay."""
    engines.start_leading().kill()
    with Redis.from_url(redis_server.url) as redis:
        for key in (KEYS.checkpoint, KEYS.previous_checkpoint):
            redis.set(key, b"damaged")
        redis.delete(KEYS.lease)
    port = free_port()
    broken = engines.start(METRICS_PORT=port)
    eventually(lambda: broken.told("the engine cannot go on"))
    assert sample(port, "outcry_matching_broken") == 1
    assert get(port, "/readyz")[0] == 503
    broken.send_signal(signal.SIGTERM)
    assert broken.exit_code() == 5
