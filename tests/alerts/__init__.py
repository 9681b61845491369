"""Alerts under a real Prometheus beside a real market: `make alerts`. `tests.alerts.cases` lists what is tried."""
