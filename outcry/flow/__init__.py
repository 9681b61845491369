"""Order flow: who trades when no people do. Seeded bots, and real flow in LOBSTER's format.

Both write commands straight into the command log, as a trusted part of the exchange, and never run further ahead of
the engine than a named number of commands. Pure here; what awaits is in `aio`.
"""
