"""The last resort where no Redis or Valkey exists: fakeredis behind a TCP port, as a process of its own.

Neither durable nor fast; `local_redis` says so loudly before it uses this.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Serve 127.0.0.1 on the port that the first argument names, until killed."""
    from fakeredis import TcpFakeServer  # noqa: PLC0415 - an optional extra

    server = TcpFakeServer(("127.0.0.1", int(sys.argv[1])), server_type="redis", server_version=(7, 2))
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    main()
