"""A key does not show by accident."""

import base64
import copy
import html
import json
import logging
import pickle
from urllib.parse import quote, quote_plus

import pytest

from services.generator.calls.secret import Secret

KEY = "CANARY-c0ffee"


def test_printing_and_formatting_give_stars(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(KEY)
    with caplog.at_level(logging.INFO):
        logging.getLogger("generator").info("calling with %s %r", secret, {"key": secret})
    assert [str(secret), repr(secret), f"{secret:>9}", f"{secret!r}", str([secret])] == [
        *["***"] * 4,
        "[***]",
    ]
    assert "***" in caplog.text and KEY not in caplog.text


def test_it_is_not_written_down() -> None:
    for write in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError):
            write(Secret(KEY))


@pytest.mark.parametrize("key", [KEY, 'k/+"&\\ <8>-c0ffee', "Schlüssel-c0ffee"])
def test_it_can_be_taken_out_of_what_others_say_however_they_write_it(key: str) -> None:
    raw = key.encode()
    ways = {
        "as it is": key,
        "JSON": json.dumps(key)[1:-1],
        "JSON in JSON, slashes escaped": json.dumps(key)[1:-1].replace("/", r"\/"),
        "an address": quote(key, safe=""),
        "an address in small letters": quote(key, safe="").lower(),
        "a form": quote_plus(key),
        "a page": html.escape(key),
        "a dictionary of Python": repr({"key": key})[9:-2],
        "hex": raw.hex().upper(),
        **{f"base64, {n} bytes on": base64.b64encode(b"Basic"[:n] + raw + b"!").decode() for n in range(6)},
        "base64url": base64.urlsafe_b64encode(b"Bearer " + raw).decode().rstrip("="),
    }
    for way, written in ways.items():
        hidden = Secret(key).hide_in(f"no such key: {written}.")
        assert hidden != f"no such key: {written}.", way
        # Of base64 a letter or two before and behind hold other bits as well.
        assert len(hidden) <= len("no such key: ***.") + (16 if "base64" in way else 0), way
        assert hidden.startswith("no such key: "), way


@pytest.mark.parametrize("key", ["k", "ab3"])
def test_a_short_key_does_not_eat_the_text_around_it(key: str) -> None:
    assert Secret(key).hide_in("The size is not allowed: YWIz 616233") == (
        "The size is not allowed: YWIz 616233"
    )
