"""The matching engine's shell: reading the command log, publishing, leading."""
