"""One order's way over three processes' parts is one trace, though nothing of it travels in the logs."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.messages import Reply
from services.gateway.aio.settings import GatewaySettings
from tests.integration.engine_process import engines_on
from tests.integration.gateway_house import gateway_on, until, user_of
from tests.real_redis import RealRedis

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="the extra otel is not installed")


class Collector(BaseHTTPRequestHandler):
    """Takes OTLP over HTTP."""

    spans: ClassVar[list[tuple[str, Any]]]

    def do_POST(self) -> None:
        import gzip  # noqa: PLC0415

        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest  # noqa: PLC0415

        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            role = next(each.value.string_value for each in resource.resource.attributes if each.key == "service.name")
            self.spans += [(role, span) for scope in resource.scope_spans for span in scope.spans]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[HTTPServer]:
    Collector.spans = []
    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


async def test_an_orders_entry_matching_and_fan_out_are_one_trace(
    redis_server: RealRedis, tmp_path: Path, collector: HTTPServer
) -> None:
    url = f"http://127.0.0.1:{collector.server_port}/v1/traces"
    with engines_on(redis_server.url, tmp_path) as engines:
        engine = await asyncio.to_thread(engines.start_leading, TRACES_URL=url, TRACES_RATIO=1)
        async with gateway_on(redis_server.url, tmp_path, traces_url=url, traces_ratio=1.0) as server:
            async with user_of(server) as ann:
                await ann.ask(
                    op="order", client_order_id="c1", instrument="ACME", side="bid", price=9, quantity=1, kind="limit"
                )
                assert (await ann.hear(Reply)).ok
            source = server.gateway.orders.source
        engine.process.terminate()
        assert await asyncio.to_thread(engine.exit_code) == 0, engine.log.read_text()

    def of_order() -> dict[str, tuple[str, Any]]:
        return {span.name: (role, span) for role, span in Collector.spans if of(span) == (source, 1)}

    await until(lambda: len(of_order()) == 3)
    spans = of_order()
    assert {name: role for name, (role, _) in spans.items()} == {
        "order entry": "gateway", "matching": "matching", "fan-out": "gateway"
    }  # fmt: skip
    entry, matching, fan_out = (spans[name][1] for name in ("order entry", "matching", "fan-out"))
    assert entry.trace_id == matching.trace_id == fan_out.trace_id
    assert not entry.parent_span_id
    assert matching.parent_span_id == fan_out.parent_span_id == entry.span_id
    assert entry.start_time_unix_nano < matching.start_time_unix_nano < fan_out.end_time_unix_nano


def of(span: Any) -> tuple[str, int]:
    values = {each.key: each.value for each in span.attributes}
    return values["openoutcry.source"].string_value, values["openoutcry.number"].int_value


def test_all_processes_choose_the_same_orders() -> None:
    """With a ratio below one a trace is whole, or is not at all."""
    from openoutcry.wire.types import Code  # noqa: PLC0415
    from shared.aio.order_traces import OrderTraces  # noqa: PLC0415
    from shared.logs.events import Outcome  # noqa: PLC0415

    outcomes = [Outcome("gateway-1", number, Code.OK, "", 0, 0) for number in range(2_000)]
    processor: Any = None
    one, other = (OrderTraces(role, "i", 0.1, processor).among(outcomes) for role in ("gateway", "matching"))
    assert one == other
    assert 100 < len(one) < 300
    assert len({order.trace_id for order in one}) == len(one)


def test_without_the_extra_it_is_a_misconfiguration(monkeypatch: pytest.MonkeyPatch) -> None:
    from shared.aio.tracing import open_tracing  # noqa: PLC0415

    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace.export", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'openoutcry-exchange\[otel\]'"):
        open_tracing(GatewaySettings(traces_url="http://collector:4318/v1/traces"), "gateway", "g")
    assert open_tracing(GatewaySettings(), "gateway", "g") is None
