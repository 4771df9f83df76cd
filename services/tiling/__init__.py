"""The geometry of the map: pure functions of values, standard library only."""
