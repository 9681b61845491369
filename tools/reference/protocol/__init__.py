"""The protocol's reference, for people and for machines, made from the definitions that the services run on.

Markdown, JSON Schema and AsyncAPI. Nothing is written twice: types, orders of fields and sentences come from the wire's
messages, types and close codes, and from the gateway's requests. Only what a type cannot say (units, ranges, what a
name means everywhere) is added by `meanings`. Pure here; `python -m tools.reference.protocol` writes the files. A tool
of the project's development: it needs PyYAML, which the product does not.
"""
