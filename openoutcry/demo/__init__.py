"""The whole market on one machine: every role a process of its own, started, watched and ended by one supervisor.

`report`, `verdict` and `view` are pure; the rest starts processes, and what awaits is in `aio`.
"""
