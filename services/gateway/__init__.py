"""HTTP for people and programs: the studio, the JSON API, events, tile images. Holds no truth."""
