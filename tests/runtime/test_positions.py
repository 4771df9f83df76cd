"""JSON read with and without the places of its values: the same values, and the same complaints."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.positions import Broken, parse, value

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=20,
)


@given(JSON)
def test_both_ways_read_the_same(written: Any) -> None:
    content = json.dumps(written).encode()
    try:
        expected = parse(content).value
    except Broken:
        # Numbers of more digits than anybody needs.
        return
    assert value(content) == expected == written


@pytest.mark.parametrize(
    "content",
    [b"", b" ", b"{", b"[1,]",
     b'{"a": 1, "a": 2}', b"[NaN]", b"[1e999]", b"[-Infinity]", b"[01]", b"{} {}", b"\xff",
     b"\xef\xbb\xbf{}", b'{"a" 1}', b"[" * 100_000, b"'a'", '{"a": 1}'.encode("utf-16")],
)  # fmt: skip
def test_both_ways_complain_the_same(content: bytes) -> None:
    with pytest.raises(Broken) as slow:
        parse(content)
    with pytest.raises(Broken) as quick:
        value(content)
    assert str(quick.value) == str(slow.value)
    assert (quick.value.line, quick.value.column) == (slow.value.line, slow.value.column)


def test_numbers_stay_finite() -> None:
    assert math.isfinite(value(b"[1e308]")[0])
