"""What calls to somebody else's model have in common: connections, keys, refusals, answers kept."""
