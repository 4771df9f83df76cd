"""Large plans under way into the queue, and what has to wait for them."""

from collections.abc import Callable

from protocol.errors import Code, ProtocolError
from services.keeper.ground import CONTEXT, Box
from services.tiling.quadrant import FRAME

MARGIN = CONTEXT + 2 * FRAME
"""Quadrants around a plan whose renders and steps may have to do with it."""
JOBS_A_SECOND = 5_000.0


class UnderWay:
    """The plans that are accepted but not wholly in the tables, each with its bounds and the jobs to come."""

    def __init__(self) -> None:
        self._plans: dict[str, tuple[Box, int]] = {}

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool(self._plans)

    def add(self, plan: str, box: Box, jobs: int) -> None:
        """A plan was accepted."""
        self._plans[plan] = (box, jobs)

    def remember(self) -> Callable[[], None]:
        """What puts everything back as it is now, if the transaction at hand comes to nothing."""
        plans = dict(self._plans)

        def undo() -> None:
            self._plans = plans

        return undo

    def drop(self, plan: str) -> None:
        """It is wholly in the tables, or was not accepted after all."""
        self._plans.pop(plan, None)

    def check_plan(self, plan: str) -> None:
        """Raise BUSY if this plan is under way."""
        if plan in self._plans:
            raise self._busy(plan)

    def check_none(self) -> None:
        """Raise BUSY if any plan is under way."""
        if self._plans:
            raise self._busy(next(iter(self._plans)))

    def check_box(self, box: Box) -> None:
        """Raise BUSY if a plan is under way whose jobs could matter in this box."""
        for plan, (x0, y0, x1, y1) in [(plan, bounds) for plan, (bounds, _) in self._plans.items()]:
            if (
                x0 - MARGIN <= box[2]
                and box[0] <= x1 + MARGIN
                and y0 - MARGIN <= box[3]
                and box[1] <= y1 + MARGIN
            ):
                raise self._busy(plan)

    def _busy(self, plan: str) -> ProtocolError:
        seconds = max(1.0, round(self._plans[plan][1] / JOBS_A_SECOND))
        return ProtocolError(
            Code.BUSY,
            f"Plan {plan} was accepted and its jobs are still being put into the queue; ask again in "
            f"{seconds:.0f} s.",
            retry_after=seconds,
        )
