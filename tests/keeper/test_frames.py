"""Frames that no client of ours would send."""

import msgpack
import pytest
import zmq

from protocol.codec import Envelope, encode
from protocol.errors import Code
from protocol.ingest import Accepted, Publish
from protocol.message import Error, Ping
from protocol.plan import Plan, Step
from tests.keeper.house import House, Peer, island

PING = encode(Envelope(id="p", body=Ping()))[1]


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([b"hello"], Code.BAD_FRAMES),
        ([b"", b""], Code.BAD_FRAMES),
        ([b"HTTP", PING], Code.BAD_FRAMES),
        ([b"TW02", PING], Code.UNSUPPORTED_VERSION),
        ([b"TW01", b"\xc1"], Code.BAD_MESSAGE),
        ([b"TW01", PING[:-1]], Code.BAD_MESSAGE),
        ([b"TW01", PING + b"\x00"], Code.BAD_MESSAGE),
        ([b"TW01", b"\xdf\xff\xff\xff\xff"], Code.BAD_MESSAGE),
        ([b"TW01", b"\x91" * 2_000], Code.BAD_MESSAGE),
        ([b"TW01", msgpack.packb({"type": "ping"})], Code.BAD_MESSAGE),
        ([b"TW01", msgpack.packb({"type": "nope", "id": "1", "body": {}})], Code.UNKNOWN_TYPE),
        ([b"TW01", msgpack.packb({"type": "publish", "id": "1", "body": {"plan": 7}})], Code.BAD_REQUEST),
        ([b"TW01", msgpack.packb({"type": "error", "id": "1", "body": {"code": "BUSY", "message": ""}})],
         Code.UNKNOWN_TYPE),
    ],
)  # fmt: skip
@pytest.mark.parametrize("socket", ["ingest", "work", "control"])
def test_malformed_frames_are_answered_and_the_keeper_lives(
    house: House, socket: str, frames: list[bytes], code: Code
) -> None:
    if socket == "work" and code == Code.BAD_REQUEST:
        pytest.skip("workers do not publish")
    peer = house.peer(socket)
    peer.socket.send_multipart(frames)

    answer = peer.hear().body
    assert isinstance(answer, Error)
    assert answer.code == code
    peer.ping()


def test_a_req_socket_is_answered_behind_an_empty_frame(house: House) -> None:
    socket = zmq.Context.instance().socket(zmq.REQ)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.RCVTIMEO, 30_000)
    socket.connect(house.sockets.address("ingest"))
    socket.send_multipart(encode(Envelope(id="p", body=Ping())))
    assert socket.recv_multipart()[0] == b"TW01"
    socket.close()


def test_one_bad_message_does_not_undo_the_others_of_its_batch(house: House) -> None:
    peer = house.peer("ingest")
    good = [encode(Envelope(id=f"g{i}", body=_publish(i))) for i in range(3)]
    bad = encode(Envelope(id="bad", body=_publish(0, island(0, 0), id="other")))
    for frames in (good[0], [b"junk"], bad, good[1], good[2]):
        peer.socket.send_multipart(frames)

    answers = [peer.hear() for _ in range(5)]
    accepted = {answer.re for answer in answers if isinstance(answer.body, Accepted)}
    assert accepted == {"g0", "g1", "g2"}
    assert {a.body.code for a in answers if isinstance(a.body, Error)} == {Code.BAD_FRAMES, Code.CONFLICT}


def _publish(i: int, *steps: Step, id: str = "") -> Publish:
    return Publish(plan=Plan(id=id or f"p{i}", steps=list(steps) or [island(10 * i, 0)]))


def test_a_peer_that_is_gone_is_no_trouble(house: House, control: Peer) -> None:
    for _ in range(20):
        peer = house.peer("control")
        peer.send(Ping())
        peer.socket.close()
    control.ping()
