"""What becomes of options: their exercise, their end, and what their holders are paid. Package root: pure."""
