"""JSON with pictures in it: what is held is what would have been read."""

import base64
import json

import pytest

from services.generator.calls.document import LONG, Base64, Held, document, written
from services.generator.calls.encoded import data_uri, encoded, unpacked

PICTURE = bytes(range(256)) * 500
TEXT = base64.b64encode(PICTURE).decode()


@pytest.mark.parametrize("text", [TEXT, "data:image/png;base64," + TEXT])
def test_a_picture_is_held_and_not_read(text: str) -> None:
    answer = document(json.dumps({"created": 7, "data": [{"b64_json": text, "x": "é"}]}).encode())
    (item,) = answer["data"]
    held = item["b64_json"]
    assert isinstance(held, Held)
    assert bytes(held.whole).decode() == text
    assert text.startswith(held)
    assert (answer["created"], item["x"]) == (7, "é")
    assert unpacked(held, "Omni") == PICTURE


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"a": "x" * 10}),
        json.dumps({"a": "https://example.org/" + "x" * LONG}),
        json.dumps({"a": "x" * LONG + "\n" + "x" * LONG}),
        json.dumps({"a": '"' + "x" * 2 * LONG}),
        json.dumps({"a": '"' + "x" * 2 * LONG + '"'}),
        json.dumps({"a": list(range(LONG)), "b": 1}),
        json.dumps({"a": 1, "b": [[0.5] * LONG, "c"]}),
        json.dumps({"a": "x" * LONG, "b": "y" * LONG, "c": "z" * LONG}),
        json.dumps({"a": {"é" * LONG: "b"}}, ensure_ascii=False),
        json.dumps(["x" * 3 * LONG]),
        '{"a": "' + "x" * 3 * LONG + '"',
        '{"a" "' + "x" * 3 * LONG + '"}',
        '"' + "x" * 3 * LONG,
        "x" * 3 * LONG,
        "[" * 3 * LONG,
        "",
    ],
)
def test_any_other_document_is_read_as_it_stands(content: str) -> None:
    try:
        expected = json.loads(content)
    except (ValueError, RecursionError):
        expected = {}
    assert plain(document(content.encode())) == (plain(expected) if isinstance(expected, dict) else {})


def plain(value: object) -> object:
    """Held texts in full."""
    if isinstance(value, Held):
        return bytes(value.whole).decode()
    if isinstance(value, dict):
        return {plain(name): plain(held) for name, held in value.items()}
    return [plain(held) for held in value] if isinstance(value, list) else value


def test_a_picture_is_written_as_any_text_would_be() -> None:
    asked = {"prompt": 'é "ink"', "images": [encoded(PICTURE), encoded(b"")], "uri": data_uri(PICTURE)}
    spelled = {"prompt": 'é "ink"', "images": [TEXT, ""], "uri": "data:image/png;base64," + TEXT}
    assert written(asked) == json.dumps(spelled).encode()
    assert written({"a": Base64(b"QQ=="), "b": None}) == b'{"a": "QQ==", "b": null}'


def test_bytes_that_are_no_base64_are_not_written() -> None:
    with pytest.raises(TypeError, match="bytes"):
        written({"a": b"no"})
