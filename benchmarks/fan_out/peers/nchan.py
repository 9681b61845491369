"""nchan, the publish-subscribe module of nginx, from Debian; updates come as HTTP POSTs on one connection.

One worker, as everything here is one process that holds sockets. Its messages are kept as by default.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from benchmarks.fan_out.contestant import Entrance, House, Peer
from benchmarks.fan_out.peers.environment import debian_version, nginx_module, program_of
from benchmarks.fan_out.publisher import Sink
from outcry.stack.aio.free_ports import free_ports

SETTINGS: Final = """\
{user}
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid {folder}/nginx.pid;
error_log stderr warn;
load_module {module};
events {{ worker_connections 20000; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /publish {{ nchan_publisher; nchan_channel_id oo; }}
    location = /stream {{ nchan_subscriber websocket; nchan_channel_id oo; nchan_subscriber_first_message newest; }}
  }}
}}
"""
_END: Final = b"\r\n\r\n"


class NchanSink(Sink):
    """An HTTP client that publishes and reads each answer."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._answers = self._socket.makefile("rb")

    def encode(self, payload: bytes) -> bytes:
        """Make it a POST."""
        return b"POST /publish HTTP/1.1\r\nHost: oo\r\nContent-Length: %d\r\n\r\n%s" % (len(payload), payload)

    def send(self, payloads: Sequence[bytes]) -> None:
        """Write updates in one piece, then read the answers."""
        super().send(payloads)
        for _ in payloads:
            self._read_answer()

    def close(self) -> None:
        """Close what answers are read from as well."""
        self._answers.close()
        super().close()

    def _read_answer(self) -> None:
        size, status = 0, self._answers.readline()
        while (line := self._answers.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            size = int(value) if name.lower() == b"content-length" else size
        self._answers.read(size)
        if not status.startswith(b"HTTP/1.1 20"):
            raise ConnectionError(f"nchan answered {status!r}")


class Nchan(Peer):
    """One channel."""

    name = "nchan"

    @property
    def title(self) -> str:
        """With the versions that are installed."""
        return f"nchan {debian_version('libnginx-mod-nchan')}, nginx {debian_version('nginx-light')}"

    def check(self) -> None:
        """Look for nginx and the module."""
        program_of(self.name, "nginx")
        nginx_module(self.name)

    async def start(self, house: House) -> Entrance:
        """Start nginx."""
        (port,) = free_ports(1)
        settings = house.folder / "nginx.conf"
        # As root, its worker must stay root: the folder is ours alone.
        user = "user root;" if os.geteuid() == 0 else ""
        module = nginx_module(self.name)
        text = SETTINGS.format(user=user, folder=house.folder, module=module, port=port)
        settings.write_text(text, encoding="utf-8")
        await house.server([program_of(self.name, "nginx"), "-p", str(house.folder), "-c", str(settings)], port)
        return Entrance(port, lambda: NchanSink(port), path="/stream")
