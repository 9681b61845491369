"""Orders that wait for a price, end at a moment, or trade so much or nothing."""
