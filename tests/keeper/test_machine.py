"""Whatever happens in whatever order, the keeper does what a small model of its rules says."""

import asyncio
import os
import random
import shutil
import tempfile
import uuid
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from protocol.codec import Envelope
from protocol.control import (
    CancelJob,
    CancelPlan,
    Pause,
    Resume,
    RetryFailed,
    RetryJob,
)
from protocol.errors import Code
from protocol.ingest import Accepted, Publish
from protocol.message import Error, Message
from protocol.order import Edit, Move, WorkerGone
from protocol.plan import Plan, Step
from protocol.work import WORK, Ack, Acked, Goodbye, Idle, Lease, Made, Nack, Nacked, Ready, Touch, Touched
from services.actor import Letter
from services.config import AppConfig, Sockets
from services.keeper.images import HandedIn
from services.keeper.keeper import Keeper
from services.keeper.versions import Stored
from tests.keeper.house import Clock, House, island

EXAMPLES = int(os.environ.get("TILEWRIGHT_EXAMPLES", "0"))
"""How many random lives to try; by default a few, always the same."""
PLANS, STEPS, APART = 6, 4, 6
LEASE_SECONDS, MAX_ATTEMPTS = 60.0, 3
MODELS: dict[str, int | None] = {"plain": None, "other": 2}
CONFIG = {
    "models": [
        {"name": name, "model_id": name, "provider": "oxen", "api_key": "literal", "max_concurrency": most}
        for name, most in MODELS.items()
    ],
    "lease_seconds": LEASE_SECONDS,
    "max_attempts": MAX_ATTEMPTS,
}
LIVE = ("blocked", "pending", "processing")
NAMES = st.lists(st.sampled_from(["w0", "w1", "w2"]), min_size=1, max_size=3)
RARELY = st.sampled_from([False] * 7 + [True])


@dataclass
class Wanted:
    """A job as the model has it."""

    id: int
    plan: str
    model: str
    lane: str
    priority: int
    needs: frozenset[int]
    place: Fraction
    state: str = "pending"
    attempt: int = 0
    deaths: int = 0
    limited: int = 0
    token: int = 0
    tokens: list[int] = field(default_factory=list)
    worker: str = ""
    """Who had it last, as long as that one's late result is still taken."""
    ends: float = 0.0
    not_before: float = 0.0
    tiles: int = 0

    @property
    def rank(self) -> int:
        return (0 if self.lane == "interactive" else 10_000) - self.priority

    @property
    def turn(self) -> tuple[int, int, Fraction, int]:
        return self.rank, self.deaths, self.place, self.id


class Ears:
    """In a mailbox's stead: hears what is answered."""

    def __init__(self) -> None:
        self.heard: dict[str, Message] = {}

    def send(self, peer: bytes, delimiter: bool, re: str, body: Message, attachments: object) -> bool:
        self.heard[re] = body
        return True


class Life(RuleBasedStateMachine):
    """A real keeper without its sockets, and a model of it."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="tw-m-"))
        shutil.copytree(self.template, self.folder / "d")
        self.clock = Clock()
        self.loop = asyncio.new_event_loop()
        self.ears = Ears()
        self.jobs: dict[int, Wanted] = {}
        self.plans: dict[str, list[int]] = {}
        self.paused = False
        self.shut: set[str] = set()
        self.until: dict[str, float] = {}
        self.failures: Counter[str] = Counter()
        self.trips: Counter[str] = Counter()
        self.resting: dict[str, float] = {}
        self.halted: set[str] = set()
        self.lives: Counter[str] = Counter()
        self.heard: dict[str, tuple[str, float]] = {}
        self.tokens = 0
        self.open()

    def open(self) -> None:
        data = self.folder / "d"
        self.keeper = Keeper(
            AppConfig.model_validate(CONFIG),
            data,
            Sockets(data),
            clock=self.clock,
            monotonic=lambda: self.clock.up,
            boot=lambda: str(self.clock.boot),
            chance=random.Random(1),
        )
        self.database = self.keeper._file.connection
        # Nothing here is about losing power, and everything about how many lives fit into a second.
        self.database.execute("PRAGMA synchronous = OFF")
        self.loop.run_until_complete(self._in_loop(self.keeper._start))

    def teardown(self) -> None:
        self.close()
        self.loop.close()
        shutil.rmtree(self.folder)

    def close(self) -> None:
        for pool in (self.keeper._pool, self.keeper._planning):
            pool.shutdown()
        self.keeper._file.close()
        self.keeper._lock.release()

    async def _in_loop(self, deed: Any) -> None:
        deed()
        batches = self.keeper._batches
        while batches._turning is not None:  # noqa: ASYNC110 - what a pass of the loop brings
            await asyncio.sleep(0)

    def do(self, body: Message, deed: Any = None) -> Message:
        """Let the keeper do something in a transaction of its own; its answer."""
        letter = Letter(self.ears, b"me", Envelope(id=uuid.uuid4().hex, body=body))  # type: ignore[arg-type]
        keeper = self.keeper
        if deed is not None:
            begin = partial(keeper._batches.add, letter, deed)
        else:
            begin = partial(keeper._lease if body.TYPE in WORK else keeper._control, [letter])
        self.loop.run_until_complete(self._in_loop(begin))
        return self.ears.heard.pop(letter.envelope.id)

    @property
    def now(self) -> float:
        return self.keeper._steady()

    # The model's own rules.

    def next(self) -> Wanted | None:
        in_hands = Counter(job.model for job in self.jobs.values() if job.state == "processing")
        found = [
            job
            for job in self.jobs.values()
            if job.state == "pending"
            and not self.paused
            and job.plan not in self.halted
            and job.model not in self.shut
            and self.until.get(job.model, 0.0) <= self.now
            and self.resting.get(job.model, 0.0) <= self.now
            and in_hands[job.model] < (1 if self.trips[job.model] else MODELS[job.model] or 1_000)
            and job.not_before <= self.now
        ]
        return min(found, key=lambda job: job.turn, default=None)

    def waits(self, job: Wanted) -> bool:
        return any(self.jobs[need].state != "complete" for need in job.needs)

    def held(self, job: Wanted) -> bool:
        if job.state != "blocked":
            return False
        needs = [self.jobs[need] for need in job.needs]
        return any(need.state in ("error", "cancelled") or self.held(need) for need in needs)

    def die(self, job: Wanted) -> None:
        job.deaths += 1
        if job.deaths >= 5 or job.attempt >= MAX_ATTEMPTS:
            job.state, job.worker = "error", ""
        else:
            job.state, job.not_before = "pending", 0.0

    def heal(self, model: str) -> None:
        self.failures[model] = self.trips[model] = 0
        self.resting.pop(model, None)

    def ail(self, model: str) -> None:
        if self.resting.get(model, 0.0) > self.now:
            return
        self.failures[model] += 1
        if self.failures[model] >= 5:
            self.trips[model] += 1
            self.resting[model] = self.now + min(600.0, 15.0 * 2 ** (self.trips[model] - 1))

    def complete(self, job: Wanted) -> None:
        self.heal(job.model)
        job.state, job.tiles = "complete", job.tiles + 1
        for other in self.jobs.values():
            if other.state == "blocked" and job.id in other.needs and not self.waits(other):
                other.state = "pending"

    def revive(self, job: Wanted) -> None:
        job.attempt = job.deaths = job.limited = 0
        job.not_before, job.worker = 0.0, ""
        job.state = "blocked" if self.waits(job) else "pending"

    def expire(self) -> None:
        for job in self.jobs.values():
            if job.state == "processing" and job.ends <= self.now:
                self.die(job)

    def some(self, data: st.DataObject, *states: str) -> Wanted:
        found = [job for job in self.jobs.values() if not states or job.state in states]
        return data.draw(st.sampled_from(sorted(found, key=lambda job: job.id)))

    def token(self, data: st.DataObject, job: Wanted) -> int:
        """One that the job has or had, another job's, or one that nobody has had yet."""
        theirs = self.some(data).token or 1
        known = [job.token or 1] * 6 + [*job.tokens[:3], theirs, self.tokens + 7]
        return data.draw(st.sampled_from(known))

    def any_job(self, *states: str) -> bool:
        return any(not states or job.state in states for job in self.jobs.values())

    # What may happen.

    @initialize()
    def begin(self) -> None:
        self.publish("plain", "bulk", 0, [0, 0, 1])
        self.publish("other", "bulk", 0, [0, 1, 3])

    @precondition(lambda self: len(self.plans) < PLANS)
    @rule(
        model=st.sampled_from(sorted(MODELS)),
        lane=st.sampled_from(["bulk", "interactive"]),
        priority=st.sampled_from([-5, 0, 0, 5]),
        after=st.lists(st.integers(0, 2**STEPS - 1), min_size=1, max_size=STEPS),
    )
    def publish(self, model: str, lane: str, priority: int, after: list[int]) -> None:
        nth = len(self.plans)
        steps = [
            island(APART * i, APART * nth, f"s{i}", after=[f"s{k}" for k in range(i) if bits >> k & 1])
            for i, bits in enumerate(after)
        ]
        body = {"id": f"p{nth}", "model_id": model, "lane": lane, "priority": priority, "steps": steps}
        accepted = self.do(Publish(plan=Plan.model_validate(body)))
        assert isinstance(accepted, Accepted) and not accepted.duplicate
        self.plans[f"p{nth}"] = accepted.jobs
        for job_id, bits in zip(accepted.jobs, after, strict=True):
            number = job_id - accepted.jobs[0]
            needs = frozenset(accepted.jobs[k] for k in range(number) if bits >> k & 1)
            job = Wanted(job_id, f"p{nth}", model, lane, priority, needs, Fraction(job_id))
            self.jobs[job_id] = job
            job.state = "blocked" if needs else "pending"
        again = self.do(Publish(plan=Plan(id=f"p{nth}", steps=[Step(id="x", quadrants=[(0, 0)])])))
        assert isinstance(again, Accepted) and again.duplicate and again.jobs == accepted.jobs

    @rule(names=NAMES, anew=RARELY)
    def lease(self, names: list[str], anew: bool) -> None:
        for name in names:
            self._lease(name, anew)

    # Twice, so that there is something to be done to them.
    @rule(names=NAMES)
    def lease_more(self, names: list[str]) -> None:
        for name in names:
            self._lease(name, False)

    def _lease(self, name: str, anew: bool) -> None:
        self.lives[name] += anew
        identity = f"{name}.{self.lives[name]:08x}"
        for job in self.jobs.values():
            if job.state == "processing" and job.worker.startswith(name) and job.worker != identity:
                self.die(job)
        if self.heard.get(name, ("", 0.0))[0] != identity:
            self.heard[name] = (identity, self.now)
        expected = self.next()
        answer = self.do(Ready(worker=identity, kinds=["generate", "render"]))
        if expected is None:
            assert isinstance(answer, Idle), answer
            return
        assert isinstance(answer, Lease), f"{expected} was to be handed out"
        assert (answer.job, answer.attempt) == (expected.id, expected.attempt + 1)
        assert answer.token > self.tokens
        self.tokens = expected.token = answer.token
        expected.tokens.append(answer.token)
        expected.state, expected.attempt, expected.worker = "processing", expected.attempt + 1, identity
        expected.ends, expected.not_before = self.now + LEASE_SECONDS, 0.0

    @precondition(lambda self: self.any_job("processing"))
    @rule(data=st.data(), times=st.integers(1, 3))
    def work(self, data: st.DataObject, times: int) -> None:
        for _ in range(times):
            if self.any_job("processing"):
                job = self.some(data, "processing")
                self._ack(job, job.token)

    @precondition(lambda self: self.paused or self.shut or self.halted or self.until or self.resting)
    @rule()
    def let_all_go_on(self) -> None:
        self.do(Resume())
        for model in MODELS:
            self.do(Resume(model_id=model))
            if self.trips[model]:
                self.heal(model)
        for plan in self.plans:
            self.do(Resume(plan=plan))
        self.paused, self.shut, self.until, self.halted = False, set(), {}, set()
        self.wait(61.0)

    @rule(data=st.data())
    def touch(self, data: st.DataObject) -> None:
        job = self.some(data, *(["processing"] if self.any_job("processing") else []))
        token = self.token(data, job)
        answer = self.do(Touch(job=job.id, token=token))
        if job.state == "processing" and token == job.token:
            assert isinstance(answer, Touched)
            job.ends = self.now + LEASE_SECONDS
        else:
            assert isinstance(answer, Error) and answer.code == Code.LEASE_LOST

    @rule(data=st.data(), running=st.sampled_from([True, True, True, False]))
    def hand_in(self, data: st.DataObject, running: bool) -> None:
        self._hand_in(data, running)

    def _hand_in(self, data: st.DataObject, running: bool) -> None:
        job = self.some(data, *(["processing"] if running and self.any_job("processing") else []))
        self._ack(job, self.token(data, job))

    def _ack(self, job: Wanted, token: int) -> None:
        ack = Ack(job=job.id, token=token, made=Made(worker="w", seconds=1.0))
        cells = self.keeper.store.queue.get(job.id).quadrants  # type: ignore[union-attr]
        tiles = tuple(Stored("generation", x, y, f"{token:064x}") for x, y in cells)
        answer = self.do(ack, partial(self.keeper._work._commit, ack, HandedIn(tiles, None)))
        mine = token == job.token
        if mine and job.state == "complete":
            assert isinstance(answer, Acked)
        elif mine and (job.state == "processing" or (job.state == "pending" and job.worker)):
            assert isinstance(answer, Acked)
            self.complete(job)
        else:
            assert isinstance(answer, Error) and answer.code == Code.LEASE_LOST

    @precondition(lambda self: self.any_job("processing"))
    @rule(
        data=st.data(),
        error_class=st.sampled_from(
            ["transient", "transient", "bad_image", "rate_limited", "rejected", "auth", "moderated", "bug"]
        ),
        burn=st.sampled_from([True, True, True, False]),
        retry_after=st.sampled_from([None, 3.0, 90.0, 1e6]),
    )
    def nack(self, data: st.DataObject, error_class: Any, burn: bool, retry_after: float | None) -> None:
        job = self.some(data, "processing")
        self._nack(job, self.token(data, job), error_class, burn, retry_after)

    @precondition(lambda self: self.any_job("processing"))
    @rule(data=st.data(), error_class=st.sampled_from(["transient", "rate_limited", "rejected"]))
    def fail(self, data: st.DataObject, error_class: str) -> None:
        job = self.some(data, "processing")
        self._nack(job, job.token, error_class, True, 90.0)

    def _nack(self, job: Wanted, token: int, error_class: str, burn: bool, retry_after: float | None) -> None:
        body = {"job": job.id, "token": token, "error_class": error_class, "reason": "It is so."}
        answer = self.do(Nack.model_validate({**body, "burn": burn, "retry_after": retry_after}))
        if token != job.token:
            assert isinstance(answer, Error) and answer.code == Code.LEASE_LOST
            return
        assert isinstance(answer, Nacked)
        limited = burn and error_class == "rate_limited"
        if not burn or limited:
            job.attempt -= 1
        job.limited += limited
        again = not burn or error_class in ("transient", "bad_image", "rate_limited")
        again = again and job.attempt < MAX_ATTEMPTS and job.limited < 20
        job.state, job.worker = "pending" if again else "error", ""
        job.not_before = self._delay(job) if again else 0.0
        assert answer.state == job.state
        if burn and error_class == "transient":
            self.ail(job.model)
        elif burn:
            self.heal(job.model)
        if limited:
            self._limit(job.model, retry_after)
            assert answer.retry_in >= self.until[job.model] - self.now - 1e-6
        elif burn and error_class == "auth":
            self.shut.add(job.model)

    def _delay(self, job: Wanted) -> float:
        """What chance made of it, which is between nothing and a doubling bound."""
        (found,) = self.database.execute("SELECT not_before FROM generation_queue WHERE id = ?", (job.id,))
        bound = min(60.0, 2.0 ** max(0, max(job.attempt, job.limited) - 1))
        assert 0 <= found[0] - self.now <= bound + 1e-6
        return float(found[0])

    def _limit(self, model: str, retry_after: float | None) -> None:
        (row,) = self.database.execute("SELECT until FROM models WHERE model_id = ?", (model,))
        before = self.until.get(model, 0.0)
        asked = self.now + min(retry_after or 0.0, 3_600.0)
        if before > self.now:
            assert row[0] == pytest.approx(max(before, asked))
        elif retry_after:
            assert row[0] == pytest.approx(asked)
        else:
            assert 1.0 <= row[0] - self.now <= 301.0
        self.until[model] = row[0]

    @rule(seconds=st.sampled_from([0.5, 2.0, 5.0, 61.0, 400.0]))
    def time_passes(self, seconds: float) -> None:
        self.wait(seconds)

    def wait(self, seconds: float) -> None:
        self.clock.forward(seconds)
        self.expire()
        self.loop.run_until_complete(self._in_loop(self.keeper._batches.turn))

    @rule(seconds=st.sampled_from([86_400.0, -86_400.0]))
    def set_the_walls_clock(self, seconds: float) -> None:
        self.clock.jump(seconds)
        self.loop.run_until_complete(self._in_loop(self.keeper._batches.turn))

    @rule(name=st.sampled_from(["w0", "w1", "w2"]), end=st.booleans())
    def leave(self, name: str, end: bool) -> None:
        """A worker ends, and the supervisor says so; or it says goodbye before that."""
        if not end:
            identity = f"{name}.{self.lives[name]:08x}"
            self.do(Goodbye(worker=identity))
            for job in self.jobs.values():
                if job.state == "processing" and job.worker == identity:
                    job.state, job.attempt, job.worker = "pending", job.attempt - 1, ""
            return
        self.do(WorkerGone(name=name))
        identity, since = self.heard.get(name, ("", 0.0))
        for job in self.jobs.values():
            kept = job.worker == identity and self.now - since < 2.5
            if job.state == "processing" and job.worker.startswith(name) and not kept:
                self.die(job)

    @rule(data=st.data(), whatever=RARELY)
    def cancel(self, data: st.DataObject, whatever: bool) -> None:
        if not whatever and not self.any_job("processing"):
            return
        job = self.some(data, *([] if whatever else ["processing"]))
        answer = self.do(CancelJob(job=job.id))
        if job.state in ("complete", "cancelled"):
            assert isinstance(answer, Error) and answer.code == Code.WRONG_STATE
        else:
            job.state, job.worker, job.not_before = "cancelled", "", 0.0

    @rule(data=st.data(), really=RARELY)
    def cancel_plan(self, data: st.DataObject, really: bool) -> None:
        if not really:
            return
        plan = data.draw(st.sampled_from(sorted(self.plans)))
        self.do(CancelPlan(plan=plan))
        for job_id in self.plans[plan]:
            job = self.jobs[job_id]
            if job.state != "complete":
                job.state, job.worker, job.not_before = "cancelled", "", 0.0

    @rule(data=st.data(), all_of_them=st.booleans())
    def retry(self, data: st.DataObject, all_of_them: bool) -> None:
        if all_of_them and not self.any_job("error"):
            return
        if all_of_them:
            self.do(RetryFailed())
            for job in self.jobs.values():
                if job.state == "error":
                    self.revive(job)
            return
        job = self.some(data)
        answer = self.do(RetryJob(job=job.id))
        if job.state in ("error", "cancelled"):
            self.revive(job)
        else:
            assert isinstance(answer, Error) and answer.code == Code.WRONG_STATE

    @rule(data=st.data(), on=st.booleans(), what=st.sampled_from(["all", "model", "plan", "plan"]))
    def pause(self, data: st.DataObject, on: bool, what: str) -> None:
        on = on and not (self.paused or self.shut or len(self.halted) > 1)
        kind = Pause if on else Resume
        if what == "all":
            self.do(kind())
            self.paused = on
        elif what == "model":
            model = data.draw(st.sampled_from(sorted(MODELS)))
            self.do(kind(model_id=model))
            (self.shut.add if on else self.shut.discard)(model)
            if not on:
                self.until.pop(model, None)
                if self.trips[model]:
                    self.heal(model)
        else:
            plan = data.draw(st.sampled_from(sorted(self.plans if on or not self.halted else self.halted)))
            self.do(kind(plan=plan))
            (self.halted.add if on else self.halted.discard)(plan)

    @rule(data=st.data(), to=st.sampled_from(["front", "back", "before"]))
    def move(self, data: st.DataObject, to: Any) -> None:
        jobs = [self.some(data)]
        if data.draw(st.booleans()) and (other := self.some(data)) is not jobs[0]:
            jobs.append(other)
        before = self.some(data) if to == "before" else None
        answer = self.do(Move(jobs=[job.id for job in jobs], to=to, before=before.id if before else None))
        named = [*jobs, before] if before else jobs
        if any(job.state not in ("pending", "blocked") for job in named) or (
            before and any(job is before or job.lane != before.lane for job in jobs)
        ):
            assert isinstance(answer, Error)
            return
        moved: dict[int, Wanted] = {}
        for job in jobs:
            self._along(job, moved, {job.id for job in jobs})
        for lane in ("interactive", "bulk"):
            of_lane = [job for job in moved.values() if job.lane == lane and job is not before]
            if of_lane and (before is None or before.lane == lane):
                self._put(of_lane, to, before)

    def _along(self, job: Wanted, moved: dict[int, Wanted], named: set[int]) -> None:
        """What it waits for comes first."""
        if job.id in moved:
            return
        for need in sorted(job.needs):
            needed = self.jobs[need]
            comes = job.state == "blocked" and needed.lane == job.lane and need not in named
            if comes and needed.state in ("pending", "blocked"):
                self._along(needed, moved, named)
        moved[job.id] = job

    def _put(self, jobs: list[Wanted], to: str, before: Wanted | None) -> None:
        lane = [
            job
            for job in self.jobs.values()
            if job.state in ("pending", "blocked") and job.lane == jobs[0].lane
        ]
        line = sorted(lane, key=lambda job: (job.rank, job.place, job.id))
        if before is not None:
            same = [job.place for job in line if job.rank == before.rank and job not in jobs]
            low = max((place for place in same if place < before.place), default=before.place - 1)
            high, neighbour = before.place, before
        elif to == "front":
            low, high, neighbour = line[0].place - 1, line[0].place, line[0]
        else:
            neighbour = line[-1]
            low, high = neighbour.place, max(Fraction(max(self.jobs) + 1), neighbour.place + 1)
        priority = neighbour.priority
        for nth, job in enumerate(jobs, 1):
            job.place = low + (high - low) * nth / (len(jobs) + 1)
            job.priority = priority

    @rule(
        data=st.data(),
        model=st.sampled_from([None, *MODELS]),
        prompt=st.sampled_from([None, "a", "b"]),
        priority=st.sampled_from([None, -9, 9]),
    )
    def edit(self, data: st.DataObject, model: str | None, prompt: str | None, priority: int | None) -> None:
        job = self.some(data)
        row = self.keeper.store.queue.get(job.id)
        assert row is not None
        answer = self.do(Edit(jobs=[job.id], model_id=model, prompt=prompt, priority=priority))
        nothing = (model, prompt, priority) == (None, None, None)
        if nothing or job.state in ("processing", "complete"):
            assert isinstance(answer, Error)
            return
        if (model or job.model, row.prompt if prompt is None else prompt) != (job.model, row.prompt):
            job.worker = ""
        job.model, job.priority = model or job.model, job.priority if priority is None else priority

    @rule(anew=st.sampled_from([False, False, True]))
    def restart(self, anew: bool) -> None:
        self.close()
        if anew:
            self.clock.reboot()
        self.open()
        self.heard = {}
        for job in self.jobs.values():
            if job.state == "processing":
                if anew:
                    self.die(job)
                job.ends = max(job.ends, self.now + 10.0)
            if anew:
                job.not_before = min(job.not_before, self.now + 60.0)
        if anew:
            self.until = {model: min(until, self.now + 3_600.0) for model, until in self.until.items()}
            self.resting = {model: min(until, self.now + 600.0) for model, until in self.resting.items()}

    # What must always be so.

    @invariant()
    def the_tables_are_as_the_model_says(self) -> None:
        self.expire()
        self.loop.run_until_complete(self._in_loop(self.keeper._batches.turn))
        rows = self.database.execute(
            "SELECT id, status, attempt, deaths, limited, held, token, model_id "
            "FROM generation_queue ORDER BY id"
        ).fetchall()
        found = [tuple(row) for row in rows]
        assert found == [
            (
                job.id,
                job.state,
                job.attempt,
                job.deaths,
                job.limited,
                int(self.held(job)),
                job.token,
                job.model,
            )
            for job in self.jobs.values()
        ]

    @invariant()
    def every_completed_job_is_on_the_map_once(self) -> None:
        rows = self.database.execute("SELECT job_id, count(*) FROM tile_versions GROUP BY job_id")
        assert dict(tuple(row) for row in rows) == {job.id: 4 for job in self.jobs.values() if job.tiles}
        assert all(job.tiles == (job.state == "complete") for job in self.jobs.values())

    @invariant()
    def nobody_walks_over_what_is_paused_and_nothing_else_is_marked(self) -> None:
        rows = self.database.execute("SELECT id FROM generation_queue WHERE suspended = 1")
        for (job_id,) in rows:
            job = self.jobs[job_id]
            assert job.state == "pending" and job.plan in self.halted

    @invariant()
    def plans_have_settled_that_cannot_go_on(self) -> None:
        rows = self.database.execute("SELECT id, settled FROM plans")
        goes_on = {job.plan for job in self.jobs.values() if job.state in LIVE and not self.held(job)}
        assert {row[0]: bool(row[1]) for row in rows} == {plan: plan not in goes_on for plan in self.plans}

    @invariant()
    def what_failed_in_a_row_is_remembered(self) -> None:
        rows = self.database.execute("SELECT model_id, failures, trips FROM models WHERE failures > 0")
        failed = {model: (count, self.trips[model]) for model, count in self.failures.items() if count}
        assert {row[0]: (row[1], row[2]) for row in rows} == failed

    @invariant()
    def the_tallies_count_what_there_is(self) -> None:
        count = Counter((job.state, job.model) for job in self.jobs.values())
        rows = self.database.execute("SELECT status, model_id, jobs FROM queue_tally WHERE jobs <> 0")
        assert {(row[0], row[1]): row[2] for row in rows} == dict(count)


def test_any_life_of_the_queue_is_as_the_model_says(tmp_path: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="tw-t-", dir="/tmp"))
    try:
        house = House(folder)
        house.open()
        house.rendered(-4, -4, APART * STEPS + 4, APART * PLANS + 4)
        house.end()
        assert house.failure is None
        Life.template = house.data
        run_state_machine_as_test(
            Life,
            settings=settings(
                max_examples=EXAMPLES or 40,
                stateful_step_count=60,
                derandomize=not EXAMPLES,
                deadline=None,
                # To find the shortest life takes minutes; asked for random ones, somebody wants to know.
                phases=(Phase.generate, Phase.shrink) if EXAMPLES else (Phase.generate,),
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        shutil.rmtree(folder)
