"""What this exchange costs and how fast it is, measured: the tables and plots of docs.

`python -m benchmarks` runs all of them, `python -m benchmarks.messages` one. Some measure the code that the services
and clients run, in one process and without sockets: what the protocol's choices cost and save. `engine`, `fan_out`,
`scaling` and `goals` measure processes: the engine and the fan-out beside their peers, what grows how, and whether the
goals are reached. Nothing imports this package but its own smoke test.
"""
