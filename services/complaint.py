"""What is wrong with a JSON file, as one sentence: line, field, fact, hint, and never a value."""

import difflib
import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from services.positions import Document

EXPECTED = {
    "missing": "it is missing",
    "too_short": "it has too few entries",
    "too_long": "it has too many entries",
    "string_type": "it must be a text in double quotes",
    "int_type": "it must be a whole number",
    "int_from_float": "it must be a whole number",
    "float_type": "it must be a number",
    "bool_type": "it must be true or false",
    "list_type": "it must be a list: [ … ]",
    "tuple_type": "it must be a list: [ … ]",
    "model_type": "it must be an object: { … }",
    "model_attributes_type": "it must be an object: { … }",
    "dict_type": "it must be an object: { … }",
    "string_pattern_mismatch": "it has a sign that is not allowed there",
}
HINTS = {
    "model_id": "letters, digits and . _ : / + - are",
    "endpoint": "a web address begins with https://",
    "output_layer": "lower-case letters, digits and _ are",
    "input_layer": "lower-case letters, digits and _ are",
    "api_key_env": "the name of an environment variable, like OXEN_API_KEY",
}
_PYDANTIC = re.compile("^(Input|String|List|Tuple|Dictionary) should")


def complaint(path: Path | str, document: Document, error: ValidationError, schema: type[BaseModel]) -> str:
    """The sentence for the first thing that is wrong, in the order of the file."""
    found = error.errors(include_url=False, include_input=False)
    placed = [(document.place(_place(item)), item) for item in found]
    (line, _), first = min(placed, key=lambda pair: pair[0])
    more = f" ({len(found) - 1} more after this.)" if len(found) > 1 else ""
    field = document.field(_place(first)) or "the file"
    what = _what(first, schema)
    return f"{path}:{line}: {field}: {what}{'' if what.endswith('?') else '.'}{more}"


def _place(item: ErrorDetails) -> tuple[int | str, ...]:
    below = item.get("ctx", {}).get("place", ())
    return (*item["loc"], *below)


def _what(item: ErrorDetails, schema: type[BaseModel]) -> str:
    kind, context = item["type"], item.get("ctx", {})
    if kind == "fault":
        return str(context["what"])
    if kind == "extra_forbidden":
        return unknown(schema, item["loc"])
    last = next((step for step in reversed(item["loc"]) if isinstance(step, str)), "")
    what = EXPECTED.get(kind) or _PYDANTIC.sub("it must", item["msg"].removeprefix("Value error, "))
    hint = HINTS.get(last, "") if kind == "string_pattern_mismatch" else ""
    return f"{what}; {hint}" if hint else what


def unknown(schema: type[BaseModel], path: tuple[int | str, ...]) -> str:
    """What is said of a field that the schema has not: the one that was meant, if any is like it."""
    known = _fields(schema, path[:-1])
    near = difflib.get_close_matches(str(path[-1]), known, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known) or 'none'}"
    return f"this field is not known; {hint}"


def _fields(schema: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    """The fields known in the part of the schema at `path`."""
    part: Any = schema
    for step in path:
        if isinstance(step, str) and isinstance(part, type) and issubclass(part, BaseModel):
            part = _model_in(part.model_fields[step].annotation)
    return [field.alias or name for name, field in part.model_fields.items()]


def _model_in(annotation: Any) -> Any:
    """The model that a field holds, or holds a list of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = [_model_in(argument) for argument in getattr(annotation, "__args__", ())]
    return next((found for found in inner if found is not None), None)
