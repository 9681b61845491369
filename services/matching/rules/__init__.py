"""A company's rules about its people's trading: blackouts, windows, clearances, holding periods; the kill switch."""
