"""Purses: what a call may cost, and whether a day's budget or a plan's cap still has room for it; pure."""

import math
from dataclasses import dataclass

from protocol.errors import Code, ProtocolError
from services.config import AppConfig

DAY_SECONDS = 86_400.0
_ROUNDING = 1e-9
"""Of amounts that were added up: ten calls of 0.1 fit into 1."""


def day_of(now: float) -> int:
    """The day of the wall's time, in UTC."""
    return math.floor(now / DAY_SECONDS)


def booked_on(today: int, latest: int | None) -> int:
    """The day on which a model's calls of today count; `latest` is the one on which its calls counted last.

    A clock that is set back over midnight does not begin the earlier day anew: calls go on counting on the
    later one until that is over. One that is two days ahead or more was wrong, and is left behind.
    """
    return latest if latest == today + 1 else today


def until_over(day: int, now: float) -> float:
    """Seconds until a day is over."""
    return (day + 1) * DAY_SECONDS - now


def fits(spent: float, price: float, limit: float) -> bool:
    """Whether one more call stays within the limit."""
    return spent + price <= limit * (1 + _ROUNDING)


def written(amount: float) -> str:
    """An amount for people, in whatever currency."""
    text = f"{amount:,.4f}".rstrip("0").rstrip(".")
    return text if text not in ("0", "-0") or not amount else f"{amount:.2g}"


def check_cap(cap: float, config: AppConfig) -> None:
    """Raise BAD_PLAN if a plan's cap could not be kept."""
    if any(config.price(model) is None for model in config.models):
        raise ProtocolError(
            Code.BAD_PLAN,
            f"A cost_cap of {written(cap)} cannot be kept, since no model states a cost_per_image; add that "
            "to app_config.json, or leave the cap out.",
        )


class Prices:
    """What a call of each model may cost; an unknown price counts as the dearest known."""

    def __init__(self, config: AppConfig) -> None:
        self._known = {model.model_id: config.price(model) or 0.0 for model in config.models}
        self._dearest = max(self._known.values(), default=0.0)

    def of(self, model_id: str) -> float:
        """Also of a model that has been taken out of the configuration."""
        return self._known.get(model_id, self._dearest)


@dataclass(frozen=True)
class Account:
    """What a job's tries may have cost that nobody has told yet: its latest one's, and the others'."""

    reserved: float
    presumed: float

    @property
    def held(self) -> float:
        """All of it."""
        return self.reserved + self.presumed

    def begin(self, price: float) -> "Account":
        """Another try begins; what became of those before, only a late result may still tell."""
        return Account(price, self.held)

    def settle(
        self, calls: int, cost: float | None, *, unsettled: int = 0, goes_on: bool = False
    ) -> "Account":
        """The latest try has ended with so many new calls; None if nobody knows what they cost.

        What `unsettled` calls may have cost stays presumed. If a call `goes_on` at its provider, what was set
        aside is so for the next try, which asks for the same picture.
        """
        reserved = self.reserved if goes_on else 0.0
        presumed = self.presumed + self.reserved * max(0, unsettled - goes_on)
        if calls and cost is None:
            return Account(reserved, presumed + self.reserved * calls)
        if not calls and cost:
            # It went on with what an earlier try had paid for: so much less is presumed. Of other tries
            # that were lost, nobody has told anything yet.
            return Account(reserved, max(0.0, presumed - cost))
        return Account(reserved, presumed)


def untold(retold: float, calls: int, cost: float, *, kept: bool) -> tuple[float, float]:
    """What of a told cost nobody has told before, and what may be told again after it.

    The same call is told by the try that made it and by every try that finds its answer, if that is `kept`
    and one of them comes late. `retold` is what has been told so far of such calls: more than 0 by who made
    them, less by who found them.
    """
    if not calls:
        return max(0.0, cost - abs(retold)), retold if retold > 0 else min(retold, -cost)
    if kept:
        return max(0.0, cost + min(0.0, retold)), max(0.0, retold) + cost
    return cost, retold
