"""The drill: a whole system under faults drawn from a seed, and an oracle that says what was lost."""
