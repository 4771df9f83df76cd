"""The accounts: what models have spent today and what plans may have spent, in `models` and `plans`."""

import sqlite3
from dataclasses import dataclass

from services.keeper.purse import booked_on


@dataclass(frozen=True)
class PlanAccount:
    """How a plan with a cap stands."""

    cap: float | None
    spent: float
    """What is known to have been spent, and what may have been."""
    capped: bool
    """Whether its cap has paused it."""

    @property
    def left(self) -> float | None:
        """What it may still spend; None without a cap."""
        return None if self.cap is None else max(0.0, self.cap - self.spent)


class Accounts:
    """Reads and writes amounts; what they mean is said in purse.py."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def day(self, model_id: str, today: int) -> int:
        """The day on which calls that a model makes today count."""
        row = self._connection.execute("SELECT day FROM models WHERE model_id = ?", (model_id,)).fetchone()
        return booked_on(today, row[0] if row else None)

    def spent(self, model_id: str, day: int) -> float:
        """What a model has spent on a day, with what is reserved."""
        row = self._connection.execute(
            "SELECT spent FROM models WHERE model_id = ? AND day = ?", (model_id, day)
        ).fetchone()
        return float(row[0]) if row else 0.0

    def spend(self, model_id: str, day: int, amount: float) -> None:
        """Add what a model spends; what was spent on another day is forgotten."""
        self._connection.execute(
            "INSERT INTO models (model_id, paused, until, reason, strikes, day, spent) "
            "VALUES (?1, 0, 0, '', 0, ?2, ?3) ON CONFLICT (model_id) DO UPDATE SET "
            "spent = CASE day WHEN ?2 THEN max(0, spent + ?3) ELSE ?3 END, day = ?2",
            (model_id, day, amount),
        )

    def correct(self, model_id: str, day: int, amount: float) -> None:
        """Add to what a model spent on a day, or take from it, unless another day has begun."""
        self._connection.execute(
            "UPDATE models SET spent = max(0, spent + ?3) WHERE model_id = ?1 AND day = ?2",
            (model_id, day, amount),
        )

    def shut(self, model_id: str, shut: bool) -> None:
        """Write down whether a model's budget has room for no other call."""
        self._connection.execute("UPDATE models SET shut = ? WHERE model_id = ?", (int(shut), model_id))

    def shut_models(self) -> list[str]:
        """The models whose budget had room for no other call when it was last looked at."""
        return [row[0] for row in self._connection.execute("SELECT model_id FROM models WHERE shut = 1")]

    def plan(self, plan_id: str) -> PlanAccount:
        """How a plan stands; one without a cap has spent nothing that matters."""
        row = self._connection.execute(
            "SELECT cost_cap, reserved, capped <> '', "
            "(SELECT total(cost) FROM plan_tally t WHERE t.plan_id = p.id) FROM plans p WHERE id = ?",
            (plan_id,),
        ).fetchone()
        return PlanAccount(row[0], row[1] + row[3], bool(row[2])) if row else PlanAccount(None, 0.0, False)

    def hold(self, plan_id: str, amount: float) -> None:
        """Add to what calls of a plan may cost, or may have cost, that nobody has told yet."""
        self._connection.execute(
            "UPDATE plans SET reserved = max(0, reserved + ?) WHERE id = ?", (amount, plan_id)
        )

    def set_cap(self, plan_id: str, cap: float) -> None:
        """Let a plan cost so much from now on."""
        self._connection.execute("UPDATE plans SET cost_cap = ? WHERE id = ?", (cap, plan_id))

    def cap(self, plan_id: str, reason: str) -> None:
        """Write down that its cap has paused a plan, and why; without a reason that it is not so."""
        self._connection.execute("UPDATE plans SET capped = ? WHERE id = ?", (reason, plan_id))
