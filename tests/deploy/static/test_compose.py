"""docker-compose.yml, its override, and haproxy: what a mistake would cost a night."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import structlog

from services.gateway.aio.certificate import open_certificate
from tests.deploy.static.files import PROJECT, RANGE, compose, document, text

SERVICES = compose()["services"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_is_confined(name: str) -> None:
    """Limits, a read-only root, no capabilities, no new privileges, and a check of its health."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert {"cpus", "memory"} <= service["deploy"]["resources"]["limits"].keys()
    assert service["restart"] == ("no" if name in ("load", "ledger-migrate") else "unless-stopped")
    image = service["image"]
    assert not image.endswith(":latest")
    assert ":" in image


def test_only_haproxy_is_published_and_operators_pages_on_the_loopback_alone() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {
        "haproxy": ["8443:8443", "127.0.0.1:8080:8080", "127.0.0.1:8404:8404"],
        "haproxy-tcp": ["8444:8444"],
    }


def test_redis_is_reached_by_gateways_engines_ledger_and_bots_alone() -> None:
    """Only the edge is not internal."""
    networks = compose()["networks"]
    assert [name for name, network in networks.items() if not network.get("internal")] == ["edge"]
    assert {name for name, service in SERVICES.items() if "back" in service["networks"]} == {
        "redis", "matching", "matching-standby", "gateway", "gateway-tls", "ledger", "bots",
    }  # fmt: skip


def test_the_database_is_reached_by_the_ledger_alone_and_its_owner_by_no_service() -> None:
    record = {name for name, service in SERVICES.items() if "record" in service["networks"]}
    assert record == {"postgres", "ledger-migrate", "ledger"}
    owners = [name for name, service in SERVICES.items() if "postgres_owner_password" in str(service.get("secrets"))]
    assert owners == ["postgres", "ledger-migrate"]


def test_haproxy_finds_each_gateway_once() -> None:
    """They share two networks: by a name of both, every replica would have two addresses, and twice its connections."""
    [name] = re.findall(r"server-template \S+ \d+ ([a-z-]+):8101", text("deploy/haproxy/haproxy.cfg"))
    networks = SERVICES["gateway"]["networks"]
    known_in = [network for network, said in networks.items() if name in said.get("aliases", ())]
    assert known_in == ["front"]
    assert "front" in SERVICES["haproxy"]["networks"]


def test_prometheus_finds_both_engines_by_one_name() -> None:
    jobs = {job["job_name"]: job for job in document("deploy/prometheus/prometheus.yml")["scrape_configs"]}
    [[name]] = [found["names"] for found in jobs["matching"]["dns_sd_configs"]]
    for engine in ("matching", "matching-standby"):
        assert name in SERVICES[engine]["networks"]["metrics"]["aliases"]


def test_the_engines_differ_in_nothing_but_their_names() -> None:
    """Either may lead."""
    assert SERVICES["matching"] == SERVICES["matching-standby"]


def test_no_secret_is_in_the_environment() -> None:
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            is_secret = re.search("PASSWORD|TOKEN|KEY|SECRET", variable)
            assert not is_secret or value.startswith("/run/secrets/"), f"{name}: {variable}"
            assert not re.search(":[^/@]*@", value), f"{name}: {variable}"


def test_every_secret_is_made_by_make_secrets(tmp_path: Path) -> None:
    """And a second run makes nothing anew: rotation is a decision."""
    subprocess.run([PROJECT / "deploy" / "make-secrets", tmp_path / "secrets"], check=True, capture_output=True)
    made = {path.name: path.read_bytes() for path in (tmp_path / "secrets").iterdir()}
    wanted = {Path(secret["file"]).name for secret in compose()["secrets"].values()}
    assert wanted <= made.keys()
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    again = subprocess.run([PROJECT / "deploy" / "make-secrets", tmp_path / "secrets"], check=True, capture_output=True)
    assert again.stdout == b""
    assert {path.name: path.read_bytes() for path in (tmp_path / "secrets").iterdir()} == made


def test_a_removed_password_is_made_anew_and_its_hash_with_it(tmp_path: Path) -> None:
    """How a password is rotated: only that user's line of users.acl changes."""
    folder = tmp_path / "secrets"
    subprocess.run([PROJECT / "deploy" / "make-secrets", folder], check=True, capture_output=True)
    before = (folder / "users.acl").read_text().splitlines()
    (folder / "redis_gateway_password").unlink()
    subprocess.run([PROJECT / "deploy" / "make-secrets", folder], check=True, capture_output=True)
    after = (folder / "users.acl").read_text().splitlines()
    changed = [new.split()[1] for old, new in zip(before, after, strict=True) if old != new]
    assert changed == ["gateway"]


def test_a_stop_is_waited_for_longer_than_it_may_take() -> None:
    """SIGKILL in the middle of a drain would be a loss of connections that had been promised a goodbye."""
    environment = SERVICES["gateway"]["environment"]
    drain = float(environment["OUTCRY_DRAIN_DELAY_S"]) + float(environment["OUTCRY_DRAIN_S"])
    assert float(SERVICES["gateway"]["stop_grace_period"].removesuffix("s")) > drain + 5
    hard_stop = float(re.findall(r"hard-stop-after (\d+)s", text("deploy/haproxy/haproxy.cfg"))[0])
    assert float(SERVICES["haproxy"]["stop_grace_period"].removesuffix("s")) > hard_stop


def test_haproxy_never_fills_a_gateway() -> None:
    """A full gateway is not ready (503), and haproxy ends the sessions of whoever is not: it must not come to that."""
    [by_haproxy] = re.findall(r"maxconn (\d+) on-marked-down", text("deploy/haproxy/haproxy.cfg"))
    assert int(by_haproxy) < int(SERVICES["gateway"]["environment"]["OUTCRY_CONNECTIONS_MAX"])
    [by_ingress] = re.findall(r'pod-maxconn: "(\d+)"', text("k8s/base/ingress.yaml"))
    [of_pod] = re.findall(r"OUTCRY_CONNECTIONS_MAX=(\d+)", text("k8s/base/kustomization.yaml"))
    assert int(by_ingress) < int(of_pod)


def test_gateways_that_end_tls_are_gateways_else(tmp_path: Path) -> None:
    """What differs is the certificate, and that such a door knows no ledger."""
    plain, secure = SERVICES["gateway"]["environment"], SERVICES["gateway-tls"]["environment"]
    differs = {name for name in {*plain, *secure} if plain.get(name) != secure.get(name)}
    assert differs == {"OUTCRY_TLS_CERT", "OUTCRY_TLS_KEY", "OUTCRY_PAGE_LEDGER_URL"}
    subprocess.run([PROJECT / "deploy" / "make-secrets", tmp_path], check=True, capture_output=True)
    pem = tmp_path / "tls.pem"
    assert open_certificate(pem, pem, structlog.get_logger()) is not None
    override = compose("docker-compose.host-network.yml")["services"]
    first, _, last = override["gateway-tls"]["environment"]["OUTCRY_PORT"].partition("-")
    servers = re.findall(r"server gateway-\d+ 127\.0\.0\.1:(\d+)", text("deploy/haproxy/haproxy.tcp.cfg"))
    assert [int(port) for port in servers] == list(range(int(first), int(last) + 1))
    [name] = re.findall(r"server-template \S+ \d+ ([a-z-]+):8101", text("deploy/haproxy/haproxy.tcp.cfg"))
    assert SERVICES["gateway-tls"]["networks"]["front"]["aliases"] == [name]


def test_the_range_of_ports_is_the_same_everywhere() -> None:
    """On the host's network: what gateways take, what haproxy brings users to, what Prometheus scrapes."""
    override = compose("docker-compose.host-network.yml")["services"]
    assert override["gateway"]["environment"]["OUTCRY_PORT"] == f"{RANGE[0]}-{RANGE[-1]}"
    servers = re.findall(r"server gateway-\d+ 127\.0\.0\.1:(\d+)", text("deploy/haproxy/haproxy.cfg"))
    assert [int(port) for port in servers] == list(RANGE)
    jobs = {job["job_name"]: job for job in document("deploy/prometheus/prometheus.host-network.yml")["scrape_configs"]}
    [targets] = [each["targets"] for each in jobs["gateway"]["static_configs"]]
    assert targets == [f"127.0.0.1:{port}" for port in RANGE]
    [engines] = [each["targets"] for each in jobs["matching"]["static_configs"]]
    names = ("matching", "matching-standby")
    assert engines == [f"127.0.0.1:{override[name]['environment']['OUTCRY_METRICS_PORT']}" for name in names]


def test_the_override_puts_everybody_on_the_hosts_network() -> None:
    override = compose("docker-compose.host-network.yml")["services"]
    elsewhere = {name for name in SERVICES if override.get(name, {}).get("network_mode") != "host"}
    assert elsewhere == {"grafana"}
    assert override["grafana"]["profiles"] == ["elsewhere"]


@pytest.mark.parametrize("network", ["own", "host"])
@pytest.mark.parametrize("name", ["haproxy.cfg", "haproxy.tcp.cfg"])
def test_haproxy_takes_its_configuration(network: str, name: str, tmp_path: Path) -> None:
    """By haproxy itself, where it is installed."""
    haproxy = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    if haproxy is None:
        pytest.skip("no haproxy here: apt-get install haproxy")
    subprocess.run([PROJECT / "deploy" / "make-secrets", tmp_path], check=True, capture_output=True)
    configuration = tmp_path / "haproxy.cfg"
    configuration.write_text(text(f"deploy/haproxy/{name}").replace("/run/secrets", str(tmp_path)))
    environment = {**os.environ, **({"HOST_NETWORK": "1"} if network == "host" else {})}
    done = subprocess.run(
        [haproxy, "-c", "-f", configuration], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr


def test_with_io_uring_gateways_alone_have_the_profile_that_allows_it() -> None:
    """A list of options is joined to the first file's: no-new-privileges stays."""
    services = compose("docker-compose.io-uring.yml")["services"]
    assert services == {
        "gateway": {
            "environment": {"OUTCRY_IO_URING": "true"},
            "security_opt": ["seccomp:deploy/seccomp/gateway.json"],
        }
    }
    assert SERVICES["gateway"]["environment"]["OUTCRY_IO_URING"] == "false"
    assert document("deploy/seccomp/gateway.json")["defaultAction"] == "SCMP_ACT_ERRNO"
