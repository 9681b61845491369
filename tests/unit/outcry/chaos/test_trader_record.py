"""What a trader was told comes from another process."""

from __future__ import annotations

import json

from outcry.chaos.trader_record import TraderRecord
from tests.unit.outcry.chaos.history_house import ann
from tests.unit.services.gateway.exchange import Exchange


def test_a_trader_s_record_survives_json() -> None:
    exchange = Exchange("ACME")
    record = ann(exchange, 1, refused=["c2"], unresolved=["c3"])
    assert record.executions
    assert TraderRecord.read(json.loads(json.dumps(record))) == record
