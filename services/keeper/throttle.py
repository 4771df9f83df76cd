"""The throttle of a model: what people, rate limits and refused keys make of it, as functions of `now`."""

import random
from dataclasses import dataclass, replace

from protocol.work import ErrorClass
from services import backoff

LONGEST_LIMIT_SECONDS = 3_600.0
"""What a model asks for beyond that is not believed."""
FIRST_LIMIT_SECONDS = 5.0
LONGEST_OWN_LIMIT_SECONDS = 300.0
"""Between these it is waited for a model that does not say for how long it wants no more calls."""
CALM_SECONDS = 600.0
"""After so long without a limit the next one counts as the first."""

SHUTTING: frozenset[ErrorClass] = frozenset({"auth", "unavailable"})
"""What would befall every other job of the model too, until a person has looked."""


@dataclass(frozen=True)
class Throttle:
    """Whether jobs of one model are handed out; a model that nothing is known about is open."""

    model_id: str
    paused: bool = False
    until: float = 0.0
    """On the steady clock: when its rate limit ends."""
    reason: str = ""
    strikes: int = 0
    """Rate limits that came one soon after the other."""

    def open(self, now: float) -> bool:
        """Whether it may be called at this moment of the steady clock."""
        return not self.paused and self.until <= now


def limit(
    throttle: Throttle, *, retry_after: float | None, reason: str, now: float, chance: random.Random
) -> Throttle:
    """The model wants no more calls for so long, or for as long as its last limits suggest."""
    if now < throttle.until:
        # A call that was under way when the limit came says nothing new but a later time.
        asked = now + min(retry_after or 0.0, LONGEST_LIMIT_SECONDS)
        return replace(throttle, until=max(throttle.until, asked), reason=throttle.reason or reason)
    strikes = throttle.strikes + 1 if now - throttle.until < CALM_SECONDS else 1
    own = backoff.exponential(
        strikes, first=FIRST_LIMIT_SECONDS, limit=LONGEST_OWN_LIMIT_SECONDS, chance=chance
    )
    seconds = min(retry_after, LONGEST_LIMIT_SECONDS) if retry_after else 1.0 + own
    return replace(throttle, until=now + seconds, reason=reason, strikes=strikes)


def pause(throttle: Throttle, reason: str = "") -> Throttle:
    """Nobody calls it until a person lets it go on."""
    return replace(throttle, paused=True, reason=reason)


def resume(throttle: Throttle) -> Throttle:
    """A person wants it called again, whatever kept it from being called."""
    return Throttle(throttle.model_id)


def recall(throttle: Throttle, now: float) -> Throttle:
    """The machine was started anew: no limit lasts longer than any could have when it was set."""
    return replace(throttle, until=min(throttle.until, now + LONGEST_LIMIT_SECONDS))
