"""One drill: a system, a schedule of faults, people who use it meanwhile, and the oracle at the end."""

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from services.drill.chooser import Chooser
from services.drill.curator import Curator
from services.drill.faults import Fault, draw
from services.drill.injector import Injector
from services.drill.ledger import Ledger
from services.drill.meddler import Meddler
from services.drill.model import StubModel
from services.drill.oracle import Finding, Oracle
from services.drill.plans import Plans
from services.drill.publisher import Publishers
from services.drill.stage import Stage, Stuck
from services.drill.treasurer import Treasurer

LEASE_SECONDS = 1.5
LOOK_SECONDS = 0.25
RETRY_SECONDS = 3.0
PAY_SECONDS = 0.5
QUIET_SECONDS = 30.0
"""When nothing has changed for so long after the last fault, nothing will."""
STILL_SECONDS = 120.0
"""When nothing has changed for so long before that, something is stuck."""
LIVE = ("pending", "processing", "blocked", "error")


@dataclass(frozen=True)
class Order:
    """What one drill is to do."""

    seed: int
    jobs: int
    faults: int
    kills: int
    stops: int
    keep: bool = False
    within: Path | None = None
    """Where its folder is made; None leaves it to the stage."""


@dataclass
class Verdict:
    """What came of it."""

    order: Order
    schedule: list[Fault]
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    folder: str = ""
    """Where everything lies, if it was kept."""

    @property
    def well(self) -> bool:
        """Whether nothing speaks against it."""
        return bool(self.findings) and not any(finding.rows for finding in self.findings)


class Cast(NamedTuple):
    """Who plays in a drill, and where."""

    stage: Stage
    publishers: Publishers
    meddler: Meddler
    treasurer: Treasurer
    injector: Injector


class Drill:
    """Runs one order. `tell` is given its seed and a line, again and again."""

    def __init__(self, order: Order, tell: Callable[[int, str], None]) -> None:
        self._order = order
        self._tell = tell
        self._done = 0
        self._faults = draw(
            order.seed,
            jobs=order.jobs,
            faults=order.faults,
            kills=order.kills,
            stops=order.stops,
            lease_seconds=LEASE_SECONDS,
        )

    async def run(self) -> Verdict:
        """Set the stage, let it all happen, look."""
        verdict = Verdict(self._order, self._faults)
        began = time.monotonic()
        model = StubModel()
        stage = Stage(await model.open(), lease_seconds=LEASE_SECONDS, within=self._order.within)
        ledger = Ledger(stage.ledgers, "people")
        plans = Plans(self._order.seed)
        publishers = Publishers(stage, ledger, plans, self._order.jobs)
        meddler = Meddler(stage, ledger, self._order.seed)
        curator = Curator(meddler, ledger, self._order.seed)
        chooser = Chooser(meddler, ledger, plans, self._order.seed)
        treasurer = Treasurer(stage, meddler, ledger)
        injector = Injector(stage, publishers, meddler, curator, chooser)
        cast = Cast(stage, publishers, meddler, treasurer, injector)
        stuck: list[str] = []
        broken_off = False
        try:
            try:
                await self._happen(cast)
                if (code := await stage.stop()) != 0:
                    stuck.append(f"the supervisor ended with exit code {code} after an orderly stop")
            except Stuck as reason:
                stuck.append(str(reason))
            injector.cancel()
            await publishers.close()
            await meddler.close()
            await stage.close()
            wrong = [*publishers.wrong, *meddler.wrong, *injector.wrong]
            verdict.findings = [
                Finding("the system came back", stuck),
                Finding("answered wrongly", wrong),
                Finding("ended by a bug", _bugs(stage)),
            ]
            verdict.figures = {**_recoveries(injector), **_injected(injector, began)}
            try:
                # In a thread: the stub models of other drills answer from this loop.
                findings, figures = await asyncio.to_thread(_looked, stage, model)
                verdict.findings += findings
                verdict.figures |= figures
            except (sqlite3.Error, OSError) as error:
                stuck.append(f"what is left cannot be read: {error}")
        except asyncio.CancelledError:
            broken_off = True
            raise
        finally:
            injector.cancel()
            await stage.close()
            await model.close()
            ledger.close()
            if (verdict.well or broken_off) and not self._order.keep:
                await asyncio.to_thread(stage.remove)
            else:
                verdict.folder = str(stage.folder)
        verdict.seconds = time.monotonic() - began
        return verdict

    async def _happen(self, cast: Cast) -> None:
        cast.stage.start()
        await cast.stage.all_ready()
        watching = asyncio.create_task(self._watch(cast))
        playing = asyncio.create_task(self._play(cast))
        try:
            # Whoever watches ends only by what it finds wrong.
            done, _ = await asyncio.wait((watching, playing), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (watching, playing):
                task.cancel()
            await asyncio.gather(watching, playing, return_exceptions=True)

    async def _play(self, cast: Cast) -> None:
        """Let people and faults at it until both have done their part, then let it come to its end."""
        stage, publishers, meddler, _, injector = cast
        publishing = asyncio.create_task(publishers.run(lambda: self._done, lambda: injector.due))
        injecting = asyncio.create_task(
            injector.run(self._faults, lambda: self._done, lambda: self._idle(publishing, meddler))
        )
        try:
            await asyncio.gather(publishing, injecting)
        finally:
            publishing.cancel()
            injecting.cancel()
        await injector.calm()
        for plan in publishers.abandoned:
            await publishers.finish(plan)
        await meddler.resume()
        # What could not be drawn for want of its input may have it again.
        await meddler.retry_failed()
        await self._finish(stage, meddler)

    async def _watch(self, cast: Cast) -> None:
        """Keep looking how far it is, and let what has failed try again; Stuck if nothing moves any more."""
        stage, publishers, meddler, treasurer, injector = cast
        retry = pay = time.monotonic() + RETRY_SECONDS
        before: tuple[dict[str, int], int] = {}, 0
        changed = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await meddler.look()
            counts = meddler.counts
            if (now := (counts, len(injector.injected))) != before:
                before, changed = now, time.monotonic()
            elif time.monotonic() - changed > STILL_SECONDS:
                raise Stuck(f"nothing has moved for {STILL_SECONDS:g} s: {await _sight(stage, meddler)}")
            self._done = counts.get("complete", 0) + counts.get("cancelled", 0)
            jobs = max(self._order.jobs, publishers.jobs)
            self._tell(
                self._order.seed,
                f"seed {self._order.seed}: {self._done:,} of {jobs:,} jobs, "
                f"{len(injector.injected)} of {len(self._faults)} faults",
            )
            if time.monotonic() > pay:
                pay = time.monotonic() + PAY_SECONDS
                await treasurer.look()
            if counts.get("error", 0) and time.monotonic() > retry:
                retry = time.monotonic() + RETRY_SECONDS
                await meddler.retry_failed()

    def _idle(self, publishing: "asyncio.Task[None]", meddler: Meddler) -> bool:
        """Whether no more jobs will be done by themselves."""
        return publishing.done() and not any(meddler.counts.get(state, 0) for state in LIVE)

    async def _finish(self, stage: Stage, meddler: Meddler) -> None:
        """Wait until everything that can go on has ended; what does not is the oracle's to name."""
        await stage.all_ready()
        before: dict[str, int] = {}
        changed = time.monotonic()
        while time.monotonic() - changed < QUIET_SECONDS:
            await asyncio.sleep(LOOK_SECONDS)
            if meddler.counts != before:
                before, changed = dict(meddler.counts), time.monotonic()
            going = [state for state in ("pending", "processing", "error") if before.get(state)]
            if before and not going and time.monotonic() - changed > 1.0:
                return


async def _sight(stage: Stage, meddler: Meddler) -> str:
    """Everything as it is, for whoever has to find out why it stands still."""
    views = (await stage.processes()).values()
    processes = [f"{view.name} {view.pid or ''} {view.state} {view.reason or ''}".strip() for view in views]
    return f"{'; '.join(processes) or 'no supervisor answers'}; {meddler.told_last()}"


def _looked(stage: Stage, model: StubModel) -> tuple[list[Finding], dict[str, Any]]:
    oracle = Oracle(stage.data, stage.ledgers, model)
    return oracle.findings(), oracle.figures()


def _bugs(stage: Stage) -> list[str]:
    """The processes that wrote a traceback, with its last line."""
    found = []
    for path in [stage.output, *sorted((stage.data / "logs").glob("*.out*"))]:
        lines = path.read_text("utf-8", "replace").splitlines()
        for number, line in enumerate(lines):
            if line.startswith("Traceback"):
                rest = (text for text in lines[number + 1 :] if text and not text.startswith(" "))
                found.append(f"{path.name}: {next(rest, '')}")
    return found


def _recoveries(injector: Injector) -> dict[str, Any]:
    """Seconds until a killed process served again, by kind: the middle one, the longest, how many."""
    kinds: dict[str, list[float]] = {}
    for recovery in injector.recoveries:
        if recovery.clean:
            kinds.setdefault(recovery.name.split("-")[0], []).append(recovery.seconds)
    found: dict[str, Any] = {
        kind: {
            "median": round(sorted(all_)[len(all_) // 2], 2),
            "longest": round(max(all_), 2),
            "of": len(all_),
        }
        for kind, all_ in sorted(kinds.items())
    }
    if injector.childless:
        found["children gone"] = {"longest": round(max(injector.childless), 2), "of": len(injector.childless)}
    return {"recovery_seconds": found}


def _injected(injector: Injector, began: float) -> dict[str, Any]:
    groups: dict[str, Counter[str]] = {}
    for _, fault in injector.injected:
        group, what = fault.told
        groups.setdefault(group, Counter())[what] += 1
    return {
        "faults_injected": len(injector.injected),
        "faults_by_kind": {group: dict(sorted(found.items())) for group, found in sorted(groups.items())},
        "injected": [f"{at - began:.1f} s, {fault}" for at, fault in injector.injected],
        "unmet": injector.unmet,
    }
