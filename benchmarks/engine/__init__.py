"""The order book and the engine beside their peers from PyPI: the same commands, the same machine, the same run.

`python -m benchmarks.engine.peers install` makes an environment for each peer and one for this project, all of one
Python; `python -m benchmarks.engine` measures. Every contestant runs in a process of its own, in the Python of its
environment, reads the flow from a file and answers in JSON. What is not installed is skipped by name.
"""
