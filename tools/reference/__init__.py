"""What writes the reference from the code: the protocol for machines and people, its vectors, operators' tables."""
