"""The tallies: how many jobs and tiles there are, kept by triggers, so that nobody counts rows."""

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass, field

from protocol.message import JobKind, JobState, Layer
from services.keeper.schema import RENDERED

STATES: tuple[JobState, ...] = ("blocked", "pending", "processing", "complete", "error", "cancelled")


@dataclass
class PlanTally:
    """The jobs of one plan, summed up."""

    states: dict[str, int] = field(default_factory=dict)
    calls_left: int = 0
    """Model calls that have not ended, those that are held among them."""
    renders_left: int = 0
    done: int = 0
    """Quadrants that it has put on the map; of a plan that only renders, those rendered."""
    cost: float = 0.0


class Tallies:
    """What the triggers of the schema count. A row that has gone to nought stays, as a nought."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def queue(self) -> list[tuple[JobState, str, int]]:
        """How many jobs there are by state and model; renders and palettes are of the model ''."""
        rows = self._connection.execute("SELECT status, model_id, jobs FROM queue_tally WHERE jobs <> 0")
        return [(row[0], row[1], row[2]) for row in rows]

    def states(self) -> dict[JobState, int]:
        """How many jobs there are in each state."""
        found = dict.fromkeys(STATES, 0)
        for state, _, jobs in self.queue():
            found[state] += jobs
        return found

    def plans(self, plan_ids: Collection[str]) -> dict[str, PlanTally]:
        """The jobs of each plan."""
        found = {plan_id: PlanTally() for plan_id in plan_ids}
        drawn: dict[str, dict[str, int]] = {plan_id: {} for plan_id in plan_ids}
        rows = self._connection.execute(
            "SELECT t.plan_id, t.kind, t.status, t.jobs, t.quadrants, t.cost FROM json_each(?) p "
            "CROSS JOIN plan_tally t ON t.plan_id = p.value WHERE t.jobs <> 0",
            (json.dumps(list(plan_ids)),),
        )
        for plan_id, kind, state, jobs, quadrants, cost in rows:
            plan = found[plan_id]
            plan.states[state] = plan.states.get(state, 0) + jobs
            plan.cost += cost
            if state in ("blocked", "pending", "processing"):
                plan.calls_left += jobs * (kind == "generate")
                plan.renders_left += jobs * (kind != "generate")
            drawn[plan_id].setdefault(kind, 0)
            drawn[plan_id][kind] += quadrants * (state == "complete")
        for plan_id, by_kind in drawn.items():
            found[plan_id].done = by_kind.get("generate", by_kind.get("render", 0))
        return found

    def of_plan(self, plan_id: str, *, states: Collection[str], kind: JobKind | None) -> int:
        """How many jobs a plan has in these states, all if none is given, of that kind."""
        row = self._connection.execute(
            "SELECT total(jobs) FROM plan_tally WHERE plan_id = ?1 AND (?2 IS NULL OR kind = ?2) "
            "AND (?3 = '[]' OR status IN (SELECT value FROM json_each(?3)))",
            (plan_id, kind, json.dumps(list(states))),
        ).fetchone()
        return int(row[0])

    def layers(self) -> dict[Layer, int]:
        """The layers that models have drawn something of, each with how many quadrants of it stand."""
        rows = self._connection.execute(
            f"SELECT layer, tiles FROM tile_tally WHERE tiles > 0 AND layer NOT IN {RENDERED} ORDER BY layer"
        )
        return {row[0]: row[1] for row in rows}

    def tiles(self, layer: Layer) -> int:
        """How many quadrants of the layer stand on the map."""
        row = self._connection.execute("SELECT tiles FROM tile_tally WHERE layer = ?", (layer,)).fetchone()
        return int(row[0]) if row else 0
