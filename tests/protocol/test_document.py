"""PROTOCOL.md names every message, every field and every error code."""

import re
from pathlib import Path

import pytest

import protocol
from protocol import control, event, ingest, life, message, order, plan, region, view, work
from protocol.errors import Code
from protocol.message import Message, Part

MODULES = [message, plan, view, ingest, work, region, control, order, event, life]
DOCUMENT = (Path(protocol.__file__).parent / "PROTOCOL.md").read_text()
NAMES = set(re.findall(r"[A-Za-z_0-9]+", DOCUMENT))


def parts() -> list[type[Part]]:
    found = {
        value
        for module in MODULES
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Part) and value not in (Part, Message)
    }
    return sorted(found, key=lambda part: part.__name__)


@pytest.mark.parametrize("part", parts(), ids=lambda part: part.__name__)
def test_every_message_and_field_is_documented(part: type[Part]) -> None:
    wanted = set(part.model_fields)
    if issubclass(part, Message):
        wanted.add(part.TYPE)
    assert wanted - NAMES == set()


@pytest.mark.parametrize("code", list(Code))
def test_every_error_code_is_documented(code: Code) -> None:
    assert f"`{code}`" in DOCUMENT


def test_the_document_names_no_code_that_does_not_exist() -> None:
    table = DOCUMENT.split("| code | what it means")[1].split("\n\n")[0]
    assert set(re.findall(r"`([A-Z_]+)`", table)) == {str(code) for code in Code}
