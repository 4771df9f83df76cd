"""Measured figures: `make bench [ONLY=name]` prints a table and writes bench/latest.json."""
