"""Adapters, one module a package; each is imported in its own environment only."""
