"""The chronicle: what the log of events says about the order in which things were done."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.drill.ledger import Fact

Change = dict[str, Any]


class Chronicle:
    """Every change of a job and of what is paused, numbered in the order of the commits."""

    def __init__(self, rows: Iterable[Sequence[Any]]) -> None:
        changes = [(int(seq), float(at), json.loads(change)) for seq, at, change in rows]
        self._jobs: list[tuple[int, Change]] = [(seq, it) for seq, _, it in changes if it["kind"] == "job"]
        self.leases = [
            (int(it["job"]), at)
            for _, at, it in changes
            if it["kind"] == "job" and it["state"] == "processing"
        ]
        """Every lease in the order in which they were given: the job, and the time of the keeper's clock."""

    def begun_while_paused(self, paused: Iterable[Fact]) -> Iterable[str]:
        """Leases between two looks at a queue in which all, a model or a plan was paused."""
        leases = [(seq, it) for seq, it in self._jobs if it["state"] == "processing"]
        for fact in paused:
            named = {key: fact[key] for key in ("model_id", "plan") if key in fact}
            for seq, it in leases:
                if fact["since"] < seq <= fact["until"] and all(it.get(key) == named[key] for key in named):
                    what = " ".join(named.values()) or "everything"
                    yield f"job {it['job']} was handed out at event {seq}, though {what} was paused"

    def beyond(self, limits: Mapping[str, int]) -> Iterable[str]:
        """Leases of a model of which as many jobs as it allows were in hands already."""
        in_hands: dict[str, set[int]] = {model: set() for model in limits}
        for seq, it in self._jobs:
            held = in_hands.get(it.get("model_id", ""))
            if held is None:
                continue
            if it["state"] == "processing":
                held.add(it["job"])
            else:
                held.discard(it["job"])
            if len(held) > limits[it["model_id"]]:
                yield f"job {it['job']} was handed out at event {seq}, as number {len(held)} at once"

    def too_early(self, needs: Iterable[Sequence[int]]) -> Iterable[str]:
        """Jobs that were begun before what they need was done."""
        completed: dict[int, int] = {}
        begun: dict[int, int] = {}
        for seq, it in self._jobs:
            if it["state"] == "complete":
                completed[it["job"]] = seq
            elif it["state"] == "processing":
                begun[it["job"]] = seq
        for job, needed in needs:
            if job in begun and begun[job] < completed.get(needed, begun[job] + 1):
                yield f"job {job} was begun before job {needed} was done"

    def wrong_attempts(self, jobs: Iterable[sqlite3.Row], taken: Iterable[Fact]) -> Iterable[str]:
        """Jobs whose attempts do not fit how often they were handed out, by the log and by workers."""
        leases: Counter[int] = Counter()
        since: Counter[int] = Counter()
        for _, it in self._jobs:
            if it["state"] == "processing":
                leases[it["job"]] += 1
                since[it["job"]] += 1
            elif it["state"] in ("error", "cancelled"):
                since[it["job"]] = 0
        for job in jobs:
            if not 1 <= job["attempt"] <= since[job["id"]]:
                yield f"job {job['id']}: attempt {job['attempt']} after {since[job['id']]} leases"
            # As many as its deaths: the last of those workers was only late.
            if job["attempt"] < job["deaths"]:
                yield f"job {job['id']}: attempt {job['attempt']} after {job['deaths']} dead workers"
        given = {(fact["job"], fact["token"]) for fact in taken}
        for job_id, count in Counter(job_id for job_id, _ in given).items():
            if count > leases[job_id]:
                yield f"job {job_id} was given out {count} times, {leases[job_id]} of them are written down"
