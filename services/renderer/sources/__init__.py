"""Where the scene's features come from: a small module for each kind of source, all behind `Source`."""
