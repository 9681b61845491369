"""The conformance kit: does a server do what docs/protocol.md says? A black box, asked over its own protocol.

Each check proves one sentence of that document, which is its docstring. `aio.runner.run_conformance` runs them
against any server, and `rendering` prints the results. Nothing here knows how a server is made.
"""
