"""What the services share with each other and not with clients: the logs, identities, settings, the store's address.

Pure: nothing in this package's root awaits, opens a socket or file, or reads a clock. What client and services agree on
is `openoutcry.wire`, in the client's distribution.
"""
