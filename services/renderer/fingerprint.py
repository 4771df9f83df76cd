"""A short name for the content of files: who has the same one draws from the same."""

import hashlib
from pathlib import Path


def fingerprint(path: Path) -> str:
    """Twelve hexadecimal digits for a file, or for all files of a folder with their names."""
    digest = hashlib.sha256()
    files = sorted(found for found in path.rglob("*") if found.is_file()) if path.is_dir() else [path]
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(path).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:12]
