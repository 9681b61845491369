"""What the protocol's choices cost and save, measured: the tables of docs/protocol-choices.md.

`python -m benchmarks` runs all of them, `python -m benchmarks.messages` one. They measure the code that the services
and clients run, in one process and without sockets; what sockets cost is the load harness's business
(`python -m openoutcry.load`). Nothing imports this package but its own smoke test.
"""
