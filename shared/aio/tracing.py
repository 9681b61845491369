"""Whether orders are traced. OpenTelemetry is imported only if they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from openoutcry.wire.errors import ConfigurationError
from shared.aio.settings import ServiceSettings

if TYPE_CHECKING:
    from shared.aio.order_traces import OrderTraces

SPANS_QUEUED_MAX: Final = 2_048
"""Spans that wait for their export; more are dropped."""
EXPORT_S: Final = 5.0
"""Time for one export; what the collector does not take in it is dropped."""


def check_tracing(url: str) -> None:
    """
    Make sure that traces can be sent where the setting `traces_url` says; empty is off.

    Raises:
        ConfigurationError: If OpenTelemetry is needed and not installed.
    """
    if not url:
        return
    try:
        import opentelemetry.exporter.otlp.proto.http.trace_exporter  # noqa: PLC0415 - optional
        import opentelemetry.sdk.trace.export  # noqa: F401, PLC0415
    except ImportError as error:
        raise ConfigurationError(f"needs OpenTelemetry ({error}): pip install 'openoutcry-exchange[otel]'") from error


def open_tracing(settings: ServiceSettings, role: str, instance: str) -> OrderTraces | None:
    """
    Return what records traces; None unless `traces_url` is set.

    Raises:
        ConfigurationError: See `check_tracing`.
    """
    check_tracing(settings.traces_url)
    if not settings.traces_url:
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - optional
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    from shared.aio.order_traces import OrderTraces  # noqa: PLC0415

    exporter = OTLPSpanExporter(settings.traces_url, timeout=EXPORT_S)
    processor = BatchSpanProcessor(exporter, max_queue_size=SPANS_QUEUED_MAX)
    return OrderTraces(role, instance, settings.traces_ratio, processor)
