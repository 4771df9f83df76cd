"""The workers: requests for work that wait, and the leases handed out to them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from protocol.message import JobKind
from protocol.work import GenerateWork, Idle, Lease, PaletteWork, Ready, RenderWork, Work
from services.actor import Letter
from services.config import AppConfig
from services.failpoint import failpoint
from services.keeper import legality, lifecycle, rhythm
from services.keeper.lifecycle import Job
from services.keeper.spending import Spending
from services.keeper.store import Store
from services.tiling.quadrant import FRAME, SIZE
from services.tiling.seam import Refusal

LATE_SECONDS = 2.5
"""How late the news that a process has ended may come; its sender repeats it for a little less."""
LIVES_LIMIT = 1_000


@dataclass(frozen=True)
class Parked:
    """A request for work that nothing was there for."""

    letter: Letter
    ready: Ready
    until: float
    """On the event loop's clock."""


class Workers:
    """Hands out jobs. What waits here is forgotten when the keeper stops: workers ask again."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float],
        steady: Callable[[], float],
        config: AppConfig,
        note: Callable[[Job], None],
        spending: Spending,
    ) -> None:
        self._store = store
        self._spending = spending
        self._clock = clock
        self._steady = steady
        self._note = note
        self.take_over(config)
        self.parked: dict[tuple[str, str], Parked] = {}
        self._lives: dict[str, tuple[str, float]] = {}
        """The newest life of each worker that has several, and when it was first heard."""

    def take_over(self, config: AppConfig) -> None:
        """Hand out by another configuration from now on."""
        self._lease_seconds = config.lease_seconds
        self._limits = {m.model_id: m.at_once for m in config.models if m.at_once}
        self._rhythms = {m.model_id: m.requests_per_minute for m in config.models if m.requests_per_minute}

    def waiting(self) -> Counter[JobKind]:
        """How many requests wait for a job of each kind."""
        return Counter(kind for parked in self.parked.values() for kind in set(parked.ready.kinds))

    def park(self, letter: Letter, ready: Ready, until: float) -> None:
        """Keep a request waiting; the same request sent again takes its own place, and its time goes on.

        A request that waited longer with each repetition would outlive its worker's patience, and get a
        lease that nobody receives.
        """
        key = (ready.worker, letter.envelope.id)
        before = self.parked.get(key)
        self.parked[key] = Parked(letter, ready, before.until if before else until)

    def unpark(self, worker: str, request: str) -> None:
        """The request was answered."""
        self.parked.pop((worker, request), None)

    def leave(self, worker: str) -> None:
        """The worker goes: none of its requests waits any longer."""
        self.parked = {key: parked for key, parked in self.parked.items() if key[0] != worker}

    def forget_earlier(self, worker: str) -> None:
        """Drop what earlier lives of this worker waited for: nobody would work on the answer."""
        name = lifecycle.worker_name(worker)
        if name != worker:
            self.parked = {
                key: parked
                for key, parked in self.parked.items()
                if key[0] == worker or lifecycle.worker_name(key[0]) != name
            }

    def hear(self, worker: str) -> None:
        """A worker asks for work; whoever was longest unheard is forgotten once there are very many."""
        name = lifecycle.worker_name(worker)
        if name != worker and self._lives.get(name, ("", 0.0))[0] != worker:
            self._lives[name] = (worker, self._steady())
            if len(self._lives) > LIVES_LIMIT:
                del self._lives[next(iter(self._lives))]

    def bury(self, name: str) -> str:
        """A process of that name has ended: nobody waits for it; its successor, if that has come already.

        The news may come late, and must not cost the successor the job that it has just begun.
        """
        identity, since = self._lives.get(name, ("", 0.0))
        successor = identity if self._steady() - since < LATE_SECONDS else ""
        self.parked = {
            key: parked
            for key, parked in self.parked.items()
            if key[0] == successor or lifecycle.worker_name(key[0]) != name
        }
        return successor

    def serve(self, loop_time: float) -> list[tuple[Letter, Lease | Idle]]:
        """Answer every waiting request for which there is a job, or whose time is up."""
        answers: list[tuple[Letter, Lease | Idle]] = []
        nothing: set[tuple[JobKind, ...]] = set()
        for key, parked in list(self.parked.items()):
            kinds = tuple(sorted(parked.ready.kinds))
            lease = None if kinds in nothing else self.take(parked.ready, key[1])
            if lease is None:
                nothing.add(kinds)
                if parked.until > loop_time:
                    continue
            answers.append((parked.letter, lease or Idle()))
            del self.parked[key]
        return answers

    def take(self, ready: Ready, request: str) -> Lease | None:
        """The lease for a request: the one it already has, or the next job that is still legal."""
        steady = self._steady()
        held = self._store.queue.leased_for(ready.worker, request)
        if held is not None:
            return self._answer(held, steady)
        if self._store.paused:
            return None
        self._spending.turn_day()
        while (found := self._store.turns.next(ready.kinds, steady, self._limits)) is not None:
            job = found.job
            place = legality.look(self._store, job)
            if isinstance(place, Refusal):
                self._note(lifecycle.bar(job, place.reason))
                continue
            job = legality.moved(job, place)
            if job.kind == "generate" and (found.capped or job.model_id in self._spending.budgets):
                afforded = self._spending.reserve(job, capped=found.capped)
                if afforded is None:
                    continue
                job = afforded
            token = self._store.next_token()
            job = lifecycle.lease(
                job,
                token=token,
                worker=ready.worker,
                request=request,
                now=self._clock(),
                steady=steady,
                seconds=self._lease_seconds,
            )
            self._note(job)
            if job.model_id in self._rhythms:
                self._pace(job.model_id, steady)
            failpoint("keeper_lease")
            return self._answer(job, steady)
        return None

    def _pace(self, model_id: str, steady: float) -> None:
        halts, per_minute = self._store.halts, self._rhythms[model_id]
        halts.pace(model_id, rhythm.following(halts.paced(model_id), per_minute=per_minute, now=steady))

    def _answer(self, job: Job, steady: float) -> Lease:
        return Lease(
            job=job.id,
            token=job.token,
            plan=job.plan,
            step=job.step,
            attempt=job.attempt,
            expires_in=max(0.0, job.lease_expires_at - steady),
            work=work_of(job),
            handle=job.handle,
        )


def work_of(job: Job) -> Work:
    """What the job asks of its worker."""
    quadrants = list(job.quadrants)
    if job.kind == "render":
        side = FRAME * SIZE
        return RenderWork(x=job.x, y=job.y, width=side, height=side, quadrants=quadrants)
    if job.kind == "palette":
        return PaletteWork(quadrants=quadrants)
    return GenerateWork(
        x=job.x,
        y=job.y,
        quadrants=quadrants,
        padding=list(job.padding),
        scaffold=list(job.scaffold),
        model_id=job.model_id,
        prompt=job.prompt,
        negative_prompt=job.negative_prompt,
        seed=job.seed,
        layer=job.layer,
        input_layer=job.input_layer,
    )
