"""Our own rules, held by tests: what no linter knows."""
