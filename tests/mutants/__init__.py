"""Faults put into the program on purpose, and what must catch each of them."""
