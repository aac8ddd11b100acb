"""What stands behind each command of `healthycity`: thin, the rules are in the services."""
