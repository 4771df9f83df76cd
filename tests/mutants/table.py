"""The mutants: a text of the program, what stands there instead, and the command that must fail then."""

from dataclasses import dataclass
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
DRILL = ("supervisor.py", "drill", "--seeds", "1")


@dataclass(frozen=True)
class Mutant:
    """One way in which the program could be wrong."""

    name: str
    file: str
    text: str
    instead: str
    caught_by: tuple[str, ...]
    """Words after `python`: a drill, or pytest with the tests that are meant."""

    @property
    def command(self) -> str:
        """The command as it is shown."""
        words = self.caught_by[6:] if self.caught_by[0] == "-m" else self.caught_by
        return " ".join(words)


def _tests(*names: str) -> tuple[str, ...]:
    return ("-m", "pytest", "-q", "-x", "-n", "0", *names)


MUTANTS = (
    Mutant(
        "no fencing",
        "services/keeper/lifecycle.py",
        'return job.token == token and (\n        job.state == "processing"',
        'return job.token >= token and (\n        job.state == "processing"',
        _tests("tests/keeper/test_lease.py", "-k", "ran_out"),
    ),
    Mutant(
        "plans that come in together do not see each other",
        "services/keeper/bundle.py",
        "not taken.isdisjoint(around or ())",
        "False",
        _tests("tests/keeper/test_bundle.py"),
    ),
    Mutant(
        "no fencing on touch",
        "services/keeper/lifecycle.py",
        'return job.state == "processing" and job.token == token',
        'return job.state == "processing"',
        _tests("tests/keeper/test_lease.py"),
    ),
    Mutant(
        "what was promised to a plan in its file is forgotten",
        "services/keeper/planner.py",
        "store.staged.last_id()",
        "0",
        _tests("tests/keeper/test_entering.py", "-k", "no_job"),
    ),
    Mutant(
        "no rescue of leases that ran out",
        "services/keeper/reaper.py",
        "\"status = 'processing' AND lease_expires_at <= ?\"",
        "\"status = 'processing' AND lease_expires_at < 0 * ?\"",
        _tests("tests/keeper/test_lease.py"),
    ),
    Mutant(
        "answered before the commit",
        "services/keeper/batch.py",
        '            failpoint("before_commit")\n            self._store.commit()\n',
        "            for letter, body in answers:\n                letter.reply(body)\n"
        '            failpoint("before_commit")\n            self._store.commit()\n',
        _tests("tests/keeper/test_commit.py", "-k", "killed"),
    ),
    Mutant(
        "attempts counted at failure instead of at the lease",
        "services/keeper/lifecycle.py",
        "        attempt=job.attempt + 1,\n",
        "        attempt=job.attempt,\n",
        (*DRILL, "--jobs", "60", "--faults", "0"),
    ),
    Mutant(
        "the same plan again is another plan",
        "services/keeper/planner.py",
        "return {plan.id: _accepted(plan, duplicate=True) for plan in found.values()}",
        "return {}",
        _tests("tests/keeper/test_publish.py"),
    ),
    Mutant(
        "the same request gets another lease",
        "services/keeper/workers.py",
        "        if held is not None:\n",
        "        if False:\n",
        _tests("tests/keeper/test_lease.py"),
    ),
    Mutant(
        "no spool",
        "services/spool.py",
        "return self._path(job, key).read_bytes()",
        "return None",
        (*DRILL, "--jobs", "250", "--faults", "60", "--kills", "0", "--stops", "0"),
    ),
    Mutant(
        "dependants released too early",
        "services/keeper/dependencies.py",
        "AND n.status <> 'complete')\",\n            (job_id,),",
        "AND n.status = 'blocked')\",\n            (job_id,),",
        (*DRILL, "--jobs", "60", "--faults", "0"),
    ),
    Mutant(
        "no look at the seam when a step is handed out",
        "services/keeper/legality.py",
        "    if isinstance(found, Window):",
        "    return window\n    if isinstance(found, Window):",
        _tests("tests/keeper/test_barred.py"),
    ),
    Mutant(
        "no watchdog",
        "services/supervision/watchdog.py",
        'child.kill(f"was silent for',
        'str(f"was silent for',
        _tests("tests/supervisor/test_restart.py", "--timeout", "60", "-k", "hangs"),
    ),
    Mutant(
        "no grace after a restart of the keeper",
        "services/keeper/lifecycle.py",
        "lease_expires_at=max(job.lease_expires_at, steady + GRACE_SECONDS)",
        "lease_expires_at=job.lease_expires_at",
        _tests("tests/keeper/test_lease.py"),
    ),
    Mutant(
        "leases go by the wall's clock",
        "services/keeper/clock.py",
        "return self._monotonic() + self._base",
        "return wall()",
        _tests("tests/keeper/test_clock.py"),
    ),
    Mutant(
        "a cancelled job is still committed",
        "services/keeper/lifecycle.py",
        'job.state == "processing" or (job.state == "pending" and job.lease_worker != "")',
        'job.state in ("processing", "cancelled") or (job.state == "pending" and job.lease_worker != "")',
        _tests("tests/keeper/test_lease.py"),
    ),
    Mutant(
        "a job that is handed back costs an attempt",
        "services/keeper/lifecycle.py",
        'attempt=max(0, job.attempt - 1), lease_worker="", doing="")\n\n\ndef cancel',
        'lease_worker="", doing="")\n\n\ndef cancel',
        _tests("tests/keeper/test_lifecycle.py", "tests/keeper/test_lease.py"),
    ),
    Mutant(
        "a database that is missing is made anew over an old world",
        "services/keeper/database.py",
        "        if left:\n",
        "        if False:\n",
        _tests("tests/keeper/test_database.py"),
    ),
    Mutant(
        "what memory knew is kept though the commit failed",
        "services/keeper/batch.py",
        "            self._store.rollback()\n            undo()\n            self._one_by_one(asked, error)",
        "            self._store.rollback()\n            self._one_by_one(asked, error)",
        _tests("tests/keeper/test_database.py"),
    ),
    Mutant(
        "jobs are handed out though everything is paused",
        "services/keeper/workers.py",
        "        if self._store.paused:\n",
        "        if False:\n",
        (*DRILL, "--seed", "1", "--jobs", "250", "--faults", "60", "--kills", "0", "--stops", "0"),
    ),
    Mutant(
        "a model is called as often at once as anybody likes",
        "services/keeper/workers.py",
        "if m.at_once}",
        "if False}",
        (*DRILL, "--jobs", "150", "--faults", "0"),
    ),
    Mutant(
        "results that come too late are thrown away",
        "services/keeper/work.py",
        "            self._keep_late(job, ack, handed)\n",
        "",
        (*DRILL, "--seed", "2", "--jobs", "250", "--faults", "40", "--kills", "0", "--stops", "12"),
    ),
    Mutant(
        "a model goes on beyond its daily budget",
        "services/keeper/spending.py",
        "        if budget is not None and not fits(",
        "        if False and not fits(",
        _tests("tests/keeper/test_spending.py"),
    ),
    Mutant(
        "a plan goes on beyond its cap",
        "services/keeper/spending.py",
        "            if plan.cap is not None and not fits(plan.spent, price, plan.cap):\n",
        "            if False:\n",
        _tests("tests/keeper/test_spending.py"),
    ),
    Mutant(
        "a call whose worker died costs nothing",
        "services/keeper/purse.py",
        "return Account(price, self.held)",
        "return Account(price, 0.0)",
        _tests("tests/keeper/test_spending.py"),
    ),
    Mutant(
        "a call that was never answered costs nothing",
        "services/keeper/purse.py",
        "presumed = self.presumed + self.reserved * max(0, unsettled - goes_on)",
        "presumed = self.presumed",
        _tests("tests/keeper/test_spending.py"),
    ),
    Mutant(
        "a clock that is set back begins a budget anew",
        "services/keeper/purse.py",
        "return latest if latest == today + 1 else today",
        "return today",
        _tests("tests/keeper/test_days.py"),
    ),
    Mutant(
        "a call that is told by its maker and by its finder counts twice",
        "services/keeper/purse.py",
        "        return max(0.0, cost - abs(retold)), ",
        "        return cost, ",
        _tests("tests/keeper/test_spending.py"),
    ),
    Mutant(
        "candidates take the ground of the map",
        "services/keeper/entry.py",
        'job.kind == "palette" or job.candidate',
        'job.kind == "palette"',
        _tests("tests/keeper/test_candidates.py"),
    ),
    Mutant(
        "a layer is read where only another one is being drawn",
        "services/keeper/whereabouts.py",
        'f"AND {_DRAWING} AND q.layer = ?5 ORDER BY q.id"',
        'f"AND {_DRAWING} AND (q.layer = ?5 OR 1) ORDER BY q.id"',
        _tests("tests/keeper/test_layers.py"),
    ),
    Mutant(
        "a model that is down is called again and again",
        "services/keeper/circuit.py",
        "    trips = circuit.trips + 1\n",
        "    trips = 0\n",
        _tests("tests/keeper/test_circuit.py"),
    ),
    Mutant(
        "what the provider calls a call is not handed to who goes on with it",
        "services/keeper/workers.py",
        "            handle=job.handle,\n",
        '            handle="",\n',
        _tests("tests/keeper/test_handles.py"),
    ),
    Mutant(
        "a provider's pause is not heeded",
        "services/keeper/throttle.py",
        "    seconds = min(retry_after, LONGEST_LIMIT_SECONDS) if retry_after else 1.0 + own",
        "    seconds = 1.0 + own",
        _tests("tests/keeper/test_pause.py"),
    ),
)
