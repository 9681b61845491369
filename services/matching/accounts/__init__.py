"""What each user has: open orders, positions, cash."""
