"""Forms: what JSON says with a number or a list, said as text."""

import json
from collections.abc import Mapping

from aiohttp import FormData


def add(form: FormData, fields: Mapping[str, object]) -> None:
    """Add a field of text for each; what is no text goes as JSON, nothing at all for null."""
    for name, value in fields.items():
        if value is not None:
            form.add_field(name, value if isinstance(value, str) else json.dumps(value))


def add_picture(form: FormData, field: str, png: bytes) -> None:
    """Add a PNG file."""
    form.add_field(field, png, filename=f"{field.removesuffix('[]')}.png", content_type="image/png")
