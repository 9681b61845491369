"""What operators look up, written from the code: every setting and every metric.

`python -m tools.reference.operators` writes the tables between the markers of docs/operations.md and docs/metrics.md;
a test holds both against the code.
"""
