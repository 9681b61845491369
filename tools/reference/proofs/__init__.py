"""Proofs by example: a small record, and the files in protocol/vectors that are made of it."""
