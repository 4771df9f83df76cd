"""The studio in a real browser, over the real keeper and gateway."""
