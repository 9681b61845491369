"""One instrument's order book: orders, price levels, sides, and the hashes of levels."""
