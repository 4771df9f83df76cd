"""The circuit of a model: open after failures in a row, tried with one job, closed again; pure rules."""

from dataclasses import dataclass, replace

from services import backoff

BREAK_AFTER = 5
"""Tries of one model that fail in a row, as in an outage, before it is left alone for a while."""
FIRST_REST_SECONDS = 15.0
LONGEST_REST_SECONDS = 600.0


@dataclass(frozen=True)
class Circuit:
    """How the latest tries of one model ended; one that nothing is known about works."""

    model_id: str
    failures: int = 0
    """In a row, since it last answered."""
    trips: int = 0
    """How often it was left alone since it last answered; until it does, one job at a time is tried."""
    until: float = 0.0
    """On the steady clock: when it is tried again."""
    reason: str = ""

    @property
    def sound(self) -> bool:
        """Whether there is nothing to remember."""
        return not self.failures and not self.trips

    def probing(self, now: float) -> bool:
        """Whether one job at a time is tried, to see whether it works again."""
        return self.trips > 0 and self.until <= now


def fail(circuit: Circuit, reason: str, now: float) -> Circuit:
    """One more try has failed for a while: perhaps the model is left alone, longer each time."""
    if now < circuit.until:
        # It was begun before that, and says nothing new.
        return circuit
    failures = circuit.failures + 1
    if failures < BREAK_AFTER and not circuit.trips:
        return replace(circuit, failures=failures, reason=reason)
    trips = circuit.trips + 1
    rest = backoff.exponential(trips, first=FIRST_REST_SECONDS, limit=LONGEST_REST_SECONDS)
    return replace(circuit, failures=failures, trips=trips, until=now + rest, reason=reason)


def recall(circuit: Circuit, now: float) -> Circuit:
    """The machine was started anew: no rest lasts longer than any could have when it was begun."""
    return replace(circuit, until=min(circuit.until, now + LONGEST_REST_SECONDS))
