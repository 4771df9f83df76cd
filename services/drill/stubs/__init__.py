"""Stand-ins for the renderer and the generator: the real runtime, a scene and a model that cost nothing."""
