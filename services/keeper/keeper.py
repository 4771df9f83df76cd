"""The keeper: three mailboxes, one transaction for all that is ready, answers once it is on disk."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import zmq

from protocol.codec import MAP_LIMIT_BYTES
from protocol.control import CONTROL
from protocol.event import Watch
from protocol.ingest import INGEST
from protocol.work import WORK
from services.actor import Mailbox
from services.blobs import Blobs
from services.config import AppConfig, Sockets
from services.keeper import viewpoint
from services.keeper.adoption import Adoption
from services.keeper.batch import Answers, Batches, Handlers
from services.keeper.candidates import CandidateViews
from services.keeper.clock import Steady, boot_id, wall
from services.keeper.control import Control
from services.keeper.database import DatabaseFile, DatabaseRefused, FolderLock
from services.keeper.drawing import Drawings
from services.keeper.edits import Edits
from services.keeper.entering import Entering
from services.keeper.exports import Exports
from services.keeper.history import History
from services.keeper.intake import Intake
from services.keeper.moves import Moves
from services.keeper.orders import Orders
from services.keeper.parts import Parts
from services.keeper.past import Past
from services.keeper.pauses import Pauses
from services.keeper.planner import Planner
from services.keeper.progress import Progress
from services.keeper.prospects import Prospects
from services.keeper.pruning import Pruning
from services.keeper.reaper import Reaper
from services.keeper.spending import Spending
from services.keeper.store import Store
from services.keeper.switchboard import Hand, Switchboard
from services.keeper.tasks import Tasks
from services.keeper.views import Views
from services.keeper.watchers import Watchers
from services.keeper.work import Work
from services.keeper.workers import Workers
from services.logs import about
from services.pulse import Pulse

TICK_SECONDS = 0.1
"""How late a lease that ran out, a delay that came due or a wait that is over may be noticed."""
FILE_SECONDS = 5.0
IDLE_SECONDS = 1.0
WORK_FRAME_BYTES = 16 << 20
POOL_THREADS, PLANNING_THREADS = 4, 2  # apart: results reach the disk while cities are drawn up

log = logging.getLogger("keeper")


class Keeper:
    """The only writer of one data folder. Raises DatabaseRefused if it must not touch what lies there."""

    def __init__(
        self,
        config: AppConfig,
        data: Path,
        sockets: Sockets,
        *,
        name: str = "keeper-1",
        clock: Callable[[], float] = wall,
        monotonic: Callable[[], float] = time.monotonic,
        boot: Callable[[], str] = boot_id,
        chance: random.Random | None = None,
    ) -> None:
        with contextlib.ExitStack() as undo:
            self._lock = FolderLock(data)
            undo.callback(self._lock.release)
            self._file = DatabaseFile(data)
            undo.callback(self._file.close)
            self.store = Store(self._file.connection)
            viewpoint.keep(data, config, self.store.tallies.tiles("render"))
            undo.pop_all()
        blobs = Blobs(data / "blobs")
        blobs.folder.mkdir(exist_ok=True)
        self._sockets = sockets
        self._pool = ThreadPoolExecutor(POOL_THREADS, thread_name_prefix="blobs")
        self._planning = ThreadPoolExecutor(PLANNING_THREADS, thread_name_prefix="planning")
        self._tasks = Tasks()
        self._watchers = Watchers(self.store.events)
        self._planner = Planner(config, self.store, clock)
        self._progress = Progress(self.store, clock)
        self._history = History(self.store, clock, config)
        self._steady = steady = Steady(self.store, clock=clock, monotonic=monotonic, boot=boot)
        chance = chance or random.Random()
        self._reaper = Reaper(self.store, clock, steady, self._progress.note)
        self._spending = Spending(
            self.store,
            config,
            clock=clock,
            halt=lambda plan, reason: self._pauses.cap(plan, reason),
            let_go=lambda plan: self._pauses.uncap(plan),
        )
        self._workers = Workers(self.store, clock, steady, config, self._progress.note, self._spending)
        self._batches = Batches(
            self.store,
            serve=self._serve,
            settle=self._progress.settle,
            remember=self._remember,
            take_back=lambda lease: self._work.take_back(lease),
        )
        self._pauses = Pauses(
            self.store,
            config,
            self._spending,
            clock=clock,
            steady=steady,
            chance=chance,
            in_background=self._batches.in_background,
        )
        self._prospects = Prospects(self.store, clock, steady, config, self._workers.waiting)
        self._edits = Edits(self.store, config, clock)
        under_way = self._planner.entering
        self._entering = Entering(
            self.store, data / "staged", self._progress, under_way, self._batches.in_background
        )
        self._intake = Intake(
            planner=self._planner,
            progress=self._progress,
            drawings=Drawings(self._planner, pool=self._planning, in_background=self._batches.in_background),
            parts=Parts(data / "staged"),
            folder=data / "staged",
            clock=steady,
            later=self._batches.add,
            at_length=self._batches.at_length,
            start=self._tasks.start_aside,
            entering=self._entering.begin,
        )
        adoption = Adoption(self.store, self._history, self._progress, clock)
        control = Control(
            intake=self._intake,
            orders=Orders(
                self.store,
                self._progress,
                under_way,
                call_off=self._intake.call_off,
                cut=self._entering.cut,
                at_length=self._batches.at_length,
            ),
            pauses=self._pauses,
            moves=Moves(self.store, clock),
            edits=self._edits,
            past=Past(
                self._history,
                adoption,
                CandidateViews(self.store, adoption),
                self._batches.at_length,
            ),
            exports=Exports(self.store, pool=self._planning, start=self._tasks.start),
            pruning=Pruning(
                self.store,
                blobs,
                clock=clock,
                pool=self._pool,
                at_length=self._batches.at_length,
                start=self._tasks.start,
            ),
            views=Views(self.store, clock, steady, self._prospects, self._intake.drafts),
        )
        self._work = Work(
            store=self.store,
            workers=self._workers,
            reaper=self._reaper,
            progress=self._progress,
            history=self._history,
            blobs=blobs,
            pool=self._pool,
            pauses=self._pauses,
            spending=self._spending,
            clock=clock,
            steady=steady,
            chance=chance,
            lease_seconds=config.lease_seconds,
            add_sure=self._batches.add_sure,
            start=self._tasks.start,
        )
        switchboard = Switchboard(self._batches, self._intake.on_small, name)
        self._ingest = switchboard.line(control.ingest)
        self._lease = switchboard.line(self._work.work)
        watching: Handlers = {Watch: self._watchers.on_watch}
        self._control = switchboard.line(control.control, self._work.control, watching)

    async def run(self, stop: asyncio.Event, pulse: Pulse | None = None) -> None:
        """Serve until `stop`. A bug anywhere ends it with its traceback."""
        failed = self._tasks.open()
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        boxes = [
            self._mailbox(context, "ingest", INGEST, self._ingest),
            self._mailbox(context, "work", WORK, self._lease, WORK_FRAME_BYTES),
            self._mailbox(context, "control", CONTROL, self._control),
        ]
        ticking: asyncio.Task[None] | None = None
        stopping = asyncio.create_task(_wait(stop))
        try:
            self._start()
            self._tasks.start_aside(self._entering.run())
            for box in boxes:
                box.open()
            ticking = asyncio.create_task(self._tick(pulse))
            if pulse is not None:
                pulse.ready()
            done, _ = await asyncio.wait([stopping, failed, ticking], return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                ended.result()
            self._batches.drop_long()
            await self._tasks.drop_asides()
            # Results that are already here are committed before the sockets close.
            await self._tasks.finish()
            self._batches.turn()
        finally:
            for task in (stopping, ticking):
                if task is not None:
                    task.cancel()
            await self._tasks.drop_asides()
            self._batches.cancel()
            for box in boxes:
                box.close()
            context.term()
            for pool in (self._pool, self._planning):
                pool.shutdown()
            self._tasks.close()
            self._file.close()
            self._lock.release()

    def take_over(self, config: AppConfig) -> None:
        """Go by another configuration from now on; what is under way goes on."""
        self._planner.take_over(config)
        self._history.take_over(config)
        self._workers.take_over(config)
        self._spending.take_over(config)
        self._work.take_over(config)
        self._pauses.take_over(config)
        self._edits.take_over(config)
        self._prospects.take_over(config)

    def _mailbox(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        name: Any,
        known: Any,
        hand: Hand,
        frame_bytes: int = MAP_LIMIT_BYTES,
    ) -> Mailbox:
        return Mailbox(context, self._sockets.address(name), known, hand, max_frame_bytes=frame_bytes)

    def _start(self) -> None:
        """Give the leases that were out time: their workers could not be heard; void them after a boot."""
        self._entering.prepare()
        self.store.begin()
        running = self._reaper.void() if self._steady.anew else self._reaper.grace()
        self._progress.settle()
        self.store.commit()
        if running:
            log.info("started with %d leases %s", running, "void" if self._steady.anew else "still out")
        self._pauses.mark_all()

    def _remember(self) -> Callable[[], None]:
        """What the batch may change in memory, to be put back if it cannot be committed."""
        parked, waiting = dict(self._workers.parked), list(self._watchers.waiting)
        entering = self._planner.entering.remember()
        ailing, day = self._pauses.ailing, self._spending.day

        def undo() -> None:
            self._progress.forget()
            entering()
            self._pauses.ailing, self._spending.day = ailing, day
            self._workers.parked, self._watchers.waiting = parked, waiting

        return undo

    def _serve(self) -> Answers:
        """What follows from the batch and from the time: leases, settled plans, events."""
        now = asyncio.get_running_loop().time()
        for job in self._reaper.expire():
            if job.state == "pending":
                log.warning(
                    "lease expired at %s, attempt %d of %d, again now",
                    job.worker,
                    job.attempt,
                    job.max_attempts,
                    extra=about(job.id, job.plan),
                )
        answers: Answers = [*self._workers.serve(now)]
        self._progress.settle()
        return [*answers, *self._watchers.serve(now)]

    async def _tick(self, pulse: Pulse | None) -> None:
        loop = asyncio.get_running_loop()
        look_at_file = loop.time() + FILE_SECONDS
        tell = 0.0
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = loop.time()
            if self._workers.parked or self._watchers.over(now) or self._reaper.due():
                self._batches.turn()
            if now - self._batches.busy_at > IDLE_SECONDS and not self._planner.entering.any:
                self._file.empty_log()
            if pulse is not None and now >= tell:
                tell = now + 1.0
                pulse.doing(self._doing())
            if now >= look_at_file:
                look_at_file = now + FILE_SECONDS
                self._intake.void()
                self._pauses.look_again()
                if self._file.replaced():
                    # What is committed after the copy was made would be lost with the file.
                    self._batches.cancel()
                    rescued = self._file.rescue()
                    raise DatabaseRefused(
                        f"{self._file.path} was deleted or replaced while it was open; "
                        f"everything is in {rescued}, put it back under the old name."
                    )

    def _doing(self) -> str:
        counts = self.store.tallies.states()
        return f"{counts['pending']} pending, {counts['processing']} processing"


async def _wait(stop: asyncio.Event) -> None:
    await stop.wait()
