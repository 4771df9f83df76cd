"""The choices: candidates of comparisons on the map exactly if somebody chose them, and then once."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from services.drill.ledger import Facts, of
from services.drill.remains import Remains, place


class Choices:
    """What was made to be compared, and what people were told when they chose."""

    def __init__(self, world: Remains, facts: Facts) -> None:
        self._world = world
        self._facts = facts
        self.jobs = {row["id"] for row in world.jobs.values() if row["candidate"]}
        self._kept: dict[tuple[int, int], set[tuple[str, int, int, str]]] = defaultdict(set)
        for row in world.orphans:
            if row["candidate"]:
                self._kept[row["job_id"], row["token"]].add((row["layer"], row["x"], row["y"], row["sha256"]))

    def lost(self) -> Iterable[str]:
        """Candidates that were acknowledged and are neither kept whole nor deleted by somebody."""
        deleting = of(self._facts, "deleting")
        for fact in self._facts["acked"]:
            if fact["job"] not in self.jobs or fact["job"] in deleting:
                continue
            told = {(layer, x, y, sha256) for layer, x, y, sha256 in fact["tiles"]}
            if self._kept[fact["job"], fact["token"]] != told:
                yield f"the candidate of job {fact['job']}, token {fact['token']}, is not kept"

    def unasked(self) -> Iterable[str]:
        """Candidates on the map that nobody chose, or that are not what was chosen."""
        choosing = of(self._facts, "adopting")
        for version in self._world.versions:
            if version["job_id"] not in self.jobs:
                continue
            if version["job_id"] not in choosing:
                yield f"{place(version)} is a candidate, of job {version['job_id']}, that nobody chose"
            tile = (version["layer"], version["x"], version["y"], version["sha256"])
            if tile not in self._kept[version["job_id"], version["token"]]:
                yield f"{place(version)} of job {version['job_id']} is none of its candidates"
        for row in self._world.orphans:
            if row["candidate"] and row["adopted"] and row["job_id"] not in choosing:
                yield f"candidate {row['id']} of job {row['job_id']} counts as chosen, by nobody"

    def unheeded(self) -> Iterable[str]:
        """Candidates that were chosen and came onto the map not once, or that another one hides."""
        standing = {(row["layer"], row["x"], row["y"]): row["version"] for row in self._world.tiles}
        last: dict[str, int] = {}
        for fact in self._facts["adopted"]:
            if fact["job"] not in self.jobs:
                continue
            last[self._world.jobs[fact["job"]]["plan_id"]] = fact["job"]
            made = Counter((row["layer"], row["x"], row["y"]) for row in self._world.made[fact["job"]])
            for layer, x, y, _ in fact["tiles"]:
                if (count := made[layer, x, y]) != 1:
                    yield f"job {fact['job']} was chosen and is {count} times on {layer} {x},{y}"
        # Who chose another one and was not answered may have been heard all the same.
        answered = of(self._facts, "adopted")
        open_ = {self._world.jobs[job]["plan_id"] for job in of(self._facts, "adopting") - answered}
        for plan_id, job_id in last.items():
            for row in self._world.made[job_id]:
                stands = standing.get((row["layer"], row["x"], row["y"]), 0)
                if stands != row["version"] and plan_id not in open_:
                    yield f"{plan_id}: job {job_id} was chosen last, and {place(row)} shows version {stands}"
