"""The heartbeat against a supervisor of paper: a real socket that hears every beat."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import zmq

from protocol.life import LIFE, Beat, Heard
from services.actor import Letter, Mailbox
from services.pulse import Pulse


class Paper:
    """Keeps every beat, and answers while it is told to."""

    def __init__(self) -> None:
        self.beats: asyncio.Queue[Beat] = asyncio.Queue()
        self.answers = True

    def on_batch(self, letters: list[Letter]) -> None:
        for letter in letters:
            assert isinstance(letter.envelope.body, Beat)
            self.beats.put_nowait(letter.envelope.body)
            if self.answers:
                letter.reply(Heard())


@pytest.fixture
async def paper(short: Path) -> AsyncIterator[Paper]:
    paper = Paper()
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    mailbox = Mailbox(context, f"ipc://{short}/life", LIFE, paper.on_batch)
    mailbox.open()
    yield paper
    mailbox.close()
    context.term()


@pytest.mark.parametrize("turns", range(4))
async def test_a_stop_in_the_moment_of_a_change_is_not_missed(paper: Paper, short: Path, turns: int) -> None:
    pulse = Pulse("w", f"ipc://{short}/life")
    beating = asyncio.create_task(pulse.run())
    await asyncio.wait_for(paper.beats.get(), 20)
    # Time for the answer to arrive, while the next beat is not due: then it waits for a change.
    await asyncio.sleep(0.1)
    pulse.ready()
    for _ in range(turns):
        await asyncio.sleep(0)
    beating.cancel()
    try:
        await asyncio.wait([beating], timeout=5)
        assert beating.cancelled()
    finally:
        beating.cancel()
        await asyncio.wait([beating])
        await pulse.close()


async def test_a_change_is_told_at_once_and_silence_is_no_fault(paper: Paper, short: Path) -> None:
    paper.answers = False
    pulse = Pulse("w", f"ipc://{short}/life")
    beating = asyncio.create_task(pulse.run())
    async with asyncio.timeout(20):
        assert not (await paper.beats.get()).ready
        pulse.doing("working")
        pulse.ready()
        while not (beat := await paper.beats.get()).ready:
            pass
    assert beat.doing == "working"
    beating.cancel()
    await asyncio.wait([beating])
    await pulse.close()
