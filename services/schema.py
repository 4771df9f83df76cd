"""The JSON schema of `app_config.json`, for editors: what may stand there, and what each field means."""

import ast
import inspect
import textwrap
from typing import Any

from pydantic import BaseModel

from services.config import AppConfig
from services.section import Section

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """The schema, with the sentence below each field of the sources as its description."""
    found = AppConfig.model_json_schema(by_alias=True)
    sections = {section.__name__: section for section in _below(Section)}
    for name, part in {**found["$defs"], "AppConfig": found}.items():
        if name in sections:
            meanings = _meanings(sections[name])
            for field, described in part.get("properties", {}).items():
                described.pop("title", None)
                if field in meanings:
                    described["description"] = meanings[field]
        part.pop("title", None)
    return {"$schema": DIALECT, "title": "Tilewright's configuration", **found}


def _meanings(section: type[BaseModel]) -> dict[str, str]:
    """What is written below each field of a section, and of those that it is made from."""
    found: dict[str, str] = {}
    for part in reversed(section.__mro__):
        if not issubclass(part, Section):
            continue
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(part))).body
        assert isinstance(tree, ast.ClassDef)
        for field, text in zip(tree.body, tree.body[1:], strict=False):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(text, ast.Expr)
                and isinstance(text.value, ast.Constant)
            ):
                found[field.target.id] = " ".join(str(text.value.value).split())
    return found


def _below(section: type[Section]) -> list[type[Section]]:
    own = section.__subclasses__()
    return own + [further for each in own for further in _below(each)]
