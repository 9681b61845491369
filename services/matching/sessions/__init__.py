"""The market's day: schedules, phases, calls and the bands within which prices may move. Package root: pure."""
