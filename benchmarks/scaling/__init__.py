"""What grows how: users, changes, gateways, depth, instruments, one curve each with everything else held still."""
