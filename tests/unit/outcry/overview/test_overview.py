"""An exchange at a moment: what its roles do, whether it is whole, and the lines that say so."""

from __future__ import annotations

import json

from outcry.load.exposition import Exposition, read_exposition
from outcry.overview.overview import GatewayUsers, is_gateway, overview
from outcry.overview.overview_lines import overview_lines


def engine(position: int, commands: int, *, leads: bool = True, started: int = 1) -> Exposition:
    return read_exposition(
        f"process_start_time_seconds {started}\n"
        f"outcry_matching_leader {int(leads)}\noutcry_matching_ready 1\noutcry_matching_term {3 if leads else 0}\n"
        f"outcry_matching_position {position}\n"
        "# TYPE outcry_matching_commands counter\n"
        f'outcry_matching_commands_total{{kind="PlaceOrder",outcome="ok"}} {commands}\n'
        "# TYPE outcry_matching_trades counter\noutcry_matching_trades_total 7\n"
    )


def gateway(position: int, frames: int, *, lagging: int = 0, fed: int = 1) -> Exposition:
    return read_exposition(
        "process_start_time_seconds 1\nprocess_resident_memory_bytes 104857600\n"
        f"outcry_gateway_connections 40\noutcry_gateway_connections_max 5000\noutcry_gateway_fed {fed}\n"
        f"outcry_gateway_lagging_connections {lagging}\noutcry_gateway_draining 0\n"
        f"outcry_gateway_feed_position {position}\noutcry_gateway_feed_term 3\n"
        "outcry_gateway_feed_delay_seconds 0.004\n"
        f"# TYPE outcry_gateway_frames_sent counter\noutcry_gateway_frames_sent_total {frames}\n"
    )


LEDGER = read_exposition("outcry_ledger_position 900\noutcry_ledger_lag_seconds 1.5\noutcry_ledger_hold_share 0.25\n")
BEFORE = {"m1": engine(900, 100), "g1": gateway(890, 1_000), "led": LEDGER}
AFTER = {"m1": engine(1_000, 300), "g1": gateway(990, 51_000, lagging=1), "led": LEDGER}


def test_rates_and_distances_are_from_two_looks() -> None:
    seen = overview(BEFORE, AFTER, 2.0, 0)
    roles = {role.name: role for role in seen.roles}
    assert (roles["m1"].role, roles["m1"].term, roles["m1"].orders_per_s) == ("leader", 3, 100)
    assert (roles["g1"].role, roles["g1"].behind, roles["g1"].deliveries_per_s) == ("gateway", 10, 25_000)
    assert (roles["g1"].connections, roles["g1"].lagging, roles["g1"].memory_mib) == (40, 1, 100)
    assert (roles["led"].role, roles["led"].behind, roles["led"].lag_s) == ("ledger", 100, 1.5)
    assert seen.is_whole
    assert json.loads(json.dumps(seen.fields()))["roles"][0]["position"] == 1_000


def test_a_process_that_began_anew_has_no_rate() -> None:
    seen = overview({"m1": engine(900, 100)}, {"m1": engine(910, 5, started=9)}, 1.0, 0)
    assert seen.roles[0].orders_per_s is None


def test_an_exchange_without_its_leader_or_a_part_is_not_whole() -> None:
    standby = overview({}, {"m1": engine(10, 1, leads=False)}, 1.0, 0)
    assert (standby.roles[0].role, standby.is_whole) == ("standby", False)
    away = overview(BEFORE, AFTER | {"g1": None}, 1.0, 0)
    assert (away.roles[1].role, away.is_whole) == ("away", False)
    other = overview({}, {"x": read_exposition("up 1\n")}, 1.0, 0)
    assert (other.roles[0].role, other.is_whole) == ("unknown", False)
    assert is_gateway(AFTER["g1"])
    assert not is_gateway(AFTER["m1"])
    assert not is_gateway(None)


def test_lines_say_who_leads_who_lags_and_what_is_away() -> None:
    row = {"user": "ann", "lag_s": 4.2, "unsent_bytes": 70_000, "subscriptions": 3, "program": "openoutcry/1"}
    users = [GatewayUsers("g1", 1, 1, [row]), GatewayUsers("g2", fault="HTTP 403: role: trader may not")]
    lines = overview_lines(overview(BEFORE, AFTER | {"g2": None}, 2.0, 0, users))
    assert lines[0] == "✗ 00:00:00 term 3  100 orders/s  25.0k deliveries/s  40 users, 1 lag"
    assert any(line.startswith("✓ m1") and "leader" in line and "at 1,000" in line for line in lines)
    assert any(line.startswith("✗ g2") and "does not answer" in line for line in lines)
    assert "    ✗ lags for 4.2 s, 70.0k B unsent, ann  3 channels  openoutcry/1" in lines
    assert "  users of g2: HTTP 403: role: trader may not" in lines


def test_a_low_terminal_says_what_it_leaves_out() -> None:
    lines = overview_lines(overview(BEFORE, AFTER, 2.0, 0), height=3)
    assert len(lines) == 3
    assert lines[-1].startswith("… 2 more lines")
