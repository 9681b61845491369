"""The whole market on one machine: every role a process of its own, started, watched and ended by one supervisor.

Pure here but for `screen`, which draws; what starts processes, opens files or awaits is in `aio`.
"""
