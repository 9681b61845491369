"""python-socketio with its Redis manager: server, Redis, and a process that publishes."""

from __future__ import annotations

from typing import Final

from benchmarks.fan_out.contestant import Entrance, House, Peer
from benchmarks.fan_out.peers.environment import pinned, python_of
from benchmarks.fan_out.publisher import FeedSink
from outcry.stack.aio.free_ports import free_ports
from outcry.stack.aio.local_redis import choose_program
from shared.websocket_frame import TEXT, client_frame

PATH: Final = "/socket.io/?EIO=4&transport=websocket"
CONNECT: Final = client_frame(b"40", TEXT, bytes(4))
"""Engine.IO message, Socket.IO connect to the default namespace."""


class SocketioRedis(Peer):
    """What its documentation advises for several servers."""

    name = "python-socketio"
    title = f"python-socketio {pinned('python-socketio', 'python-socketio')}, Redis manager"

    def check(self) -> None:
        """Look for its environment and a Redis."""
        python_of(self.name)
        choose_program()

    async def start(self, house: House) -> Entrance:
        """Start Redis, the server and the publisher."""
        python, redis = python_of(self.name), house.redis()
        port, feed = free_ports(2)
        ports = [str(port), str(feed)]
        await house.server([python, "-m", "benchmarks.fan_out.servers.socketio_server", *ports, redis], port)
        await house.helper([python, "-m", "benchmarks.fan_out.servers.socketio_publisher", *ports, redis], feed)
        # A server subscribes to Redis when its first client comes; Engine.IO's first frame begins with 0.
        return Entrance(port, lambda: FeedSink(feed), PATH, CONNECT, "0{")
