"""The pictures of README and docs, taken of a market that runs: `make pictures`. Nothing in them is drawn by hand."""
