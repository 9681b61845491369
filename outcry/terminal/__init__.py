"""The market on a terminal: the trading screen and the operators' overview. Textual is imported in `aio` alone."""
