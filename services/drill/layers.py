"""The layers: whether each stands by itself, and was drawn from what stood in the one that it reads."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from services.drill.ledger import Facts
from services.drill.remains import Remains, place

Note = Callable[[str], dict[str, Any] | None]
"""What the picture of that hash says about itself."""


class Layers:
    """Everything that models have drawn, layer by layer."""

    def __init__(self, world: Remains, facts: Facts, note: Note) -> None:
        self._world = world
        self._facts = facts
        self._note = note

    def without_input(self) -> Iterable[str]:
        """Tiles that were drawn from nothing, or from what was never there, and leases that asked for it."""
        known = {row["version"]: row for row in self._world.versions}
        for version in self._world.drawn:
            job = self._world.jobs[version["job_id"]]
            if job["input_layer"] == "render" or version["scaffold"]:
                continue
            source = (self._note(version["sha256"]) or {}).get("from", 0)
            read = known.get(source)
            there = (job["input_layer"], version["x"], version["y"])
            if read is None or (read["layer"], read["x"], read["y"]) != there or source > version["version"]:
                yield f"{place(version)} was drawn from version {source}, which does not lie under it"
            elif (version["version"], source) not in self._world.seen:
                yield f"{place(version)} was drawn from version {source}, and does not say so"
        off = {(it["layer"], it["x"], it["y"]) for it in self._facts["reverting"]}
        plans = {fact["plan"] for fact in self._facts["reverting_plan"]}
        for row in self._world.drawn:
            if self._world.jobs[row["job_id"]]["plan_id"] in plans:
                off.add((row["layer"], row["x"], row["y"]))
        for fact in self._facts["unread"]:
            if lacking := [cell for cell in fact["cells"] if (fact["layer"], *cell) not in off]:
                yield f"job {fact['job']} was handed out without {lacking} of {fact['layer']}"

    def mixed_up(self) -> Iterable[str]:
        """Tiles that stand twice, elsewhere, or in a layer that their job or their plan does not draw."""
        known = {row["version"]: row for row in self._world.versions}
        standing = Counter((row["layer"], row["x"], row["y"]) for row in self._world.tiles)
        for where, count in standing.items():
            if count > 1:
                yield f"{where} stands {count} times"
        for tile in self._world.tiles:
            version = known.get(tile["version"])
            if version is not None and place(version) != place(tile):
                yield f"{place(tile)} shows version {tile['version']}, which is of {place(version)}"
        for version in self._world.drawn:
            job = self._world.jobs[version["job_id"]]
            if version["layer"] != job["layer"]:
                yield f"{place(version)} comes from job {job['id']}, which draws {job['layer']}"
        for job in self._world.jobs.values():
            plan = self._world.plans.get(job["plan_id"])
            if job["kind"] == "generate" and plan is not None and job["layer"] != plan["layer"]:
                yield f"job {job['id']} draws {job['layer']}, its plan {plan['layer']}"

    def drawn_twice(self) -> Iterable[str]:
        """Quadrants of a layer that two jobs have drawn: no two plans of a drill ask for the same there."""
        jobs: dict[tuple[str, int, int], list[int]] = defaultdict(list)
        for row in self._world.drawn:
            # What people choose of a comparison follows each other in one place.
            if not row["scaffold"] and not self._world.jobs[row["job_id"]]["candidate"]:
                jobs[row["layer"], row["x"], row["y"]].append(row["job_id"])
        for where, found in jobs.items():
            if len(found) > 1:
                yield f"{where} was drawn {len(found)} times, by jobs {found[:5]}"

    def is_waiting(self, job: Any) -> bool:
        """Whether a step waits for its input, which has been taken off the map."""
        if job["error_class"] != "seam" or job["input_layer"] in ("", "render"):
            return False
        there = {(row["x"], row["y"]) for row in self._world.tiles if row["layer"] == job["input_layer"]}
        return any((x, y) not in there for x, y in json.loads(job["quadrants"]))
