"""The shell: traders, the tape, the faults, and the run that puts them together."""
