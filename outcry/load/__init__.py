"""The users: real WebSocket clients that check every change they are sent, cheap enough to be 1,000 on a laptop.

`follower` is the whole of the checking and knows no socket; `aio` holds the connections, the fleet of one process, the
crew of all processes, and the run of `outcry load`. `python -m outcry.load` is one process of users, led by JSON
lines. A run's input is `options`, `mix` and `scenario`; its output is `report`, `view` and `page`.
"""
