"""Pixel art by arithmetic: cells, outlines, palette, dither; what the offline model is made of."""
