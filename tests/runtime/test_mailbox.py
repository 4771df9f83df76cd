"""A mailbox and a client over a real ipc socket."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import msgpack
import pytest
import zmq
import zmq.asyncio

from protocol.codec import SIGNATURE, catalogue
from protocol.errors import Code, ProtocolError
from protocol.ingest import INGEST, Accepted, Publish
from protocol.message import Ping, Pong
from protocol.plan import Plan
from services.actor import Letter, Mailbox
from services.client import Client, Unanswered

Opener = Callable[[Callable[[list[Letter]], None]], Mailbox]
PLAN = Publish(plan=Plan(id="a", rectangle=(0, 0, 1, 1)))


@pytest.fixture
def address(short: Path) -> str:
    return f"ipc://{short}/box"


@pytest.fixture
def opened(address: str) -> Iterator[Opener]:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    boxes: list[Mailbox] = []

    def open_(on_batch: Callable[[list[Letter]], None]) -> Mailbox:
        box = Mailbox(context, address, INGEST, on_batch)
        box.open()
        boxes.append(box)
        return box

    yield open_
    for box in boxes:
        box.close()
    context.term()


def answer_pings(letters: list[Letter]) -> None:
    for letter in letters:
        letter.reply(Pong(name="here"))


async def raw(address: str, kind: int, frames: list[bytes]) -> dict[str, object]:
    """The map that answers these frames, sent by somebody without our code."""
    context = zmq.asyncio.Context()
    with context.socket(kind) as socket:
        socket.linger = 0
        socket.connect(address)
        await socket.send_multipart(frames)
        answer = await asyncio.wait_for(socket.recv_multipart(), 10)
    context.term()
    assert answer[0] == SIGNATURE
    found = msgpack.unpackb(answer[1])
    assert isinstance(found, dict)
    return found


async def test_many_questions_at_once_each_get_their_answer(address: str, opened: Opener) -> None:
    opened(
        lambda letters: [x.reply(Accepted(plan=x.envelope.body.plan.id, jobs=[])) for x in letters] and None
    )
    client = Client(address, catalogue(Accepted))
    asked = [Publish(plan=Plan(id=f"p{i}", rectangle=(0, 0, 1, 1))) for i in range(500)]
    found = await asyncio.gather(*(client.ask(publish, Accepted) for publish in asked))
    assert [accepted.plan for accepted in found] == [publish.plan.id for publish in asked]
    await client.close()


async def test_a_question_outlives_a_server_that_is_not_there_yet(address: str, opened: Opener) -> None:
    client = Client(address, catalogue(Pong))
    asking = asyncio.create_task(client.ask(Ping(), Pong, timeout=20))
    with pytest.raises(Unanswered):
        await client.ask(Ping(), Pong, timeout=0.2)
    opened(answer_pings)
    assert (await asking).name == "here"
    await client.close()


async def test_a_lost_answer_is_asked_for_again_under_the_same_id(address: str, opened: Opener) -> None:
    seen: list[str] = []

    def answer_the_third(letters: list[Letter]) -> None:
        for letter in letters:
            seen.append(letter.envelope.id)
            if len(seen) >= 3:
                letter.reply(Pong(name="at last"))

    opened(answer_the_third)
    client = Client(address, catalogue(Pong))
    assert (await client.ask(Ping(), Pong, resend=0.05)).name == "at last"
    assert len(set(seen)) == 1
    await client.close()


async def test_an_error_is_raised_with_its_code(address: str, opened: Opener) -> None:
    opened(
        lambda letters: [x.refuse(ProtocolError(Code.SEAM, "No.", details="why")) for x in letters] and None
    )
    client = Client(address, catalogue(Accepted))
    with pytest.raises(ProtocolError) as caught:
        await client.ask(PLAN, Accepted)
    assert (caught.value.code, caught.value.message, caught.value.details) == (Code.SEAM, "No.", "why")
    await client.close()


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([b"x"], Code.BAD_FRAMES),
        ([b"hello", b"world"], Code.BAD_FRAMES),
        ([b"TW77", b"\x80"], Code.UNSUPPORTED_VERSION),
        ([SIGNATURE, b"\xc1"], Code.BAD_MESSAGE),
        ([SIGNATURE, msgpack.packb({"type": "dance", "id": "7"})], Code.UNKNOWN_TYPE),
        ([SIGNATURE, msgpack.packb({"type": "publish", "id": "7"})], Code.BAD_REQUEST),
    ],
)
async def test_malformed_frames_are_answered_and_never_reach_the_actor(
    address: str, opened: Opener, frames: list[bytes], code: Code
) -> None:
    reached: list[Letter] = []
    box = opened(reached.extend)
    answer = await raw(address, zmq.DEALER, frames)
    assert answer["type"] == "error"
    assert answer["body"]["code"] == code
    assert (reached, box.refused) == ([], 1)


async def test_a_req_peer_is_understood(address: str, opened: Opener) -> None:
    opened(answer_pings)
    answer = await raw(address, zmq.REQ, [SIGNATURE, msgpack.packb({"type": "ping", "id": "q"})])
    assert (answer["type"], answer["re"]) == ("pong", "q")


async def test_a_peer_that_never_reads_is_dropped_and_others_are_served(address: str, opened: Opener) -> None:
    box = opened(answer_pings)
    context = zmq.asyncio.Context()
    deaf = context.socket(zmq.DEALER)
    deaf.setsockopt(zmq.LINGER, 0)
    deaf.setsockopt(zmq.RCVHWM, 1)
    deaf.connect(address)
    ping = msgpack.packb({"type": "ping", "id": "x" * 100})
    client = Client(address, catalogue(Pong))
    while box.dropped == 0:
        for _ in range(500):
            await deaf.send_multipart([SIGNATURE, ping])
        assert (await client.ask(Ping(), Pong)).name == "here"
    await client.close()
    deaf.close()
    context.term()
