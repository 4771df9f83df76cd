"""A client and a worker whose keeper goes away, comes back, and gives the same job twice."""

import asyncio
from pathlib import Path

import zmq

from protocol.codec import catalogue
from protocol.message import Message, Ping, Pong
from protocol.work import WORK, Ack, Acked, Farewell, Goodbye, Lease, PaletteWork, Ready, Touch, Touched
from services.actor import Letter, Mailbox
from services.client import Client
from services.worker import Result, Task, Worker


async def test_what_is_unanswered_is_asked_again_at_once_when_the_keeper_is_back(short: Path) -> None:
    """By itself it would be sent again in a minute: only the new connection sends it now."""
    address = f"ipc://{short}/work"
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    heard = asyncio.Event()

    def swallow(letters: list[Letter]) -> None:
        heard.set()

    first = Mailbox(context, address, catalogue(Ping), swallow)
    first.open()
    client = Client(address, catalogue(Pong))
    asking = asyncio.create_task(client.ask(Ping(), Pong, timeout=60.0, resend=60.0))
    async with asyncio.timeout(20):
        await heard.wait()
        first.close()

        def answer(letters: list[Letter]) -> None:
            for letter in letters:
                letter.reply(Pong(name="back"))

        second = Mailbox(context, address, catalogue(Ping), answer)
        second.open()
        assert (await asking).name == "back"
    await client.close()
    await client.close()
    second.close()
    context.term()


async def test_a_job_may_come_back_to_another_slot_of_the_same_worker(short: Path) -> None:
    """Its lease ran out while the worker was frozen, and nobody else was there to take it."""
    address = f"ipc://{short}/work"
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    tokens = [1, 2]
    acked: list[int] = []
    both = asyncio.Event()
    done = asyncio.Event()

    def reply(letters: list[Letter]) -> None:
        for letter in letters:
            if (answer := answered(letter.envelope.body)) is not None:
                letter.reply(answer)

    def answered(body: Message) -> Message | None:
        match body:
            case Ready() if tokens:
                return Lease(
                    job=7,
                    token=tokens.pop(0),
                    plan="p",
                    step="s",
                    attempt=1,
                    expires_in=30.0,
                    work=PaletteWork(quadrants=[(0, 0)]),
                )
            case Touch():
                return Touched(expires_in=30.0)
            case Ack():
                acked.append(body.token)
                if len(acked) == 2:
                    done.set()
                return Acked(job=body.job)
            case Goodbye():
                return Farewell(returned=0)
        return None

    async def perform(task: Task) -> Result:
        if not tokens:
            both.set()
        await both.wait()
        return Result()

    box = Mailbox(context, address, WORK, reply)
    box.open()
    stop = asyncio.Event()
    running = asyncio.create_task(Worker(address, "w", ["palette"], perform, slots=2).run(stop))
    async with asyncio.timeout(20):
        await done.wait()
        stop.set()
        await running
    assert sorted(acked) == [1, 2]
    box.close()
    context.term()
