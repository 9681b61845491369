"""The protocol, for client and services alike: values, messages, codecs, the depth book and its digest.

Pure: nothing here awaits, opens a socket or file, or reads a clock. Source: docs/protocol.md.
"""
