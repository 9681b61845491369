"""What draws, reads keys and connects."""
