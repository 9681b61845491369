"""The ledger: what was asked, what was answered, and proof that the second follows from the first.

It reads the command log and the feed, writes both to a database, and answers questions about them. The market never
waits for it.
"""
