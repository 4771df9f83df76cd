"""Frames in, messages out: golden vectors, refusals, and a million ways to be wrong."""

import json

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.codec import MAP_LIMIT_BYTES, SIGNATURE, Catalogue, Envelope, catalogue, decode, encode
from protocol.control import CONTROL
from protocol.errors import Code, ProtocolError
from protocol.event import Events
from protocol.ingest import INGEST, Accepted, Publish
from protocol.plan import Plan, Step
from protocol.region import Planned
from protocol.work import WORK, Lease
from tests.protocol import vectors

EVERYTHING: Catalogue = {**INGEST, **WORK, **CONTROL, **catalogue(Accepted, Lease, Events, Planned)}


@pytest.mark.parametrize("name", vectors.GOLDEN)
def test_golden_messages_decode_to_what_their_json_says(name: str) -> None:
    stored = vectors.unpack((vectors.FOLDER / f"{name}.bin").read_bytes())
    said = json.loads((vectors.FOLDER / f"{name}.json").read_text())
    found = decode(stored, EVERYTHING)
    assert (found.id, found.re, found.body.TYPE) == (said["id"], said["re"], said["type"])
    assert [a.hex() for a in found.attachments] == said["attachments"]
    assert type(found.body).model_validate_json(json.dumps(said["body"])) == found.body
    if name not in vectors.EARLIER:
        assert json.loads(found.body.model_dump_json()) == said["body"]
        assert encode(found) == stored


def test_every_stored_vector_is_checked() -> None:
    assert {path.stem for path in vectors.FOLDER.glob("*.bin")} == set(vectors.GOLDEN)


def refused(frames: list[bytes]) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        decode(frames, INGEST)
    return caught.value


def publish(**plan: object) -> list[bytes]:
    return [SIGNATURE, msgpack.packb({"type": "publish", "id": "1", "body": {"plan": plan}})]


@pytest.mark.parametrize(
    "frames",
    [[], [b""], [b"", b""], [SIGNATURE], [b"hello", b"x"], [b"\x00" * 4, b"x"]],
)
def test_wrong_frames(frames: list[bytes]) -> None:
    assert refused(frames).code is Code.BAD_FRAMES


def test_another_version_is_named() -> None:
    error = refused([b"TW99", b""])
    assert error.code is Code.UNSUPPORTED_VERSION
    assert "TW99" in error.message


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xc1",
        b"\x93\x01",
        b"\x01\x02",
        b"\xdf\xff\xff\xff\xff",
        b"\xdd\xff\xff\xff\xff",
        b"\x91" * 200_000,
        b"\xa2\xff\xfe",
        msgpack.packb([1]),
        msgpack.packb({1: 2}),
        msgpack.packb({"type": "ping"}),
        msgpack.packb({"type": "ping", "id": ""}),
        msgpack.packb({"type": "ping", "id": 7}),
        msgpack.packb({"type": "ping", "id": "x" * 129}),
        msgpack.packb({"type": "ping", "id": "x", "e": msgpack.ExtType(1, b"x")}),
    ],
)
def test_wrong_maps(content: bytes) -> None:
    assert refused([SIGNATURE, content]).code is Code.BAD_MESSAGE


def test_a_map_over_the_limit() -> None:
    assert refused([SIGNATURE, b"\x00" * (MAP_LIMIT_BYTES + 1)]).code is Code.TOO_LARGE


def test_an_unknown_type_is_answered_with_the_known_ones() -> None:
    error = refused([SIGNATURE, msgpack.packb({"type": "ack", "id": "7"})])
    assert (error.code, error.re) == (Code.UNKNOWN_TYPE, "7")
    assert "publish" in error.details


@pytest.mark.parametrize(
    ("plan", "field"),
    [
        ({}, "plan.id"),
        ({"id": "", "rectangle": [0, 0, 1, 1]}, "plan.id"),
        ({"id": "a b", "rectangle": [0, 0, 1, 1]}, "plan.id"),
        ({"id": "a\x00", "rectangle": [0, 0, 1, 1]}, "plan.id"),
        ({"id": "a"}, "plan"),
        ({"id": "a", "rectangle": [0, 0, 1, 1], "steps": [{"id": "s", "quadrants": [[0, 0]]}]}, "plan"),
        ({"id": "a", "rectangle": [0, 0, 1]}, "plan.rectangle.3"),
        ({"id": "a", "rectangle": [0, 0, 1, 1_000_001]}, "plan.rectangle.3"),
        ({"id": "a", "rectangle": [0, 0, 1, 10**18]}, "plan.rectangle.3"),
        ({"id": "a", "rectangle": [0, 0, 1, 1.0]}, "plan.rectangle.3"),
        ({"id": "a", "rectangle": [0, 0, 1, "1"]}, "plan.rectangle.3"),
        ({"id": "a", "rectangle": [0, 0, 1, True]}, "plan.rectangle.3"),
        ({"id": "a", "steps": [{"id": "s", "quadrants": [[0, float("nan")]]}]}, "plan.steps.0.quadrants.0.1"),
        ({"id": "a", "steps": "s"}, "plan.steps"),
        ({"id": "a", "rectangle": [0, 0, 1, 1], "prompt": "x" * 8_001}, "plan.prompt"),
        ({"id": "a", "rectangle": [0, 0, 1, 1], "lane": "fast"}, "plan.lane"),
        ({"id": "a", "rectangle": [0, 0, 1, 1], "repair": [[0, 0]]}, "plan"),
        ({"id": "a", "steps": [{"id": "s", "quadrants": [[0, 0]]}], "repair": [[0]]}, "plan.repair.0.1"),
    ],
)
def test_a_wrong_field_is_named(plan: dict[str, object], field: str) -> None:
    error = refused(publish(**plan))
    assert (error.code, error.re) == (Code.BAD_REQUEST, "1")
    assert f"{field}:" in error.message


def test_unknown_fields_are_ignored_and_req_peers_understood() -> None:
    frames = publish(id="a", rectangle=[0, 0, 1, 1], colour="blue")
    body = decode([b"", *frames], INGEST).body
    assert body == Publish(plan=Plan(id="a", rectangle=(0, 0, 1, 1)))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_mutated_messages_are_refused_or_valid_but_never_crash(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(vectors.GOLDEN)))
    content = bytearray(vectors.frames(name)[1])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    try:
        decode([SIGNATURE, bytes(content)], EVERYTHING)
    except ProtocolError as error:
        assert error.message


def test_a_plan_of_20000_steps_fits_into_one_map() -> None:
    """Far from the origin, each after eight others: more than any planner writes."""
    steps = [
        Step(
            id=f"{900_000 + i % 141},{-900_000 - i // 141}",
            quadrants=[(900_000 + x, -900_000 - y) for x in (0, 1) for y in (0, 1)],
            after=[f"{900_000 + i % 141},{-900_000 - j}" for j in range(8)],
        )
        for i in range(20_000)
    ]
    frames = encode(Envelope(id="1", body=Publish(plan=Plan(id="city", steps=steps))))
    assert len(frames[1]) < MAP_LIMIT_BYTES
    body = decode(frames, INGEST).body
    assert isinstance(body, Publish)
    assert body.plan.steps == steps
