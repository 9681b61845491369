"""The command `outcry` and its instruments. No client and no service imports it.

`stack` runs the exchange as processes of one machine, `flow` trades on it, `conformance` and `load` judge it, `demo`
and `chaos` are made of them. Each may import what stands before it.
"""
