"""A key does not show by accident."""

import copy
import logging
import pickle

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


def test_it_can_be_taken_out_of_what_others_say() -> None:
    assert Secret(KEY).hide_in(f"no such key: {KEY}.") == "no such key: ***."
