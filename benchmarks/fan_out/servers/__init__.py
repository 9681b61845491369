"""Programs that run in the peers' own environments: the standard library and the peer, nothing of this project.

Each is as its documentation advises, compression off, one process. Arguments: PORT, where WebSocket clients come, and
FEED, where updates come (`feed`); both of 127.0.0.1.
"""
