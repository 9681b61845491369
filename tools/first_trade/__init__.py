"""The newcomer's path, walked and timed: from the clone to the first trade in a browser. `make first-trade`."""
