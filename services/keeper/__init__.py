"""The keeper: the only writer. It owns the queue, the tiles and the events, and never makes a picture."""
