"""The demo's running parts: the stack of services, the talking roles, and the two commands made of them."""
