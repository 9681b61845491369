"""Dashboards, alerts and their runbook: nothing is named that does not exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.deploy.static.files import PROJECT, document, headings, text
from tools.reference.operators.exported_metrics import sample_names

PROMETHEUS: Final = PROJECT / "deploy" / "prometheus"
DASHBOARDS: Final = sorted((PROJECT / "deploy" / "grafana" / "dashboards").glob("*.json"))
RULE_FILES: Final = ("alerts.yml", "alerts.haproxy.yml", "alerts.ledger.yml")
ELSEWHERE: Final = {"up", "haproxy_frontend_current_sessions", "haproxy_frontend_limit_sessions"}
"""What Prometheus itself says of a target, and what haproxy exports."""
SCRAPE_S: Final = 5
METRIC: Final = re.compile(r"\b(?:outcry_[a-z0-9_]+|process_[a-z0-9_]+|haproxy_[a-z0-9_]+|up)\b")


def alerts() -> list[dict[str, Any]]:
    return [rule for group in groups() for rule in group["rules"]]


def groups() -> list[dict[str, Any]]:
    return [group for name in RULE_FILES for group in document(f"deploy/prometheus/{name}")["groups"]]


def questions(dashboard: Path) -> Iterator[str]:
    content = json.loads(dashboard.read_text())
    for panel in content["panels"]:
        for target in panel["targets"]:
            yield target["expr"]
    for annotation in content["annotations"]["list"]:
        yield annotation["expr"]


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_asks_for_metrics_that_are_exported(alert: dict[str, Any]) -> None:
    """A metric that was renamed would be an alert that never comes."""
    asked = set(METRIC.findall(alert["expr"]))
    assert asked
    assert asked <= sample_names() | ELSEWHERE


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_names_its_section_of_the_runbook(alert: dict[str, Any]) -> None:
    """Who is woken at night is told what to do."""
    document_path, _, anchor = alert["annotations"]["runbook"].partition("#")
    assert anchor in headings(document_path)
    assert anchor == alert["alert"].lower()
    assert alert["labels"]["severity"] in ("critical", "warning")


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_says_within_what_time_it_fires(alert: dict[str, Any]) -> None:
    """Its own `for`, a scrape and an evaluation are the least; `make alerts` holds it to that time."""
    assert seconds(alert["annotations"]["within"]) >= seconds(alert.get("for", "0s")) + 2 * SCRAPE_S


def test_rules_are_evaluated_as_often_as_their_tests_take_for_granted() -> None:
    """Prometheus' own default is once a minute: NoLeader would come after 81 s, and be tested at 30."""
    tested = document("deploy/prometheus/alerts.test.yml")
    assert tested["evaluation_interval"] == f"{SCRAPE_S}s"
    assert tested["rule_files"] == list(RULE_FILES)
    assert {group["interval"] for group in groups()} == {f"{SCRAPE_S}s"}
    for name in ("prometheus.yml", "prometheus.host-network.yml"):
        shipped = document(f"deploy/prometheus/{name}")
        assert shipped["global"]["scrape_interval"] == shipped["global"]["evaluation_interval"] == f"{SCRAPE_S}s"
        assert shipped["rule_files"] == [f"/etc/prometheus/{file}" for file in RULE_FILES]


def seconds(duration: str) -> int:
    number, unit = int(duration[:-1]), duration[-1]
    return number * {"s": 1, "m": 60}[unit]


def test_there_are_alerts_for_what_must_not_be_missed() -> None:
    names = {alert["alert"] for alert in alerts()}
    assert {
        "FeedStale",
        "NoLeader",
        "TwoLeaders",
        "UsersLag",
        "EventLoopLag",
        "AbortRate",
        "StoreSlow",
        "StoreFull",
    } <= names


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_asks_for_metrics_that_are_exported(dashboard: Path) -> None:
    asked = {name for question in questions(dashboard) for name in METRIC.findall(question)}
    assert asked
    assert asked <= sample_names() | ELSEWHERE


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_is_of_the_source_that_is_provisioned(dashboard: Path) -> None:
    """By uid; panels do not overlap, and each has a number of its own."""
    [source] = document("deploy/grafana/provisioning/datasources/prometheus.yml")["datasources"]
    panels = json.loads(dashboard.read_text())["panels"]
    assert {panel["datasource"]["uid"] for panel in panels} == {source["uid"]}
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


def test_grafana_finds_the_three_dashboards() -> None:
    assert [path.stem for path in DASHBOARDS] == ["gateways", "ledger", "market"]
    [provider] = document("deploy/grafana/provisioning/dashboards/openoutcry.yml")["providers"]
    assert f"./deploy/grafana/dashboards:{provider['options']['path']}:ro" in text("docker-compose.yml")


@pytest.mark.parametrize(
    "words",
    [
        ("check", "rules", *RULE_FILES),
        ("test", "rules", "alerts.test.yml"),
        ("check", "config", "--syntax-only", "prometheus.yml"),
        ("check", "config", "--syntax-only", "prometheus.host-network.yml"),
    ],
    ids=" ".join,
)
def test_promtool_agrees(words: tuple[str, ...]) -> None:
    """The rules do what alerts.test.yml says, such as telling of a first refused write."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool here: apt-get install prometheus")
    done = subprocess.run([promtool, *words], cwd=PROMETHEUS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_adapter_makes_the_metrics_that_pods_are_counted_by() -> None:
    """From series that gateways export."""
    rules = document("k8s/prometheus-adapter/values.yaml")["rules"]["custom"]
    made = {rule["name"]["as"] for rule in rules}
    scaled = document("k8s/overlays/prod/autoscaling.yaml")["spec"]["metrics"]
    assert {metric["pods"]["metric"]["name"] for metric in scaled if metric["type"] == "Pods"} == made
    assert {METRIC.findall(rule["seriesQuery"])[0] for rule in rules} <= sample_names()
