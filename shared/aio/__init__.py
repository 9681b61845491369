"""The I/O that every process needs: Redis connections, logging, health pages, tracing."""
