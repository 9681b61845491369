"""What stands between users and a gateway, measured: a balancer, TLS, and who ends it."""
