"""The protocol as a model for spin, and the program that checks it (`python -m model.run`)."""
