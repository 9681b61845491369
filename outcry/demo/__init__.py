"""The demo: a stack, bots, users who check what they are sent, and a verdict."""
