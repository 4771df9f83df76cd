"""The oracle: compares what was acknowledged with the database, the images and the model's bill."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.blobs import Blobs
from services.drill.books import Books
from services.drill.choices import Choices
from services.drill.layers import Layers
from services.drill.ledger import facts, of
from services.drill.model import StubModel, content
from services.drill.picture import note_in
from services.drill.plans import FEW_MODEL, PRICED_MODEL
from services.drill.remains import Remains, place
from services.drill.stage import FEW
from services.drill.wishes import Wishes

NAMED = 20
"""Offending rows that are shown of each kind."""


@dataclass
class Finding:
    """One question and what speaks against the answer that everything is well."""

    name: str
    rows: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.rows)


class Oracle:
    """Looks at a world that was stopped, at the ledgers, and at what the stub model counted."""

    def __init__(self, data: Path, ledgers: Path, model: StubModel) -> None:
        self._blobs = Blobs(data / "blobs")
        self._model = model
        self._facts = facts(ledgers)
        self._world = Remains(data / "tilewright.db")
        self._wishes = Wishes(self._world, self._facts)
        self._books = Books(self._world, self._facts, model.bills)
        self._layers = Layers(self._world, self._facts, self._note)
        self._choices = Choices(self._world, self._facts)
        self._notes: dict[str, dict[str, Any] | None] = {}

    def findings(self) -> list[Finding]:
        """Every question with what speaks against it."""
        return [
            Finding("lost: plans", list(self._lost_plans())),
            Finding("lost: results", list(self._lost_results())),
            Finding("lost: images on disk", list(self._lost_images())),
            Finding("done twice", list(self._twice())),
            Finding("stuck", list(self._stuck())),
            Finding("overwritten by a frozen worker", list(self._overwritten())),
            Finding("called off, yet committed", list(self._wishes.undead())),
            Finding("called off though nobody asked", list(self._wishes.called_off())),
            Finding(
                "handed out while paused",
                list(self._world.chronicle.begun_while_paused(self._facts["paused"])),
            ),
            Finding(
                "more at once than the model allows", list(self._world.chronicle.beyond({FEW_MODEL: FEW}))
            ),
            Finding("late results: lost, or not as told", list(self._wishes.late())),
            Finding("taken back, yet on the map", list(self._wishes.reverted())),
            Finding("edited, yet drawn as before", list(self._wishes.unedited())),
            Finding("handed out before what it needs", list(self._too_early())),
            Finding("attempts counted wrongly", list(self._attempts())),
            Finding("paid for again", list(self._paid_again())),
            Finding("calls counted twice, or not at all", list(self._books.miscounted())),
            Finding("money still set aside", list(self._books.unsettled())),
            Finding("spent beyond cap or budget", list(self._books.overspent())),
            Finding("drawn without its input layer", list(self._layers.without_input())),
            Finding("layers mixed up", list(self._layers.mixed_up())),
            Finding("candidates: on the map unasked", list(self._choices.unasked())),
            Finding("candidates: lost, or not as chosen", [*self._choices.lost(), *self._choices.unheeded()]),
            Finding("integrity of the database", [row for row in self._world.integrity if row != "ok"]),
        ]

    def figures(self) -> dict[str, Any]:
        """What was done, as numbers."""
        committed = Counter(
            content(
                row["model_id"],
                row["seed"],
                json.loads(row["quadrants"]) + json.loads(row["padding"]) + json.loads(row["scaffold"]),
                row["prompt"],
            )
            for row in self._world.jobs.values()
            if row["kind"] == "generate" and row["status"] == "complete"
        )
        steps = committed.total() or 1
        answered = sum(self._model.answered[name] for name in committed)
        begun = sum(self._model.begun[name] for name in committed)
        referenced = self._referenced()
        on_disk = {path.parent.name + path.stem for path in self._blobs.folder.glob("??/*.png")}
        return {
            "jobs": len(self._world.jobs),
            "states": dict(Counter(row["status"] for row in self._world.jobs.values())),
            "plans": len(self._world.plans),
            "steps_committed": committed.total(),
            "calls_answered": self._model.answered.total(),
            "calls_begun": self._model.begun.total(),
            "answered_per_step": round(answered / steps, 4),
            "begun_per_step": round(begun / steps, 4),
            "calls_priced": len([bill for bill in self._model.bills if bill.model_id == PRICED_MODEL]),
            "money_allowed_anew": len(self._facts["budget"]) + len(self._facts["cap"]),
            "tiles_by_layer": dict(Counter(row["layer"] for row in self._world.drawn)),
            "candidates": len([row for row in self._world.jobs.values() if row["candidate"]]),
            "candidates_chosen": len(of(self._facts, "adopted") & self._choices.jobs),
            "late_results_refused": len(self._facts["refused"]),
            "late_results_adopted": len(self._facts["adopted"]),
            "pauses": len(self._facts["paused"]),
            "orphan_results": len(self._world.orphans),
            "unreferenced_blobs": len(on_disk - referenced),
            "deaths": sum(row["deaths"] for row in self._world.jobs.values()),
            "most_attempts": max((row["attempt"] for row in self._world.jobs.values()), default=0),
        }

    def _lost_plans(self) -> Iterable[str]:
        offered = {fact["plan"] for fact in self._facts["offered"]}
        # Accepted and still to be put into the queue; who waits for that in vain is stuck.
        staged = {
            row["first_job"] + number
            for row in self._world.plans.values()
            for number in range(row["entered"], row["jobs"])
        }
        for fact in self._facts["accepted"]:
            if fact["plan"] not in self._world.plans:
                yield f"{fact['plan']} was accepted and is not there"
            for job in fact["jobs"]:
                if job not in self._world.jobs and job not in staged:
                    yield f"job {job} of {fact['plan']} was accepted and is not there"
        of_plan = Counter(row["plan_id"] for row in self._world.jobs.values())
        for plan, row in self._world.plans.items():
            if plan not in offered:
                yield f"{plan} is there and nobody offered it"
            there = range(row["first_job"], row["first_job"] + row["jobs"])
            if missing := [job for job in there if job not in self._world.jobs and job not in staged]:
                yield f"{plan} is there without its jobs {missing[:5]}"
            if row["entered"] and not of_plan[plan]:
                yield f"{plan} has no job of its own"

    def _lost_results(self) -> Iterable[str]:
        for fact in self._facts["acked"]:
            job = self._world.jobs.get(fact["job"])
            if job is None or job["status"] != "complete":
                state = "gone" if job is None else job["status"]
                yield f"job {fact['job']} was acknowledged with token {fact['token']} and is {state}"
                continue
            if job["candidate"]:
                continue
            made = {(row["layer"], row["x"], row["y"]): row["sha256"] for row in self._world.made[job["id"]]}
            told = {(layer, x, y): sha256 for layer, x, y, sha256 in fact["tiles"]}
            if made != told:
                yield f"job {fact['job']} has other pixels than were acknowledged with token {fact['token']}"
        for job in self._world.jobs.values():
            if job["status"] == "complete" and not job["candidate"] and not self._world.made[job["id"]]:
                yield f"job {job['id']} is complete without a single image"

    def _lost_images(self) -> Iterable[str]:
        for version in self._world.versions:
            note = self._note(version["sha256"])
            if note is None:
                yield f"version {version['version']} of {place(version)} has no image on disk, or another"
            elif note and (note["x"], note["y"], note["job"]) != (
                version["x"],
                version["y"],
                version["job_id"],
            ):
                yield f"version {version['version']} of {place(version)} is a picture of {note}"
        standing = {row["version"] for row in self._world.tiles}
        known = {row["version"] for row in self._world.versions}
        for version in sorted(standing - known):
            yield f"version {version} stands on the map and is not known"

    def _twice(self) -> Iterable[str]:
        by_job = Counter((row["job_id"], row["layer"], row["x"], row["y"]) for row in self._world.versions)
        for it, count in by_job.items():
            if count > 1:
                yield f"job {it[0]} put {count} versions of {it[1:]} on the map"
        yield from self._layers.drawn_twice()
        steps = Counter(
            (row["plan_id"], row["step"]) for row in self._world.jobs.values() if row["kind"] == "generate"
        )
        for step, count in steps.items():
            if count > 1:
                yield f"step {step} has {count} jobs"

    def _stuck(self) -> Iterable[str]:
        for job in self._world.jobs.values():
            if job["status"] in ("pending", "processing", "error"):
                yield f"job {job['id']} is {job['status']}: {job['reason'] or job['doing'] or 'no reason'}"
        needs = defaultdict(list)
        for job_id, needed in self._world.needs:
            needs[job_id].append(self._world.jobs[needed]["status"])
        for job in self._world.jobs.values():
            if job["status"] != "blocked" or self._layers.is_waiting(job):
                continue
            if set(needs[job["id"]]) <= {"complete"}:
                yield f"job {job['id']} is blocked and waits for nothing: {job['reason']}"
        for plan in self._world.plans.values():
            if not plan["settled"]:
                yield f"{plan['id']} has not settled; {plan['entered']} of {plan['jobs']} jobs are queued"

    def _overwritten(self) -> Iterable[str]:
        tokens: dict[int, set[int]] = defaultdict(set)
        for fact in self._facts["acked"]:
            tokens[fact["job"]].add(fact["token"])
        for job, found in tokens.items():
            if len(found) > 1:
                yield f"job {job} was acknowledged with the tokens {sorted(found)}"
        adopted = of(self._facts, "adopting")
        for fact in self._facts["refused"]:
            job_row = self._world.jobs.get(fact["job"])
            if fact["job"] in adopted:
                continue
            if job_row is not None and job_row["status"] == "complete" and job_row["token"] == fact["token"]:
                yield f"job {fact['job']} was refused with token {fact['token']}, which it was committed with"
        for version in self._world.drawn:
            note = self._note(version["sha256"])
            if note and note["token"] != self._world.jobs[version["job_id"]]["token"]:
                yield f"{place(version)} comes from token {note['token']}, not from its job's last one"

    def _too_early(self) -> Iterable[str]:
        for fact in self._facts["unseen"]:
            if fact["token"] != self._world.jobs[fact["job"]]["token"]:
                # It was frozen, and looked when others had done its job and the plan's scaffold was gone.
                continue
            yield f"job {fact['job']} was handed out with token {fact['token']} without {fact['cells']}"
        yield from self._world.chronicle.too_early(self._world.needs)

    def _attempts(self) -> Iterable[str]:
        for fact in self._facts["taken"]:
            if fact["attempt"] < 1:
                yield f"job {fact['job']} was handed out as attempt {fact['attempt']}"
        adopted = of(self._facts, "adopting")
        whole = [
            row
            for row in self._world.jobs.values()
            if row["status"] == "complete" and row["id"] not in adopted
        ]
        yield from self._world.chronicle.wrong_attempts(whole, self._facts["taken"])

    def _paid_again(self) -> Iterable[str]:
        """Calls for what lay in the spool already, by somebody who could have known it."""
        spooled: dict[tuple[int, str], float] = {}
        for fact in self._facts["spooled"]:
            spooled.setdefault((fact["job"], fact["key"]), fact["at"])
        done = {fact["job"]: fact["at"] for fact in self._facts["acked"]}
        for fact in self._facts["calling"]:
            if spooled.get((fact["job"], fact["key"]), fact["since"]) < fact["since"]:
                if done.get(fact["job"], fact["since"]) < fact["since"]:
                    # It was frozen while others did the job; what is done is not kept in the spool.
                    continue
                yield f"job {fact['job']} was paid for again by {fact['who']} though its answer was kept"

    def _note(self, sha256: str) -> dict[str, Any] | None:
        """What the picture of that name says about itself; None if there is none, or it has other bytes."""
        if sha256 not in self._notes:
            try:
                found = self._blobs.read(sha256)
            except FileNotFoundError:
                found = b""
            whole = hashlib.sha256(found).hexdigest() == sha256
            self._notes[sha256] = note_in(found) if whole else None
        return self._notes[sha256]

    def _referenced(self) -> set[str]:
        return {row["sha256"] for row in (*self._world.versions, *self._world.orphans)}
