"""haproxy as the project's own configuration has it, for one gateway and this machine alone."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from benchmarks.fan_out.peers.environment import NotInstalled

_COMMON: Final = """\
global
    maxconn {room}
    hard-stop-after 1s
    ssl-default-bind-options ssl-min-ver TLSv1.3 no-tls-tickets
defaults
    maxconn {room}
    timeout connect 2s
    timeout client 10s
    timeout server 10s
    timeout tunnel 15s
    timeout http-request 5s
"""
_HTTP: Final = """\
    mode http
    option http-no-delay
frontend users
    bind 127.0.0.1:{port}{tls}
    backlog 8192
    http-request del-header X-Forwarded-For
    option forwardfor
    default_backend gateways
backend gateways
    server gateway 127.0.0.1:{gateway}
"""
_TCP: Final = """\
    mode tcp
frontend users
    bind 127.0.0.1:{port}
    backlog 8192
    default_backend gateways
backend gateways
    server gateway 127.0.0.1:{gateway} send-proxy-v2
"""


def haproxy() -> str:
    """
    Return the program's path.

    Raises:
        NotInstalled: If there is none.
    """
    found = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise NotInstalled("not installed: on Debian, apt-get install haproxy")
    return found


def written(folder: Path, port: int, gateway: int, users: int, mode: str, pem: Path | None) -> Path:
    """
    Write a configuration, and return its path.

    Args:
        folder: Where.
        port: For users.
        gateway: The gateway's.
        users: How many come at most.
        mode: `http` or `tcp`.
        pem: Certificate and key, with which TLS ends here; None: it does not.
    """
    tls = f" ssl crt {pem} alpn http/1.1" if pem else ""
    text = _COMMON + (_HTTP if mode == "http" else _TCP)
    path = folder / "haproxy.cfg"
    path.write_text(text.format(room=2 * users + 64, port=port, gateway=gateway, tls=tls), encoding="utf-8")
    return path
