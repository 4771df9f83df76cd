"""The oracle: compares what was acknowledged with the database, the images and the model's bill."""

import hashlib
import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.blobs import Blobs
from services.drill.chronicle import Chronicle
from services.drill.ledger import Fact, facts
from services.drill.model import StubModel, content
from services.drill.picture import note_in
from services.drill.plans import FEW_MODEL
from services.drill.stage import FEW

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
        self._data = data
        self._blobs = Blobs(data / "blobs")
        self._model = model
        self._facts: dict[str, list[Fact]] = defaultdict(list)
        for fact in facts(ledgers):
            self._facts[fact["what"]].append(fact)
        # Not to be created by the one who looks.
        database = f"{(data / 'tilewright.db').as_uri()}?mode=rw"
        with closing(sqlite3.connect(database, uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            self._integrity = [row[0] for row in connection.execute("PRAGMA integrity_check")]
            self.jobs = {row["id"]: row for row in connection.execute("SELECT * FROM generation_queue")}
            self._plans = {row["id"]: row for row in connection.execute("SELECT * FROM plans")}
            self._versions = connection.execute("SELECT * FROM tile_versions ORDER BY version").fetchall()
            self._tiles = connection.execute("SELECT * FROM tiles").fetchall()
            self._needs = connection.execute("SELECT job_id, needs_id FROM dependencies").fetchall()
            self._orphans = connection.execute("SELECT * FROM orphan_results").fetchall()
            self._chronicle = Chronicle(connection.execute("SELECT seq, change FROM events ORDER BY seq"))
        self._notes: dict[str, dict[str, Any] | None] = {}
        self._made: dict[int, list[sqlite3.Row]] = defaultdict(list)
        for version in self._versions:
            self._made[version["job_id"]].append(version)

    def findings(self) -> list[Finding]:
        """Every question with what speaks against it."""
        return [
            Finding("lost: plans", list(self._lost_plans())),
            Finding("lost: results", list(self._lost_results())),
            Finding("lost: images on disk", list(self._lost_images())),
            Finding("done twice", list(self._twice())),
            Finding("stuck", list(self._stuck())),
            Finding("overwritten by a frozen worker", list(self._overwritten())),
            Finding("called off, yet committed", list(self._undead())),
            Finding("called off though nobody asked", list(self._called_off())),
            Finding(
                "handed out while paused", list(self._chronicle.begun_while_paused(self._facts["paused"]))
            ),
            Finding("more at once than the model allows", list(self._chronicle.beyond({FEW_MODEL: FEW}))),
            Finding("late results: lost, or not as told", list(self._late())),
            Finding("taken back, yet on the map", list(self._reverted())),
            Finding("edited, yet drawn as before", list(self._unedited())),
            Finding("handed out before what it needs", list(self._too_early())),
            Finding("attempts counted wrongly", list(self._attempts())),
            Finding("paid for again", list(self._paid_again())),
            Finding("integrity of the database", [row for row in self._integrity if row != "ok"]),
        ]

    def figures(self) -> dict[str, Any]:
        """What was done, as numbers."""
        committed = Counter(
            content(json.loads(row["quadrants"]) + json.loads(row["padding"]) + json.loads(row["scaffold"]),
                    row["prompt"])
            for row in self.jobs.values()
            if row["kind"] == "generate" and row["status"] == "complete"
        )  # fmt: skip
        steps = committed.total() or 1
        answered = sum(self._model.answered[name] for name in committed)
        begun = sum(self._model.begun[name] for name in committed)
        referenced = self._referenced()
        on_disk = {path.parent.name + path.stem for path in self._blobs.folder.glob("??/*.png")}
        return {
            "jobs": len(self.jobs),
            "states": dict(Counter(row["status"] for row in self.jobs.values())),
            "plans": len(self._plans),
            "steps_committed": committed.total(),
            "calls_answered": self._model.answered.total(),
            "calls_begun": self._model.begun.total(),
            "answered_per_step": round(answered / steps, 4),
            "begun_per_step": round(begun / steps, 4),
            "late_results_refused": len(self._facts["refused"]),
            "late_results_adopted": len(self._facts["adopted"]),
            "pauses": len(self._facts["paused"]),
            "orphan_results": len(self._orphans),
            "unreferenced_blobs": len(on_disk - referenced),
            "deaths": sum(row["deaths"] for row in self.jobs.values()),
            "most_attempts": max((row["attempt"] for row in self.jobs.values()), default=0),
        }

    def _lost_plans(self) -> Iterable[str]:
        offered = {fact["plan"] for fact in self._facts["offered"]}
        for fact in self._facts["accepted"]:
            if fact["plan"] not in self._plans:
                yield f"{fact['plan']} was accepted and is not there"
            for job in fact["jobs"]:
                if job not in self.jobs:
                    yield f"job {job} of {fact['plan']} was accepted and is not there"
        of_plan = Counter(row["plan_id"] for row in self.jobs.values())
        for plan, row in self._plans.items():
            if plan not in offered:
                yield f"{plan} is there and nobody offered it"
            there = range(row["first_job"], row["first_job"] + row["jobs"])
            if missing := [job for job in there if job not in self.jobs]:
                yield f"{plan} is there without its jobs {missing[:5]}"
            if row["jobs"] and not of_plan[plan]:
                yield f"{plan} has no job of its own"

    def _lost_results(self) -> Iterable[str]:
        for fact in self._facts["acked"]:
            job = self.jobs.get(fact["job"])
            if job is None or job["status"] != "complete":
                state = "gone" if job is None else job["status"]
                yield f"job {fact['job']} was acknowledged with token {fact['token']} and is {state}"
                continue
            made = {(row["layer"], row["x"], row["y"]): row["sha256"] for row in self._made[job["id"]]}
            told = {(layer, x, y): sha256 for layer, x, y, sha256 in fact["tiles"]}
            if made != told:
                yield f"job {fact['job']} has other pixels than were acknowledged with token {fact['token']}"
        for job in self.jobs.values():
            if job["status"] == "complete" and not self._made[job["id"]]:
                yield f"job {job['id']} is complete without a single image"

    def _lost_images(self) -> Iterable[str]:
        for version in self._versions:
            note = self._note(version["sha256"])
            if note is None:
                yield f"version {version['version']} of {_place(version)} has no image on disk, or another"
            elif note and (note["x"], note["y"], note["job"]) != (
                version["x"],
                version["y"],
                version["job_id"],
            ):
                yield f"version {version['version']} of {_place(version)} is a picture of {note}"
        standing = {row["version"] for row in self._tiles}
        known = {row["version"] for row in self._versions}
        for version in sorted(standing - known):
            yield f"version {version} stands on the map and is not known"

    def _twice(self) -> Iterable[str]:
        by_job = Counter((row["job_id"], row["layer"], row["x"], row["y"]) for row in self._versions)
        for place, count in by_job.items():
            if count > 1:
                yield f"job {place[0]} put {count} versions of {place[1:]} on the map"
        # No two plans of a drill ask for the same ground, so every quadrant is drawn once.
        drawn = Counter(
            (row["x"], row["y"])
            for row in self._versions
            if row["layer"] == "generation" and not row["scaffold"]
        )
        for cell, count in drawn.items():
            if count > 1:
                yield f"{cell} was drawn {count} times"
        steps = Counter(
            (row["plan_id"], row["step"]) for row in self.jobs.values() if row["kind"] == "generate"
        )
        for step, count in steps.items():
            if count > 1:
                yield f"step {step} has {count} jobs"

    def _stuck(self) -> Iterable[str]:
        for job in self.jobs.values():
            if job["status"] in ("pending", "processing", "error"):
                yield f"job {job['id']} is {job['status']}: {job['reason'] or job['doing'] or 'no reason'}"
        needs = defaultdict(list)
        for job_id, needed in self._needs:
            needs[job_id].append(self.jobs[needed]["status"])
        for job in self.jobs.values():
            if job["status"] == "blocked" and set(needs[job["id"]]) <= {"complete"}:
                yield f"job {job['id']} is blocked and waits for nothing: {job['reason']}"
        for plan in self._plans.values():
            if not plan["settled"]:
                yield f"{plan['id']} has not settled"

    def _overwritten(self) -> Iterable[str]:
        tokens: dict[int, set[int]] = defaultdict(set)
        for fact in self._facts["acked"]:
            tokens[fact["job"]].add(fact["token"])
        for job, found in tokens.items():
            if len(found) > 1:
                yield f"job {job} was acknowledged with the tokens {sorted(found)}"
        adopted = self._of("adopting")
        for fact in self._facts["refused"]:
            job_row = self.jobs.get(fact["job"])
            if fact["job"] in adopted:
                continue
            if job_row is not None and job_row["status"] == "complete" and job_row["token"] == fact["token"]:
                yield f"job {fact['job']} was refused with token {fact['token']}, which it was committed with"
        for version in self._versions:
            note = self._note(version["sha256"]) if version["layer"] == "generation" else {}
            if note and note["token"] != self.jobs[version["job_id"]]["token"]:
                yield f"{_place(version)} comes from token {note['token']}, not from its job's last one"

    def _undead(self) -> Iterable[str]:
        for job in self.jobs.values():
            if job["status"] == "cancelled" and self._made[job["id"]]:
                yield f"job {job['id']} was called off and has images"
        revived = self._of("retrying") | self._of("adopting")
        for fact in self._facts["cancelled_job"]:
            if fact["job"] not in revived and self.jobs[fact["job"]]["status"] != "cancelled":
                yield f"job {fact['job']} was called off and is {self.jobs[fact['job']]['status']}"
        off = {fact["plan"] for fact in self._facts["cancelled_plan"]}
        off -= {fact["plan"] for fact in self._facts["retrying"]}
        for job in self.jobs.values():
            if job["plan_id"] in off and job["status"] not in ("complete", "cancelled"):
                yield f"job {job['id']} of {job['plan_id']}, which was called off, is {job['status']}"

    def _called_off(self) -> Iterable[str]:
        asked = self._facts["cancelling"]
        jobs = {fact["job"] for fact in asked if "job" in fact}
        plans = {(fact["plan"], fact.get("of")) for fact in asked if "plan" in fact}
        for job in self.jobs.values():
            named = job["id"] in jobs or plans & {(job["plan_id"], None), (job["plan_id"], job["kind"])}
            if job["status"] == "cancelled" and not named:
                yield f"job {job['id']} of {job['plan_id']} was called off and nobody named it"

    def _late(self) -> Iterable[str]:
        """What came too late is kept whole until somebody deletes it; what was adopted is on the map."""
        kept: dict[tuple[int, int], set[tuple[Any, ...]]] = defaultdict(set)
        numbers = {}
        for row in self._orphans:
            kept[row["job_id"], row["token"]].add((row["layer"], row["x"], row["y"], row["sha256"]))
            numbers[row["id"]] = row
        deleting = self._of("deleting")
        for fact in self._facts["refused"]:
            told = {(layer, x, y, sha256) for layer, x, y, sha256 in fact["tiles"]}
            if kept[fact["job"], fact["token"]] != told and fact["job"] not in deleting:
                yield f"job {fact['job']}: what came too late with token {fact['token']} is not kept"
        for fact in self._facts["adopted"]:
            job, made = self.jobs[fact["job"]], self._made[fact["job"]]
            found = {(row["layer"], row["x"], row["y"], row["sha256"]) for row in made}
            if job["status"] != "complete" or found != {tuple(tile) for tile in fact["tiles"]}:
                yield f"job {job['id']} is {job['status']} and not what was adopted for it"
            taken = numbers.get(fact["orphan"])
            if taken is None or not taken["adopted"]:
                yield f"late result {fact['orphan']} was adopted and is not written down so"
        for fact in self._facts["deleted"]:
            there = numbers.get(fact["orphan"])
            # Handed in once more, since its answer was lost, it is kept again under a new number.
            if there is not None and there["job_id"] == fact["job"]:
                yield f"late result {fact['orphan']} of job {fact['job']} was deleted and is there"

    def _reverted(self) -> Iterable[str]:
        """What somebody took off the map stays off it, and what they put back stands."""
        of_plan: dict[str, set[tuple[int, int]]] = defaultdict(set)
        for row in self._versions:
            if row["layer"] == "generation" and not row["scaffold"]:
                of_plan[self.jobs[row["job_id"]]["plan_id"]].add((row["x"], row["y"]))
        wanted: dict[tuple[int, int], int] = {}
        for fact in sorted(self._facts["reverted_plan"] + self._facts["reverted"], key=lambda it: it["at"]):
            if fact["what"] == "reverted":
                wanted[fact["x"], fact["y"]] = fact["version"]
            else:
                wanted.update(dict.fromkeys(of_plan[fact["plan"]], 0))
        standing = {
            (row["x"], row["y"]): row["version"] for row in self._tiles if row["layer"] == "generation"
        }
        for cell, version in wanted.items():
            if standing.get(cell, 0) != version:
                yield f"{cell} was taken back to version {version} and shows {standing.get(cell, 0)}"

    def _of(self, what: str) -> set[int]:
        """The jobs that facts of a kind are about."""
        return {fact["job"] for fact in self._facts[what]}

    def _unedited(self) -> Iterable[str]:
        last = {fact["job"]: fact["prompt"] for fact in self._facts["edited"]}
        for job_id, prompt in last.items():
            for version in self._made[job_id]:
                if version["prompt"] != prompt:
                    yield f"{_place(version)} of job {job_id} was drawn as {version['prompt']!r}"

    def _too_early(self) -> Iterable[str]:
        for fact in self._facts["unseen"]:
            if fact["token"] != self.jobs[fact["job"]]["token"]:
                # It was frozen, and looked when others had done its job and the plan's scaffold was gone.
                continue
            yield f"job {fact['job']} was handed out with token {fact['token']} without {fact['cells']}"
        yield from self._chronicle.too_early(self._needs)

    def _attempts(self) -> Iterable[str]:
        for fact in self._facts["taken"]:
            if fact["attempt"] < 1:
                yield f"job {fact['job']} was handed out as attempt {fact['attempt']}"
        adopted = self._of("adopting")
        whole = [
            row for row in self.jobs.values() if row["status"] == "complete" and row["id"] not in adopted
        ]
        yield from self._chronicle.wrong_attempts(whole, self._facts["taken"])

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
        return {row["sha256"] for row in (*self._versions, *self._orphans)}


def _place(version: sqlite3.Row) -> str:
    return f"{version['layer']} {version['x']},{version['y']}"
