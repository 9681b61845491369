"""The users: real WebSocket clients that check every change they are sent, cheap enough to be 1,000 on a laptop.

`follower` is the whole of the checking and knows no socket; `aio` holds the connections and the fleet of them. Run as
`python -m openoutcry.load`, led by JSON lines.
"""
