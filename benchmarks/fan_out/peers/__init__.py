"""What the fan-out is measured beside: one small module a contestant."""
