"""Every overlay as kustomize makes it: by the schemas of three versions, and by what schemas cannot see."""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
import yaml

from services.gateway.aio.settings import GatewaySettings
from services.ledger.aio.settings import LedgerSettings
from services.matching.aio.settings import MatchingSettings
from shared.aio.settings import load_settings
from tests.deploy.static.files import PROJECT

OVERLAYS: Final = ("dev", "prod", "prod-l4")
HOME_OF_SECRETS: Final = {"prod-l4": "prod"}
"""An overlay to the one whose secrets it takes; others have their own."""
BROUGHT: Final = {("Secret", "exchange-tls")}
"""What a cluster has by other ways, such as cert-manager."""
VERSIONS: Final = ("1.33", "1.35", "1.37")
CUSTOM: Final = {"ServiceMonitor"}
"""Kinds that Kubernetes itself does not know: held against a schema of ours instead."""
WORKLOADS: Final = ("Deployment", "StatefulSet")

kubectl = Path(sys.executable).parent / "kubectl"
validate = Path(sys.executable).parent / "kubernetes-validate"
pytestmark = pytest.mark.skipif(not (kubectl.exists() and validate.exists()), reason="make install brings the tools")


@functools.cache
def built(overlay: str, component: str = "") -> str:
    """Return an overlay's resources, with a component if one is named, made with secrets of the occasion."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "k8s"
        shutil.copytree(PROJECT / "k8s", copy, ignore=shutil.ignore_patterns("secrets"))
        of_overlay = copy / "overlays" / overlay
        secrets = copy / "overlays" / HOME_OF_SECRETS.get(overlay, overlay) / "secrets"
        words = [PROJECT / "deploy" / "make-secrets", secrets]
        subprocess.run(words, check=True, capture_output=True)
        if component:
            kustomization = of_overlay / "kustomization.yaml"
            kustomization.write_text(f"{kustomization.read_text()}components: [../../components/{component}]\n")
        done = subprocess.run([kubectl, "kustomize", of_overlay], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def resources(overlay: str, *kinds: str) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(built(overlay)) if not kinds or each["kind"] in kinds]


def workloads() -> list[Any]:
    return [
        pytest.param(overlay, name, id=f"{overlay}-{name}")
        for overlay, names in (
            ("dev", ("gateway", "matching", "ledger", "redis", "postgres")),
            ("prod", ("gateway", "matching", "ledger")),
            ("prod-l4", ("gateway", "matching", "ledger")),
        )
        for name in names
    ]


def workload(overlay: str, name: str) -> dict[str, Any]:
    [found] = [each for each in resources(overlay, *WORKLOADS) if each["metadata"]["name"] == name]
    return found


def container(overlay: str, name: str) -> dict[str, Any]:
    [found] = workload(overlay, name)["spec"]["template"]["spec"]["containers"]
    return dict(found)


def labels(overlay: str) -> Iterator[Mapping[str, str]]:
    for each in resources(overlay, *WORKLOADS):
        yield each["spec"]["template"]["metadata"]["labels"]


def environment(overlay: str, name: str) -> dict[str, str]:
    maps = {each["metadata"]["name"]: each["data"] for each in resources(overlay, "ConfigMap")}
    found: dict[str, str] = {}
    for source in container(overlay, name)["envFrom"]:
        found |= maps[source["configMapRef"]["name"]]
    return found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_schema_knows_every_field(overlay: str, version: str, tmp_path: Path) -> None:
    """A warning fails too: an unknown kind is one, and would hide a mistyped apiVersion."""
    known = [each for each in resources(overlay) if each["kind"] not in CUSTOM]
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(known))
    words = [validate, "--strict", "-k", version, tmp_path / "all.yaml"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "WARN" not in said
    assert "ERROR" not in said


@pytest.mark.parametrize("overlay", ["prod", "prod-l4"])
def test_monitors_are_of_their_schema(overlay: str) -> None:
    schema = json.loads(Path(__file__).with_name("service_monitor.json").read_text())
    monitors = resources(overlay, "ServiceMonitor")
    assert len(monitors) == 3
    for monitor in monitors:
        jsonschema.validate(monitor, schema)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_selectors_select_something(overlay: str) -> None:
    """Services, budgets, policies and monitors find things by labels, and finding nothing is no error to them."""
    pods = list(labels(overlay))
    services = [each["metadata"]["labels"] for each in resources(overlay, "Service")]

    def finds(selector: Mapping[str, str], among: list[Mapping[str, str]]) -> bool:
        return any(selector.items() <= each.items() for each in among)

    for each in resources(overlay, "Service"):
        assert finds(each["spec"]["selector"], pods), each["metadata"]["name"]
    for each in resources(overlay, "PodDisruptionBudget"):
        assert finds(each["spec"]["selector"]["matchLabels"], pods), each["metadata"]["name"]
    for each in resources(overlay, "NetworkPolicy"):
        assert finds(each["spec"]["podSelector"].get("matchLabels", {}), pods), each["metadata"]["name"]
    for each in resources(overlay, "ServiceMonitor"):
        assert finds(each["spec"]["selector"]["matchLabels"], services), each["metadata"]["name"]
    for each in resources(overlay, *WORKLOADS):
        assert finds(each["spec"]["selector"]["matchLabels"], [each["spec"]["template"]["metadata"]["labels"]])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_services_policies_and_monitors_name_ports_that_exist(overlay: str) -> None:
    ports = {
        each["metadata"]["name"]: {port["name"] for port in container(overlay, each["metadata"]["name"])["ports"]}
        for each in resources(overlay, *WORKLOADS)
    }
    services = {each["metadata"]["name"]: each["spec"]["ports"] for each in resources(overlay, "Service")}
    for each in resources(overlay, "Service"):
        selected = each["spec"]["selector"]["app.kubernetes.io/name"]
        assert {port["targetPort"] for port in each["spec"]["ports"]} <= ports[selected]
    for each in resources(overlay, "ServiceMonitor"):
        of_service = {port["name"] for port in services[each["metadata"]["name"]]}
        assert {endpoint["port"] for endpoint in each["spec"]["endpoints"]} <= of_service
    for each in resources(overlay, "NetworkPolicy"):
        named = {
            port["port"]
            for rule in (*each["spec"].get("ingress", ()), *each["spec"].get("egress", ()))
            for port in rule["ports"]
            if isinstance(port["port"], str)
        }
        assert named <= set().union(*ports.values())
    for each in resources(overlay, "Ingress"):
        for rule in each["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                backend = path["backend"]["service"]
                assert backend["port"]["name"] in {port["name"] for port in services[backend["name"]]}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_pod_is_scraped_once(overlay: str) -> None:
    """Gateways have a second service, for the page; a monitor that found it too would count everything twice."""
    monitors = [each["spec"]["selector"]["matchLabels"] for each in resources(overlay, "ServiceMonitor")]
    for selector in monitors:
        found = [
            each for each in resources(overlay, "Service") if selector.items() <= each["metadata"]["labels"].items()
        ]
        assert len(found) == 1, selector


@pytest.mark.parametrize("overlay", ["dev", "prod"])
def test_of_gateways_the_stream_and_the_pages_files_are_let_in(overlay: str) -> None:
    """Their pages for operators are nobody's from outside; a prefix of / would show them."""
    ways = {
        (path["path"], path["pathType"], path["backend"]["service"]["name"])
        for each in resources(overlay, "Ingress")
        for rule in each["spec"]["rules"]
        for path in rule["http"]["paths"]
    }
    assert ways == {
        ("/v1/stream", "Exact", "gateway"),
        ("/v1", "Prefix", "ledger"),
        ("/", "Exact", "page"),
        ("/assets", "Prefix", "page"),
        ("/page.json", "Exact", "page"),
        ("/licenses.md", "Exact", "page"),
    }


@pytest.mark.parametrize(("overlay", "name"), workloads())
def test_probes_ask_ports_of_their_own_container(overlay: str, name: str) -> None:
    """By name, so that a changed number changes in one place."""
    of = container(overlay, name)
    named = {port["name"] for port in of["ports"]}
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        probe = of[kind]
        asked = probe.get("httpGet") or probe.get("tcpSocket")
        assert asked is None or asked["port"] in named, kind


@pytest.mark.parametrize("name", ["gateway", "matching", "ledger"])
def test_readiness_and_liveness_are_two_questions(name: str) -> None:
    """Restarting a gateway because Redis is away would take its users' connections and mend nothing."""
    of = container("prod", name)
    assert of["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert of["readinessProbe"]["httpGet"]["path"] == "/readyz"


@pytest.mark.parametrize(("overlay", "name"), workloads())
def test_a_pod_is_confined(overlay: str, name: str) -> None:
    """As the standard `restricted` asks, and a read-only root beyond it."""
    pod = workload(overlay, name)["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for of in (container(overlay, name), *pod.get("initContainers", ())):
        assert of["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"cpu", "memory"} <= of["resources"]["requests"].keys()
        assert {"cpu", "memory"} <= of["resources"]["limits"].keys()
        assert not of["image"].endswith(":latest")
        assert ":" in of["image"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_gateway_is_given_the_time_that_it_says_it_needs(overlay: str) -> None:
    """The sleep of preStop counts within the grace period; after it, SIGKILL."""
    pod = workload(overlay, "gateway")["spec"]["template"]["spec"]
    sleep = float(container(overlay, "gateway")["lifecycle"]["preStop"]["exec"]["command"][1])
    settings = environment(overlay, "gateway")
    drain = float(settings["OUTCRY_DRAIN_S"]) + float(settings.get("OUTCRY_DRAIN_DELAY_S", "0"))
    assert pod["terminationGracePeriodSeconds"] > sleep + drain + 5


def test_no_gateway_is_taken_before_another_is_there() -> None:
    strategy = workload("prod", "gateway")["spec"]["strategy"]["rollingUpdate"]
    assert strategy["maxUnavailable"] == 0
    assert strategy["maxSurge"] >= 1


def test_the_autoscaler_has_a_target_and_what_it_counts_with() -> None:
    """Utilisation is of the request: without one, CPU would never count."""
    [scaler] = resources("prod", "HorizontalPodAutoscaler")
    target = scaler["spec"]["scaleTargetRef"]
    found = workload("prod", target["name"])
    assert (found["kind"], found["apiVersion"]) == (target["kind"], target["apiVersion"])
    assert "replicas" not in found["spec"], "an apply would undo what the autoscaler did"
    assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (3, 20)
    asked = {metric["resource"]["name"] for metric in scaler["spec"]["metrics"] if metric["type"] == "Resource"}
    assert asked <= container("prod", "gateway")["resources"]["requests"].keys()


def test_a_disruption_budget_lets_somebody_go() -> None:
    """One that lets nobody go would hold up every node that is to be renewed."""
    [scaler] = resources("prod", "HorizontalPodAutoscaler")
    replicas = {"gateway": scaler["spec"]["minReplicas"], "matching": workload("prod", "matching")["spec"]["replicas"]}
    budgets = resources("prod", "PodDisruptionBudget")
    assert {each["metadata"]["name"] for each in budgets} == replicas.keys()
    for each in budgets:
        spec = each["spec"]
        assert spec.get("maxUnavailable", replicas[each["metadata"]["name"]] - spec.get("minAvailable", 0)) >= 1


def test_engines_are_two_in_production_and_one_in_development() -> None:
    assert workload("prod", "matching")["spec"]["replicas"] == 2
    assert workload("dev", "matching")["spec"]["replicas"] == 1


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nothing_is_allowed_but_what_is_listed(overlay: str) -> None:
    [deny] = [each for each in resources(overlay, "NetworkPolicy") if each["metadata"]["name"] == "default-deny"]
    assert deny["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize(("overlay", "name"), workloads())
def test_what_a_pod_mounts_exists(overlay: str, name: str) -> None:
    """Generated names carry a hash of their content: a reference that kustomize missed would name nothing."""
    made = {(each["kind"], each["metadata"]["name"]) for each in resources(overlay)}
    for volume in workload(overlay, name)["spec"]["template"]["spec"]["volumes"]:
        if "secret" in volume:
            assert ("Secret", volume["secret"]["secretName"]) in made | BROUGHT
        if "configMap" in volume:
            assert ("ConfigMap", volume["configMap"]["name"]) in made


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_settings_are_ones_that_the_roles_know(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loaded by the services themselves: an unknown or wrong one would be a pod that never starts."""
    roles = (("gateway", GatewaySettings), ("matching", MatchingSettings), ("ledger", LedgerSettings))
    for name, kind in roles:
        with monkeypatch.context() as patched:
            for variable, value in environment(overlay, name).items():
                patched.setenv(variable, value)
            load_settings(kind)
    assert not re.search(r"PASSWORD|_KEY", "".join(environment(overlay, "gateway")).replace("OUTCRY_TLS_KEY", ""))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_with_io_uring_gateways_alone_have_the_profile_that_allows_it(overlay: str) -> None:
    before = list(yaml.safe_load_all(built(overlay)))
    after = list(yaml.safe_load_all(built(overlay, "io-uring")))
    [settings] = [
        each for each in after if each["metadata"]["name"].startswith("gateway-") and each["kind"] == "ConfigMap"
    ]
    assert settings["data"]["OUTCRY_IO_URING"] == "true"
    [was] = [each for each in before if each["metadata"]["name"].startswith("gateway-") and each["kind"] == "ConfigMap"]
    assert was["data"] | {"OUTCRY_IO_URING": "true"} == settings["data"]
    profiles = {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]["securityContext"]["seccompProfile"]
        for each in after
        if each["kind"] in WORKLOADS
    }
    assert profiles.pop("gateway") == {"type": "Localhost", "localhostProfile": "openoutcry/gateway.json"}
    assert all(profile == {"type": "RuntimeDefault"} for profile in profiles.values())


def test_behind_a_door_of_layer_4_gateways_end_tls_and_everybody_knows() -> None:
    """Probes, metrics and users come by TLS; the ledger has a name of its own: such a door tells no paths apart."""
    of, settings = container("prod-l4", "gateway"), environment("prod-l4", "gateway")
    probes = ("startupProbe", "livenessProbe", "readinessProbe")
    assert {of[probe]["httpGet"]["scheme"] for probe in probes} == {"HTTPS"}
    [mounted] = [each["mountPath"] for each in of["volumeMounts"] if each["name"] == "tls"]
    assert {Path(settings[name]).parent for name in ("OUTCRY_TLS_CERT", "OUTCRY_TLS_KEY")} == {Path(mounted)}
    [monitor] = [each for each in resources("prod-l4", "ServiceMonitor") if each["metadata"]["name"] == "gateway"]
    assert [each["scheme"] for each in monitor["spec"]["endpoints"]] == ["https"]
    [door] = [each for each in resources("prod-l4", "Service") if each["spec"].get("type") == "LoadBalancer"]
    assert door["spec"]["selector"] == {"app.kubernetes.io/name": "gateway"}
    assert (door["spec"]["externalTrafficPolicy"], settings["OUTCRY_TRUSTED_PROXIES"]) == ("Local", "")
    [record] = resources("prod-l4", "Ingress")
    [rule] = record["spec"]["rules"]
    assert f"https://{rule['host']}" == settings["OUTCRY_PAGE_LEDGER_URL"]
    assert [path["backend"]["service"]["name"] for path in rule["http"]["paths"]] == ["ledger"]
