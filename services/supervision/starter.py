"""The plan published on an empty world, so that there is something to see."""

from protocol.control import ListPlans, Plans
from protocol.ingest import Accepted, Publish
from protocol.plan import Plan
from services.config import AppConfig, Sockets
from services.supervision.ask import ask

PLAN_ID = "starter"
ANSWER_SECONDS = 2.0


def plan(settings: AppConfig) -> Plan | None:
    """Quadrants around the scene's centre, or nothing if the configuration wants none."""
    width, height = settings.starter_plan.width, settings.starter_plan.height
    if not width or not height:
        return None
    left, top = -(width // 2), -(height // 2)
    return Plan(id=PLAN_ID, name="Starter map", rectangle=(left, top, left + width - 1, top + height - 1))


def publish(settings: AppConfig, sockets: Sockets) -> bool:
    """Publish the starter plan if no plan ever was; say whether that was so. May be repeated.

    Raises what `ask` raises.
    """
    wanted = plan(settings)
    if wanted is None:
        return False
    known = ask(sockets.address("control"), ListPlans(limit=1), Plans, timeout=ANSWER_SECONDS)
    if known.plans:
        return False
    ask(sockets.address("ingest"), Publish(plan=wanted), Accepted, timeout=ANSWER_SECONDS)
    return True
