"""The image: what its recipe promises."""

from __future__ import annotations

import importlib.util
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.certificates import Authority
from tests.deploy.static.files import PROJECT, compose, document, text


@pytest.fixture(scope="module")
def healthcheck() -> ModuleType:
    specification = importlib.util.spec_from_file_location("healthcheck", PROJECT / "deploy" / "healthcheck.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_hadolint_has_nothing_to_say() -> None:
    """Pinned base, no shell where none is needed, no caches left."""
    hadolint = Path(sys.executable).parent / "hadolint"
    if not hadolint.exists():
        pytest.skip("no hadolint: make install brings it")
    done = subprocess.run([hadolint, PROJECT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_base_is_pinned_to_a_patch_release() -> None:
    bases = re.findall(r"^FROM (\S+)", text("Dockerfile"), re.MULTILINE)
    assert set(bases) == {bases[0]}
    assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+", bases[0])


def test_it_runs_as_a_numbered_user_and_says_when_it_is_not_well() -> None:
    """Kubernetes checks runAsNonRoot by number; `docker ps` shows what HEALTHCHECK finds."""
    recipe = text("Dockerfile")
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", recipe, re.MULTILINE)
    assert "HEALTHCHECK" in recipe
    assert 'ENTRYPOINT ["outcry"]' in recipe


def test_its_locks_are_parts_of_the_lock() -> None:
    """`make lock` writes all three: an image of other versions than were tested would prove nothing."""
    pinned = dict(re.findall(r"^(\S+)==(\S+)", text("requirements.lock"), re.MULTILINE))
    for name in ("image", "build"):
        for package, version in re.findall(r"^(\S+)==(\S+)", text(f"deploy/{name}.lock"), re.MULTILINE):
            assert pinned.get(package, version) == version, f"{package} in deploy/{name}.lock"


def test_its_lock_has_every_dependency() -> None:
    locked = set(re.findall(r"^([a-z0-9-]+)==", text("deploy/image.lock"), re.MULTILINE))
    wanted = re.search(r"^dependencies = \[(.*?)^\]", text("pyproject.toml"), re.MULTILINE | re.DOTALL)
    assert wanted is not None
    names = {found.lower() for found in re.findall(r'"([A-Za-z0-9_-]+)', wanted[1])}
    assert names - {"openoutcry"} <= locked  # ours, made in the image


def test_images_and_ports_agree_everywhere() -> None:
    """Dockerfile, compose and Kubernetes speak of the same ports, user and Redis."""
    recipe, services = text("Dockerfile"), compose()["services"]
    exposed = set(re.findall(r"^EXPOSE (.*)$", recipe, re.MULTILINE)[0].split())
    gateway = services["gateway"]["environment"]["OUTCRY_PORT"]
    matching = services["matching"]["environment"]["OUTCRY_METRICS_PORT"]
    assert exposed == {gateway, matching}
    base = text("k8s/base/kustomization.yaml")
    assert f"OUTCRY_PORT={gateway}\n" in base
    assert f"OUTCRY_METRICS_PORT={matching}\n" in base
    user = re.findall(r"^USER (\d+):", recipe, re.MULTILINE)[0]
    assert text("k8s/base/gateway.yaml").count(f"runAsUser: {user}") == 1
    assert text("k8s/base/matching.yaml").count(f"runAsUser: {user}") == 1
    assert services["redis"]["image"] in text("k8s/overlays/dev/redis.yaml")
    assert text("k8s/overlays/dev/redis.conf") == text("deploy/redis/redis.conf")
    assert text("k8s/overlays/dev/postgres-users.sh") == text("deploy/postgres/users.sh")
    name, tag = services["gateway"]["image"].removeprefix("${OPENOUTCRY_IMAGE:-").removesuffix("}").split(":")
    assert {"name": name, "newTag": tag} in document("k8s/base/kustomization.yaml")["images"]


@pytest.mark.parametrize(("answer", "status"), [(b"HTTP/1.1 200 OK\r\n\r\n", 0), (b"HTTP/1.1 500 No\r\n\r\n", 1)])
def test_the_health_check_asks_the_port_that_the_process_listens_on(
    healthcheck: ModuleType, listener: socket.socket, answer: bytes, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A replica may have taken any port of a range."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1024)
            connection.sendall(answer)

    program = "import socket, sys; s = socket.socket(fileno=int(sys.argv[1])); print('.', flush=True); input()"
    words = [sys.executable, "-c", program, str(listener.fileno())]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[listener.fileno()]
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        server = threading.Thread(target=serve)
        server.start()
        assert healthcheck.main(process.pid) == status
        server.join()
        process.communicate(b"\n")
    assert capsys.readouterr().out.startswith("HTTP/1.1 ")


def test_the_health_check_speaks_tls_where_the_gateway_does(
    healthcheck: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    Authority(tmp_path).sign(certificate, key, 1)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    monkeypatch.setenv("OUTCRY_TLS_CERT", str(certificate))
    with socket.create_server(("127.0.0.1", 0)) as plain, context.wrap_socket(plain, server_side=True) as secure:

        def serve() -> None:
            connection, _ = secure.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

        server = threading.Thread(target=serve)
        server.start()
        assert healthcheck.status_line(secure.getsockname()[1]) == "HTTP/1.1 200 OK"
        server.join()


def test_the_health_check_fails_where_nobody_listens(healthcheck: ModuleType) -> None:
    with subprocess.Popen([shutil.which("sleep") or "sleep", "60"]) as process:
        assert healthcheck.main(process.pid) == 1
        process.kill()
