"""Stand-ins: the real runtime with a scene and a model that cost nothing, a keeper of smaller limits."""
