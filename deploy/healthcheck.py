"""Is the service of this container alive? Exit status 0 if its /healthz answers 200, else 1 with the reason.

Asks the port on which the container's first process listens, whatever role it has and whichever port it took of a
range. Standard library only, and no site packages: it runs every few seconds beside the market.
"""

from __future__ import annotations

import os
import socket
import ssl
import sys
from pathlib import Path
from typing import Final

LISTENING: Final = "0A"
"""State of a socket in /proc/net/tcp."""
TIMEOUT_S: Final = 2.0


def main(process: int = 1) -> int:
    """Ask; tell why not on standard output, where `docker inspect` shows it."""
    try:
        port = listening_port(process)
        answer = status_line(port) if port else f"process {process} does not listen"
    except OSError as error:
        answer = str(error)
    sys.stdout.write(f"{answer}\n")
    return 0 if " 200 " in answer else 1


def listening_port(process: int) -> int | None:
    """Return the lowest TCP port that a process listens on, or None."""
    folder = Path(f"/proc/{process}")
    held = {str(link.readlink()) for link in (folder / "fd").iterdir()}
    sockets = [
        line.split() for name in ("tcp", "tcp6") for line in (folder / "net" / name).read_text().splitlines()[1:]
    ]
    ports = [int(each[1].rpartition(":")[2], 16) for each in sockets if each[3] == LISTENING]
    inodes = [f"socket:[{each[9]}]" for each in sockets if each[3] == LISTENING]
    return min((port for port, inode in zip(ports, inodes, strict=True) if inode in held), default=None)


def status_line(port: int) -> str:
    """Return the first line that /healthz is answered with."""
    plain = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
    with plain, secured(plain) if os.environ.get("OUTCRY_TLS_CERT") else plain as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return connection.recv(1024).partition(b"\r\n")[0].decode("latin-1")


def secured(plain: socket.socket) -> ssl.SSLSocket:
    """Speak TLS with ourselves: there is nobody to be mistaken for, and the certificate names the users' door."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(plain)


if __name__ == "__main__":
    sys.exit(main())
