"""The deterministic simulation: the real programs, on a virtual clock, a network of memory and a model of the store."""
