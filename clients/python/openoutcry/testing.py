"""A server that misbehaves on purpose, to test a client of the protocol, ours or yours, in any language.

    async with ScriptedServer() as server, connect(server.url, "ada") as market:
        book = await market.book("ACME")
        await server.change(bids={100: 5}, fault=Fault.LOST)

It can lose a change, send it twice, swap two, falsify a digest or a level, fall silent, say goodbye, and vanish.
"""

from openoutcry.aio.scripted_server import ScriptedServer
from openoutcry.scripted_market import Fault, ScriptedMarket

__all__ = ["Fault", "ScriptedMarket", "ScriptedServer"]
