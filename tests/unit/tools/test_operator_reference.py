"""What operators look up is what the code has."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from services.matching.aio.metrics import MatchingMetrics
from services.matching.aio.publisher import StoreAnswer
from tools.reference.operators.__main__ import DOCS
from tools.reference.operators.exported_metrics import ExportedMetric, gateway_metrics, matching_metrics, sample_names
from tools.reference.operators.tables import ROLES, documents, placed

METRICS = [*gateway_metrics(), *matching_metrics()]


@pytest.mark.parametrize("name", list(documents()))
def test_tables_are_current(name: str) -> None:
    """Stale? Run `make docs`."""
    document = (DOCS / name).read_text(encoding="utf-8")
    assert document == placed(document, *documents()[name])


@pytest.mark.parametrize("kind", ROLES.values(), ids=list(ROLES))
def test_every_setting_says_what_it_means(kind: type) -> None:
    assert all(field.description for field in kind.model_fields.values())


def test_the_table_has_a_settings_own_words() -> None:
    """Of a setting that two roles have it said "as of a gateway", and nothing else."""
    document = (DOCS / "operations.md").read_text(encoding="utf-8")
    table = document.partition("<!-- settings:begin -->")[2].partition("<!-- settings:end -->")[0]
    assert "OUTCRY_TOKEN_AUDIENCE" in table
    assert "As of a gateway" not in table
    assert "Likewise" not in table


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_metrics_are_named_for_role_and_unit(metric: ExportedMetric) -> None:
    """Dashboards and people tell from the name what is counted, and by whom."""
    assert metric.name.startswith(("outcry_gateway_", "outcry_matching_")) or metric.name == "outcry_build_info"
    assert metric.help
    assert (metric.kind == "counter") == metric.name.endswith("_total")
    assert not metric.name.endswith(("_ms", "_bytes_total_total", "_time"))


def test_names_are_as_a_query_spells_them() -> None:
    """A dashboard that asks for a histogram's bare name would stay empty."""
    names = sample_names()
    assert {"outcry_matching_publish_seconds_bucket", "outcry_gateway_connections", "process_open_fds"} <= names
    assert "outcry_matching_publish_seconds" not in names


def test_every_answer_of_the_store_is_counted_from_the_start() -> None:
    """An alert's `increase` does not see a counter appear: the first refused write would go unnoticed."""
    assert dict(MatchingMetrics(CollectorRegistry()).publications) == {answer.value: 0 for answer in StoreAnswer}


def test_labels_are_known_before_anything_was_counted() -> None:
    labels = {metric.name: metric.labels for metric in METRICS}
    assert labels["outcry_matching_commands_total"] == ("kind", "outcome")
    assert labels["outcry_gateway_aborted_total"] == ("reason",)


def test_a_document_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="markers of settings"):
        placed("nothing here", "settings", "")
