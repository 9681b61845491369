"""What one client that floods does to the others: `python -m benchmarks.flood`."""
