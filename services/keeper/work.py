"""The work socket: leases out, pixels in, and pixels out again for those who need to see them."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from functools import partial
from typing import Any

from protocol.control import Changed
from protocol.errors import Code, ProtocolError
from protocol.event import LateChange
from protocol.message import Error, Message
from protocol.order import WorkerGone
from protocol.work import (
    Ack,
    Acked,
    AssetFile,
    Farewell,
    Fetch,
    FetchAsset,
    Goodbye,
    Idle,
    Lease,
    Nack,
    Nacked,
    PixelRef,
    Pixels,
    Ready,
    Started,
    Touch,
    Touched,
)
from services.actor import Letter
from services.blobs import Blobs
from services.config import AppConfig
from services.failpoint import failpoint
from services.keeper import images, lifecycle
from services.keeper.arrivals import Arrivals
from services.keeper.batch import Deed, Handlers
from services.keeper.history import History
from services.keeper.images import HandedIn
from services.keeper.lifecycle import Job
from services.keeper.pauses import Pauses
from services.keeper.progress import Progress, log, name
from services.keeper.purse import untold
from services.keeper.reaper import Reaper
from services.keeper.spending import Spending
from services.keeper.store import Store
from services.keeper.versions import Standing
from services.keeper.workers import Workers
from services.logs import about

PATIENCE_SECONDS = 60.0
"""The longest that a request for work is kept waiting."""


class Work:
    """Answers workers. `add_sure` puts a deed into the next transaction, `start` runs something beside."""

    def __init__(
        self,
        *,
        store: Store,
        workers: Workers,
        reaper: Reaper,
        progress: Progress,
        history: History,
        blobs: Blobs,
        pool: Executor,
        pauses: Pauses,
        spending: Spending,
        clock: Callable[[], float],
        steady: Callable[[], float],
        chance: Any,
        lease_seconds: float,
        add_sure: Callable[[Letter, Deed], None],
        start: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._store = store
        self._workers = workers
        self._reaper = reaper
        self._progress = progress
        self._history = history
        self._blobs = blobs
        self._pool = pool
        self._pauses = pauses
        self._spending = spending
        self._clock = clock
        self._steady = steady
        self._chance = chance
        self._lease_seconds = lease_seconds
        self._start = start
        self._arrivals = Arrivals(
            blobs,
            pool,
            start=start,
            commit=lambda letter, ack, handed: add_sure(letter, partial(self._commit, ack, handed)),
        )
        self.fetching: Handlers = {
            Fetch: self.on_fetch,
            FetchAsset: self.on_fetch_asset,
        }
        self.work: Handlers = {
            Ready: self.on_ready,
            Touch: self.on_touch,
            Started: self.on_started,
            Ack: self.on_ack,
            Nack: self.on_nack,
            Goodbye: self.on_goodbye,
            **self.fetching,
        }
        self.control: Handlers = {WorkerGone: self.on_worker_gone, **self.fetching}

    def take_over(self, config: AppConfig) -> None:
        """Lease for another time from now on."""
        self._lease_seconds = config.lease_seconds

    def on_ready(self, letter: Letter, ready: Ready) -> Message | None:
        for job in self._reaper.succeed(ready.worker):
            text = "%s: %s started anew, attempt %d is over"
            log.warning(text, name(job), job.worker, job.attempt, extra=about(job.id, job.plan))
        self._workers.forget_earlier(ready.worker)
        self._workers.hear(ready.worker)
        request = letter.envelope.id
        if (lease := self._workers.take(ready, request)) is not None:
            self._workers.unpark(ready.worker, request)
            return lease
        if ready.wait <= 0:
            return Idle()
        until = asyncio.get_running_loop().time() + min(ready.wait, PATIENCE_SECONDS)
        self._workers.park(letter, ready, until)
        return None

    def on_touch(self, letter: Letter, touch: Touch) -> Message:
        job = self._job(touch.job)
        if not lifecycle.held(job, touch.token):
            raise _lost(job)
        steady, seconds = self._steady(), self._lease_seconds
        self._store.queue.save(lifecycle.touch(job, doing=touch.doing, steady=steady, seconds=seconds))
        return Touched(expires_in=seconds)

    def on_started(self, letter: Letter, started: Started) -> Message:
        """Remember what finds a call again: it may have been paid for, so it is taken as a result is."""
        job = self._job(started.job)
        if not lifecycle.may_finish(job, started.token):
            raise _lost(job)
        steady, seconds = self._steady(), self._lease_seconds
        after = lifecycle.start(job, handle=started.handle, steady=steady, seconds=seconds)
        self._store.queue.save(after)
        return Touched(expires_in=seconds if after.state == "processing" else 0.0)

    def on_ack(self, letter: Letter, ack: Ack) -> Message | None:
        job = self._job(ack.job)
        if job.state == "complete" and job.token == ack.token:
            return Acked(job=job.id)
        images.check_owed(job, ack, len(letter.envelope.attachments))
        self._arrivals.add(letter, ack)
        return None

    def _commit(self, ack: Ack, handed: HandedIn) -> Message:
        """The tiles, the job's state, what it releases and the events: one transaction, or nothing."""
        job = self._job(ack.job)
        now = self._clock()
        if job.state == "complete" and job.token == ack.token:
            return Acked(job=job.id)
        if not lifecycle.may_finish(job, ack.token):
            # An answer, not an exception: what was paid for is remembered in this transaction.
            self._keep_late(job, ack, handed)
            text = "%s: a result came too late and is kept as an orphan"
            log.warning(text, name(job), extra=about(job.id, job.plan))
            error = _lost(job)
            return Error(code=error.code, message=error.message)
        if job.model_id:
            self._pauses.answered(job.model_id)
        if job.candidate:
            self._store.orphans.keep(job, ack.token, handed.tiles, ack.made, now)
            refs = []
        else:
            refs = self._history.put(job, handed.tiles, ack.made)
        if handed.palette is not None:
            self._store.tiles.put_asset("palette", handed.palette, job.id, now)
        made = ack.made
        paid = self._paid(job, made.calls, made.cost, unsettled=made.unsettled, kept=True)
        self._progress.note(lifecycle.complete(paid, now), refs)
        self._spent(job)
        failpoint("keeper_ack")
        return Acked(job=job.id)

    def _keep_late(self, job: Job, ack: Ack, handed: HandedIn) -> None:
        """Put a result aside that came too late; what it cost is counted once, however often it comes."""
        now = self._clock()
        if self._store.orphans.keep(job, ack.token, handed.tiles, ack.made, now):
            self._store.events.append(LateChange(job=job.id, plan=job.plan, state="kept"), now)
            mine = job.token == ack.token
            paid = self._paid(job, ack.made.calls, ack.made.cost, told=mine, kept=True)
            self._store.queue.save(paid)
            self._spent(job)

    def _paid(
        self,
        job: Job,
        calls: int,
        stated: float | None,
        *,
        unsettled: int = 0,
        goes_on: bool = False,
        told: bool = True,
        kept: bool = False,
    ) -> Job:
        """The job with what one more try of it has cost.

        `told` if that was its latest; `kept` if its answer was there for others, who may tell the same call.
        Of `unsettled` calls nobody knows yet, nor of one that `goes_on` at its provider.
        """
        cost = self._history.cost(job, calls, stated)
        if cost is not None:
            cost, retold = untold(job.retold, calls, cost, kept=kept)
            job = job._replace(retold=retold)
        if job.reserved or job.presumed:
            job = (
                self._spending.settle(job, calls, cost, unsettled=unsettled, goes_on=goes_on)
                if told
                else self._spending.settle_late(job, calls, cost)
            )
        return job._replace(calls=job.calls + calls, cost=job.cost + (cost or 0.0))

    def _spent(self, before: Job) -> None:
        """After that is saved: what had no room for another call may have it now."""
        if before.reserved or before.presumed:
            self._spending.look_again(before)

    def on_nack(self, letter: Letter, nack: Nack) -> Message:
        job = self._job(nack.job)
        steady = self._steady()
        if not lifecycle.held(job, nack.token):
            # The same token without a lease: this very nack was heard before, only its answer was lost.
            if job.token == nack.token and not job.lease_worker and job.state in ("pending", "error"):
                return _nacked(job, job.not_before - steady)
            raise _lost(job)
        after = lifecycle.fail(
            self._paid(job, nack.calls, nack.cost, unsettled=nack.unsettled, goes_on=bool(job.handle)),
            error_class=nack.error_class,
            reason=nack.reason,
            retry=nack.retry,
            burn=nack.burn,
            now=self._clock(),
            steady=steady,
            chance=self._chance,
        )
        wait = max(after.not_before, self._pauses.hear(job, nack)) - steady
        self._progress.note(after)
        self._spent(job)
        if after.state == "pending":
            log.warning(
                "%s: attempt %d of %d failed at %s, again in %.0f s: %s",
                name(job),
                job.attempt,
                job.max_attempts,
                job.worker,
                wait,
                nack.reason,
                extra=about(job.id, job.plan),
            )
        return _nacked(after, wait)

    def take_back(self, lease: Lease) -> None:
        """Free a lease that could not be sent because its worker was gone: nobody ever worked on it."""
        job = self._job(lease.job)
        if lifecycle.held(job, lease.token):
            self._progress.note(lifecycle.hand_back(self._paid(job, 0, 0.0)))
            self._spent(job)

    def on_goodbye(self, letter: Letter, goodbye: Goodbye) -> Message:
        self._workers.leave(goodbye.worker)
        return Farewell(returned=len(self._reaper.goodbye(goodbye.worker)))

    def on_worker_gone(self, letter: Letter, gone: WorkerGone) -> Message:
        """Free at once what a process held that the supervisor saw end."""
        successor = self._workers.bury(gone.name)
        found = self._reaper.gone(gone.name, successor)
        for job in found:
            text = "%s: %s has ended, attempt %d is over"
            log.warning(text, name(job), gone.name, job.attempt, extra=about(job.id, job.plan))
        return Changed(jobs=len(found))

    def on_fetch(self, letter: Letter, fetch: Fetch) -> Message | None:
        tiles = self._store.tiles
        found = tiles.standing(fetch.layer, fetch.quadrants, fetch.plan)
        found += self._store.versions.find(fetch.versions)
        if fetch.orphan is not None and (late := self._store.orphans.get(fetch.orphan)) is not None:
            found += [Standing(one.layer, one.x, one.y, 0, one.sha256) for one in late.tiles]
        found = found[:64]
        refs = [
            PixelRef(layer=t.layer, x=t.x, y=t.y, version=t.version, sha256=t.sha256, attachment=i)
            for i, t in enumerate(found)
        ]
        self._start(self._send(letter, Pixels(tiles=refs), [tile.sha256 for tile in found]))
        return None

    def on_fetch_asset(self, letter: Letter, fetch: FetchAsset) -> Message | None:
        sha256 = self._store.tiles.asset(fetch.name)
        if sha256 is None:
            raise ProtocolError(Code.UNKNOWN_TILE, f"The map has no {fetch.name} yet.")
        self._start(self._send(letter, AssetFile(name=fetch.name, sha256=sha256), [sha256]))
        return None

    async def _send(self, letter: Letter, body: Message, hashes: list[str]) -> None:
        """Answer with files; reading them must not hold up everybody else."""
        loop = asyncio.get_running_loop()
        try:
            files = await loop.run_in_executor(
                self._pool, lambda: [self._blobs.read(sha256) for sha256 in hashes]
            )
        except FileNotFoundError as error:
            log.error("a committed image is missing: %s; put it back from a backup", error.filename)
            letter.refuse(ProtocolError(Code.UNAVAILABLE, "A committed image is missing on disk."))
            return
        letter.reply(body, files)

    def _job(self, job_id: int) -> Job:
        job = self._store.queue.get(job_id)
        if job is None:
            raise ProtocolError(Code.UNKNOWN_JOB, f"There is no job {job_id}.")
        return job


def _lost(job: Job) -> ProtocolError:
    return ProtocolError(Code.LEASE_LOST, f"Job {job.id} is no longer yours; it is {job.state}.")


def _nacked(job: Job, wait: float) -> Nacked:
    if job.state == "pending":
        return Nacked(job=job.id, state="pending", retry_in=max(0.0, wait))
    return Nacked(job=job.id, state="error")
