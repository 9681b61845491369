"""How an engine comes back with the same market: checkpoints, packets kept, the replay of the log, the shadow."""
