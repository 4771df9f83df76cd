"""What the database says about itself, and the numbers that its columns share with the rules."""

APPLICATION_ID = 0x54573031
"""`TW01`: what SQLite's header says about whose file this is."""
VERSION = 10
"""Kept in `user_version`; a file with a larger one was written by a newer keeper."""

RENDERED = "('render', 'object', 'depth')"
"""The layers that renderers draw, in SQL; every other one is of models."""

BULK_RANK = 10_000
"""What the bulk lane adds to the rank of a job: more than any priority can take away."""
