"""The wishes: what people were told would be, compared with what is."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from services.drill.ledger import Facts, of
from services.drill.remains import Remains, place


class Wishes:
    """What was called off, adopted, deleted, taken back and edited, as the ledgers have it."""

    def __init__(self, world: Remains, facts: Facts) -> None:
        self._world = world
        self._facts = facts

    def undead(self) -> Iterable[str]:
        """Jobs that were called off and went on all the same."""
        for job in self._world.jobs.values():
            if job["status"] == "cancelled" and self._world.made[job["id"]]:
                yield f"job {job['id']} was called off and has images"
        revived = of(self._facts, "retrying") | of(self._facts, "adopting")
        for fact in self._facts["cancelled_job"]:
            if fact["job"] not in revived and self._world.jobs[fact["job"]]["status"] != "cancelled":
                yield f"job {fact['job']} was called off and is {self._world.jobs[fact['job']]['status']}"
        off = {fact["plan"] for fact in self._facts["cancelled_plan"]}
        off -= {fact["plan"] for fact in self._facts["retrying"]}
        for job in self._world.jobs.values():
            if job["plan_id"] in off and job["status"] not in ("complete", "cancelled"):
                yield f"job {job['id']} of {job['plan_id']}, which was called off, is {job['status']}"

    def called_off(self) -> Iterable[str]:
        """Jobs that were called off and that nobody had named."""
        asked = self._facts["cancelling"]
        jobs = {fact["job"] for fact in asked if "job" in fact}
        plans = {(fact["plan"], fact.get("of")) for fact in asked if "plan" in fact}
        for job in self._world.jobs.values():
            named = job["id"] in jobs or plans & {(job["plan_id"], None), (job["plan_id"], job["kind"])}
            if job["status"] == "cancelled" and not named:
                yield f"job {job['id']} of {job['plan_id']} was called off and nobody named it"

    def late(self) -> Iterable[str]:
        """What came too late is kept whole until somebody deletes it; what was adopted is on the map."""
        kept: dict[tuple[int, int], set[tuple[Any, ...]]] = defaultdict(set)
        numbers = {}
        for row in self._world.orphans:
            kept[row["job_id"], row["token"]].add((row["layer"], row["x"], row["y"], row["sha256"]))
            numbers[row["id"]] = row
        deleting = of(self._facts, "deleting")
        for fact in self._facts["refused"]:
            told = {(layer, x, y, sha256) for layer, x, y, sha256 in fact["tiles"]}
            if kept[fact["job"], fact["token"]] != told and fact["job"] not in deleting:
                yield f"job {fact['job']}: what came too late with token {fact['token']} is not kept"
        for fact in self._facts["adopted"]:
            job, made = self._world.jobs[fact["job"]], self._world.made[fact["job"]]
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

    def reverted(self) -> Iterable[str]:
        """What somebody took off the map stays off it, and what they put back stands."""
        of_plan: dict[str, set[tuple[str, int, int]]] = defaultdict(set)
        for row in self._world.drawn:
            if not row["scaffold"]:
                of_plan[self._world.jobs[row["job_id"]]["plan_id"]].add((row["layer"], row["x"], row["y"]))
        wanted: dict[tuple[str, int, int], int] = {}
        for fact in sorted(self._facts["reverted_plan"] + self._facts["reverted"], key=lambda it: it["at"]):
            if fact["what"] == "reverted":
                wanted[fact["layer"], fact["x"], fact["y"]] = fact["version"]
            else:
                wanted.update(dict.fromkeys(of_plan[fact["plan"]], 0))
        standing = {(row["layer"], row["x"], row["y"]): row["version"] for row in self._world.tiles}
        for cell, version in wanted.items():
            if standing.get(cell, 0) != version:
                yield f"{cell} was taken back to version {version} and shows {standing.get(cell, 0)}"

    def unedited(self) -> Iterable[str]:
        """Jobs that were drawn as they had been asked for before."""
        last = {fact["job"]: fact["prompt"] for fact in self._facts["edited"]}
        for job_id, prompt in last.items():
            for version in self._world.made[job_id]:
                if version["prompt"] != prompt:
                    yield f"{place(version)} of job {job_id} was drawn as {version['prompt']!r}"
