"""What the services and their clients agree on: values, messages, codecs, the book replica and its digest.

Pure: nothing in this package's root awaits, opens a socket or file, or reads a clock. Imports nothing of ours.
"""
