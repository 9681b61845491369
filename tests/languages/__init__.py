"""The tables of other languages' libraries in the documents, measured again: `make languages`."""
