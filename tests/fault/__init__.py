"""Real faults on real processes: `make fault`. Not collected by pytest; `tests.fault.cases` lists what is tried."""
