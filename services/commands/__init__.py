"""One file per command, found by name and loaded only when called; each has `main(words) -> exit code`."""
