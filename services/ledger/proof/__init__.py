"""Proofs: that the ledger's record was not changed since, for people who trust neither it nor its operator.

`merkle` is the tree of RFC 9162. A block's leaves (`leaf`, salted by `salt`) make one tree, the blocks' chain values
(`block_chain`) a second one, whose root stands in the signed `head`. All of it is pure; keys are arguments.
"""
