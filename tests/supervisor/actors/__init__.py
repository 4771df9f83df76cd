"""Stand-ins for the four services, which behave as badly as DATA/script.json tells them to."""
