"""The few things with I/O that every process needs: Redis connections, logging, backoff."""
