"""A keeper of paper: a real work socket that leases out the given frames and keeps what comes back."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import zmq

from protocol.message import Message
from protocol.work import (
    WORK,
    Ack,
    Acked,
    Farewell,
    Goodbye,
    Lease,
    Nack,
    Nacked,
    Ready,
    RenderWork,
    Touch,
    Touched,
)
from services.actor import Letter, Mailbox
from services.config import Sockets
from services.tiling.quadrant import frame_box, frame_quadrants


class Desk:
    """Leases each frame once, in order; a frame that is nacked is leased again."""

    def __init__(self, data: Path) -> None:
        self.sockets = Sockets(data)
        self.acked: dict[int, tuple[Ack, list[bytes]]] = {}
        self.order: list[int] = []
        self.nacked: list[Nack] = []
        self.said: list[str] = []
        self.goodbyes = 0
        self._leased: dict[str, Lease] = {}
        self.waiting: list[tuple[int, RenderWork]] = []
        self.works: dict[int, RenderWork] = {}
        self.parked: list[Letter] = []
        self._news = asyncio.Event()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._mailbox: Mailbox | None = None

    def open(self) -> "Desk":
        self.sockets.prepare()
        self._mailbox = Mailbox(
            self._context, self.sockets.address("work"), WORK, self._on_batch, max_frame_bytes=64 << 20
        )
        self._mailbox.open()
        return self

    def close(self) -> None:
        if self._mailbox is not None:
            self._mailbox.close()
        self._context.term()

    def put(self, *frames: tuple[int, int]) -> list[int]:
        """Queue canonical frames; their job numbers."""
        jobs = []
        for frame in frames:
            pixels = frame_box(frame)
            job = len(self.works) + 1
            self.works[job] = RenderWork(
                x=pixels.left,
                y=pixels.top,
                width=pixels.right - pixels.left,
                height=pixels.bottom - pixels.top,
                quadrants=[tuple(quadrant) for quadrant in frame_quadrants(frame)],
            )
            self.waiting.append((job, self.works[job]))
            jobs.append(job)
        self._serve()
        return jobs

    def refresh(self) -> None:
        """Lease what waits as it now stands in `works`."""
        self.waiting = [(waiting, self.works[waiting]) for waiting, _ in self.waiting]

    async def until(self, what: str, true: Callable[[], bool], *, seconds: float = 90.0) -> None:
        """Wait until something is true after a message."""
        try:
            async with asyncio.timeout(seconds):
                while not true():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"{what}: not within {seconds:g} s; nacked: {self.nacked}") from None

    async def done(self, *jobs: int) -> None:
        """Wait until the jobs are acked."""
        await self.until(f"jobs {jobs}", lambda: all(job in self.acked for job in jobs))

    def _on_batch(self, letters: list[Letter]) -> None:
        for letter in letters:
            if answer := self._answer(letter):
                letter.reply(answer)
        self._serve()
        self._news.set()

    def _answer(self, letter: Letter) -> Message | None:
        match letter.envelope.body:
            case Ready():
                self.parked.append(letter)
                return None
            case Touch() as touch:
                self.said.append(touch.doing)
                return Touched(expires_in=3.0)
            case Ack() as ack:
                if ack.job not in self.acked:
                    self.order.append(ack.job)
                self.acked[ack.job] = (ack, letter.envelope.attachments)
                return Acked(job=ack.job)
            case Nack() as nack:
                self.nacked.append(nack)
                if nack.retry:
                    self.waiting.append((nack.job, self.works[nack.job]))
                return Nacked(job=nack.job, state="pending")
            case Goodbye():
                self.goodbyes += 1
                return Farewell(returned=0)
        return None

    def _serve(self) -> None:
        for letter in list(self.parked):
            request = letter.envelope.id
            if request not in self._leased:
                if not self.waiting:
                    continue
                job, work = self.waiting.pop(0)
                self._leased[request] = Lease(
                    job=job, token=job, plan="p", step="s", attempt=1, expires_in=3.0, work=work
                )
            # The same question gets the same answer, also when it is asked again.
            self.parked.remove(letter)
            letter.reply(self._leased[request])
