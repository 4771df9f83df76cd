"""The lease loop against a keeper of paper: a real socket that says what each test needs it to say."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Literal

import pytest
import zmq

from protocol.errors import Code, ProtocolError
from protocol.message import Message
from protocol.work import (
    WORK,
    Ack,
    Acked,
    Farewell,
    Fetch,
    Goodbye,
    Idle,
    Lease,
    Nack,
    Nacked,
    PaletteWork,
    Pixels,
    Ready,
    Started,
    Touch,
    Touched,
)
from services.actor import Letter, Mailbox
from services.worker import Result, Task, TryFailed, Worker


class Paper:
    """Hands out the given leases and writes down everything it is told."""

    def __init__(self, leases: int, *, expires_in: float = 30.0) -> None:
        self.leases = leases
        self.expires_in = expires_in
        self.heard: list[Message] = []
        self.refuse_touch = False
        self.refuse_goodbye: ProtocolError | None = None
        self.busy = 0
        """How often it answers that it is busy before it answers."""
        self.refuse_ack: ProtocolError | None = None
        self.on_ready: Callable[[Letter], None] | None = None
        self.on_ack: Callable[[Letter], None] | None = None
        self.on_goodbye: Callable[[], None] | None = None
        self.nacked: Literal["pending", "error"] = "pending"
        self.news = asyncio.Event()

    def on_batch(self, letters: list[Letter]) -> None:
        for letter in letters:
            body = letter.envelope.body
            self.heard.append(body)
            self.news.set()
            if isinstance(body, Ready) and self.on_ready is not None:
                self.on_ready(letter)
                continue
            if isinstance(body, Ack) and self.on_ack is not None:
                self.on_ack(letter)
                continue
            if isinstance(body, Goodbye) and self.on_goodbye is not None:
                self.on_goodbye()
            answer = self.answer(body)
            if answer is None:
                continue
            if isinstance(answer, ProtocolError):
                letter.refuse(answer)
            else:
                letter.reply(answer)

    def answer(self, body: Message) -> Message | ProtocolError | None:
        match body:
            case Ready():
                if not self.leases:
                    return None
                self.leases -= 1
                return self.lease()
            case Touch():
                lost = ProtocolError(Code.LEASE_LOST, "It is no longer yours.")
                return lost if self.refuse_touch else Touched(expires_in=self.expires_in)
            case Started():
                lost = ProtocolError(Code.LEASE_LOST, "It is no longer yours.")
                return lost if self.refuse_touch else Touched(expires_in=self.expires_in)
            case Ack():
                return self.refuse_ack or Acked(job=body.job)
            case Nack():
                return Nacked(job=body.job, state=self.nacked)
            case Goodbye():
                return self.refuse_goodbye or Farewell(returned=0)
            case Fetch():
                busy = ProtocolError(Code.BUSY, "Another program holds the database.")
                self.busy -= 1
                return busy if self.busy >= 0 else Pixels(tiles=[])
        return Idle()

    def lease(self) -> Lease:
        return Lease(
            job=self.leases + 1,
            token=1,
            plan="p",
            step="s",
            attempt=1,
            expires_in=self.expires_in,
            work=PaletteWork(quadrants=[(0, 0)]),
        )

    async def hears(self, kind: type[Message], times: int = 1) -> list[Message]:
        async with asyncio.timeout(20):
            while len(found := [body for body in self.heard if isinstance(body, kind)]) < times:
                self.news.clear()
                await self.news.wait()
        return found


@pytest.fixture
async def box(short: Path) -> AsyncIterator[tuple[str, list[Paper]]]:
    papers: list[Paper] = []
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    address = f"ipc://{short}/work"
    mailbox = Mailbox(context, address, WORK, lambda letters: papers[-1].on_batch(letters))
    mailbox.open()
    yield address, papers
    mailbox.close()
    context.term()


async def test_results_are_handed_in_and_goodbye_is_said(box: tuple[str, list[Paper]]) -> None:
    address, papers = box
    papers.append(paper := Paper(3))

    async def perform(task: Task) -> Result:
        result = Result(palette=b"npz", model_seconds=0.5)
        result.tiles += [("render", 1, 2, b"png"), ("object", 1, 2, b"sky"), ("object", 1, 3, b"sky")]
        result.tiles += [("render", 1, 3, b"png")]
        return result

    stop = asyncio.Event()
    running = asyncio.create_task(Worker(address, "w", ["palette"], perform, slots=2).run(stop))
    acks = await paper.hears(Ack, 3)
    assert {ack.job for ack in acks if isinstance(ack, Ack)} == {1, 2, 3}
    assert isinstance(acks[0], Ack)
    # What is alike is sent once.
    assert [tile.attachment for tile in acks[0].tiles] == [0, 1, 1, 0]
    assert acks[0].assets[0].attachment == 2
    stop.set()
    await asyncio.wait_for(running, 20)
    assert isinstance(paper.heard[-1], Goodbye)


async def test_a_failed_try_is_said_with_its_class_and_sentence(box: tuple[str, list[Paper]]) -> None:
    address, papers = box
    papers.append(paper := Paper(1))

    async def perform(task: Task) -> Result:
        raise TryFailed("auth", "The key was refused.", retry=False)

    stop = asyncio.Event()
    running = asyncio.create_task(Worker(address, "w", ["palette"], perform).run(stop))
    [nack] = await paper.hears(Nack)
    assert isinstance(nack, Nack)
    assert (nack.error_class, nack.reason, nack.retry) == ("auth", "The key was refused.", False)
    stop.set()
    await running


async def test_refused_pixels_are_a_failed_try(box: tuple[str, list[Paper]]) -> None:
    address, papers = box
    papers.append(paper := Paper(1))
    paper.refuse_ack = ProtocolError(Code.BAD_IMAGE, "It is 3 × 3.")

    async def perform(task: Task) -> Result:
        return Result()

    stop = asyncio.Event()
    running = asyncio.create_task(Worker(address, "w", ["palette"], perform).run(stop))
    [nack] = await paper.hears(Nack)
    assert isinstance(nack, Nack)
    assert (nack.error_class, nack.reason) == ("bad_image", "It is 3 × 3.")
    stop.set()
    await running


async def test_long_work_keeps_its_lease_and_says_what_it_does(box: tuple[str, list[Paper]]) -> None:
    address, papers = box
    papers.append(paper := Paper(1, expires_in=0.05))

    async def perform(task: Task) -> Result:
        task.say("painting")
        await paper.hears(Touch, 3)
        return Result()

    stop = asyncio.Event()
    running = asyncio.create_task(Worker(address, "w", ["palette"], perform).run(stop))
    await paper.hears(Ack)
    touches = await paper.hears(Touch, 3)
    assert any(isinstance(touch, Touch) and touch.doing == "painting" for touch in touches)
    stop.set()
    await running


async def test_a_lost_lease_ends_the_work_and_the_worker_goes_on(box: tuple[str, list[Paper]]) -> None:
    address, papers = box
    papers.append(paper := Paper(1, expires_in=0.05))
    paper.refuse_touch = True
    cut_off = asyncio.Event()

    async def perform(task: Task) -> Result:
        try:
            await asyncio.Event().wait()
        finally:
            cut_off.set()
        return Result()

    stop = asyncio.Event()
    running = asyncio.create_task(Worker(address, "w", ["palette"], perform).run(stop))
    await asyncio.wait_for(cut_off.wait(), 20)
    await paper.hears(Ready, 2)
    assert not [body for body in paper.heard if isinstance(body, Ack | Nack)]
    stop.set()
    await running


async def test_a_drain_waits_for_what_runs_and_then_leaves(box: tuple[str, list[Paper]]) -> None:
    address, papers = box
    papers.append(paper := Paper(2))
    begun = asyncio.Event()

    async def perform(task: Task) -> Result:
        begun.set()
        await asyncio.Event().wait()
        return Result()

    stop = asyncio.Event()
    worker = Worker(address, "w", ["palette"], perform)
    running = asyncio.create_task(worker.run(stop, drain_seconds=0.1))
    await begun.wait()
    stop.set()
    await asyncio.wait_for(running, 20)
    [goodbye] = await paper.hears(Goodbye)
    assert isinstance(goodbye, Goodbye)
    assert goodbye.worker == worker.identity
    assert paper.leases == 1


async def test_a_lease_for_a_request_that_is_over_is_given_back_untried(box: tuple[str, list[Paper]]) -> None:
    address, papers = box
    papers.append(paper := Paper(0))
    asked: list[Letter] = []
    paper.on_ready = asked.append

    async def perform(task: Task) -> Result:
        raise AssertionError("nobody waits for this job")

    stop = asyncio.Event()
    running = asyncio.create_task(Worker(address, "w", ["palette"], perform).run(stop))
    await paper.hears(Ready)
    asked[0].reply(Idle())
    await paper.hears(Ready, 2)
    asked[0].reply(paper.lease())
    [nack] = await paper.hears(Nack)
    assert isinstance(nack, Nack)
    assert (nack.retry, nack.burn) == (True, False)
    stop.set()
    await running


async def test_a_lease_that_is_told_twice_is_worked_on_once(box: tuple[str, list[Paper]]) -> None:
    address, papers = box
    papers.append(paper := Paper(0))
    asked: list[Letter] = []
    paper.on_ready = asked.append
    begun: list[int] = []
    told = asyncio.Event()

    async def perform(task: Task) -> Result:
        begun.append(task.lease.job)
        await told.wait()
        return Result()

    stop = asyncio.Event()
    running = asyncio.create_task(Worker(address, "w", ["palette"], perform).run(stop))
    await paper.hears(Ready)
    lease = paper.lease()
    asked[0].reply(lease)
    asked[0].reply(lease)
    told.set()
    await paper.hears(Ack)
    await paper.hears(Ready, 2)
    assert begun == [lease.job]
    assert not [body for body in paper.heard if isinstance(body, Nack)]
    stop.set()
    await running


async def test_a_bug_ends_the_worker(box: tuple[str, list[Paper]]) -> None:
    address, papers = box
    papers.append(Paper(1))

    async def perform(task: Task) -> Result:
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(Worker(address, "w", ["palette"], perform).run(asyncio.Event()), 20)


async def test_a_rate_limit_is_told_with_its_seconds_and_what_was_paid(box: tuple[str, list[Paper]]) -> None:
    address, papers = box
    papers.append(paper := Paper(1))

    async def perform(task: Task) -> Result:
        failure = TryFailed("rate_limited", "Too many.", retry_after=42.5)
        failure.calls, failure.cost = 2, 0.5
        raise failure

    stop = asyncio.Event()
    running = asyncio.create_task(Worker(address, "w", ["palette"], perform).run(stop))
    [nack] = await paper.hears(Nack)
    assert isinstance(nack, Nack)
    assert (nack.error_class, nack.retry_after, nack.calls, nack.cost) == ("rate_limited", 42.5, 2, 0.5)
    stop.set()
    await running


async def test_a_worker_that_breaks_says_over_which_job(box: tuple[str, list[Paper]]) -> None:
    address, papers = box
    papers.append(paper := Paper(1))

    async def perform(task: Task) -> Result:
        raise ZeroDivisionError("by nought")

    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(Worker(address, "w", ["palette"], perform).run(asyncio.Event()), 20)
    [nack] = await paper.hears(Nack)
    assert isinstance(nack, Nack)
    assert (nack.error_class, nack.retry, nack.burn) == ("bug", False, True)
    assert nack.reason == "The worker broke over it: ZeroDivisionError: by nought"
    assert isinstance(paper.heard[-1], Goodbye)


@pytest.mark.parametrize(
    ("outcome", "dropped"),
    [("acked", [1]), ("refused", [1]), ("again", []), ("for good", [1]), ("mendable", []), ("lost", [])],
)
async def test_what_was_kept_for_a_job_is_dropped_when_nobody_needs_it(
    box: tuple[str, list[Paper]], outcome: str, dropped: list[int]
) -> None:
    address, papers = box
    papers.append(paper := Paper(1))
    paper.nacked = "error" if outcome in ("for good", "mendable") else "pending"
    paper.refuse_ack = {
        "refused": ProtocolError(Code.BAD_IMAGE, "It is 3 × 3."),
        "lost": ProtocolError(Code.LEASE_LOST, "It is no longer yours."),
    }.get(outcome)
    gone: list[int] = []

    async def perform(task: Task) -> Result:
        if outcome in ("again", "for good"):
            raise TryFailed("transient", "Not now.")
        if outcome == "mendable":
            raise TryFailed("rejected", "It lies elsewhere.", retry=False, keep=True)
        return Result()

    stop = asyncio.Event()
    worker = Worker(address, "w", ["palette"], perform, done_with=gone.append)
    running = asyncio.create_task(worker.run(stop))
    await paper.hears(Ready, 2)
    stop.set()
    await running
    assert gone == dropped


async def test_an_answer_that_comes_while_it_leaves_is_not_handed_in(box: tuple[str, list[Paper]]) -> None:
    address, papers = box
    papers.append(paper := Paper(1))
    begun, kept, leave = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def perform(task: Task) -> Result:
        begun.set()
        await leave.wait()
        kept.set()
        return Result()

    def on_goodbye() -> None:
        # The keeper has given the job away; now the model answers.
        leave.set()

    paper.on_goodbye = on_goodbye
    stop = asyncio.Event()
    running = asyncio.create_task(Worker(address, "w", ["palette"], perform).run(stop, drain_seconds=0.05))
    await begun.wait()
    stop.set()
    await asyncio.wait_for(running, 20)
    assert kept.is_set()
    assert not [body for body in paper.heard if isinstance(body, Ack | Nack)]


async def test_a_result_that_was_sent_is_waited_for_before_goodbye(box: tuple[str, list[Paper]]) -> None:
    address, papers = box
    papers.append(paper := Paper(1))
    sent: list[Letter] = []
    paper.on_ack = sent.append

    async def perform(task: Task) -> Result:
        return Result()

    stop = asyncio.Event()
    worker = Worker(address, "w", ["palette"], perform)
    running = asyncio.create_task(worker.run(stop, drain_seconds=0.0))
    await paper.hears(Ack)
    stop.set()
    await asyncio.sleep(0)
    sent[0].reply(Acked(job=1))
    await asyncio.wait_for(running, 20)
    assert worker.done == 1
    assert isinstance(paper.heard[-1], Goodbye)


async def test_without_a_keeper_it_still_ends(short: Path) -> None:
    """Nobody ever bound the socket: the goodbye is not heard, and nothing keeps the process."""

    async def perform(task: Task) -> Result:
        return Result()

    stop = asyncio.Event()
    running = asyncio.create_task(Worker(f"ipc://{short}/nobody", "w", ["palette"], perform).run(stop))
    await asyncio.sleep(0)
    stop.set()
    await asyncio.wait_for(running, 20)


async def test_a_keeper_that_is_busy_breaks_no_worker(
    box: tuple[str, list[Paper]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.task.PASSING_SECONDS", 0.01)
    address, papers = box
    papers.append(paper := Paper(1))
    paper.busy = 2
    paper.refuse_goodbye = ProtocolError(Code.BUSY, "Another program holds the database.")

    async def perform(task: Task) -> Result:
        await task.fetch("render", [(0, 0)])
        return Result()

    stop = asyncio.Event()
    running = asyncio.create_task(Worker(address, "w", ["palette"], perform).run(stop))
    await paper.hears(Ack)
    assert len(await paper.hears(Fetch)) == 3
    stop.set()
    await asyncio.wait_for(running, 20)


async def test_a_handle_is_told_before_anything_else_is_done(box: tuple[str, list[Paper]]) -> None:
    address, papers = box
    paper = Paper(1)
    papers.append(paper)
    found: list[str] = []

    async def perform(task: Task) -> Result:
        found.append(task.lease.handle)
        await task.start("prediction-7")
        paper.refuse_touch = True
        # The lease may be gone by now; that is found out by a touch, not here.
        await task.start("")
        return Result(palette=b"colours")

    stop = asyncio.Event()
    running = asyncio.create_task(Worker(address, "w", ["palette"], perform).run(stop))
    await paper.hears(Ack)
    stop.set()
    await running
    told = [body.handle for body in paper.heard if isinstance(body, Started)]
    assert (found, told) == ([""], ["prediction-7", ""])
