"""What operators look up, written from the code: every setting and every metric.

`python -m openoutcry.operator_docs` writes the tables between the markers of docs/operations.md and docs/metrics.md;
a test holds both against the code.
"""
