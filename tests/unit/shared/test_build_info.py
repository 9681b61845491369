"""Every role tells which version it is."""

from __future__ import annotations

import importlib.metadata
import platform

from prometheus_client import CollectorRegistry

from shared.aio.build_info import tell_build
from tools.reference.operators.exported_metrics import gateway_metrics, matching_metrics


def test_the_version_is_a_label_of_a_constant() -> None:
    registry = CollectorRegistry()
    tell_build(registry)
    labels = {"version": importlib.metadata.version("openoutcry-exchange"), "python": platform.python_version()}
    assert registry.get_sample_value("outcry_build_info", labels) == 1


def test_every_role_has_it() -> None:
    for metrics in (gateway_metrics(), matching_metrics()):
        assert [metric.labels for metric in metrics if metric.name == "outcry_build_info"] == [("version", "python")]
