"""A till: models with prices and budgets, and what is done with their jobs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from protocol.control import ListPlans, Plans
from protocol.view import ModelView, PlanView
from protocol.work import Acked, Lease, Nack, Nacked
from tests.keeper.house import House, Peer, island, opened, result

PRICE, BUDGET = 0.1, 0.35
MODELS: list[dict[str, Any]] = [
    {
        "name": "Plain",
        "model_id": "plain",
        "provider": "oxen",
        "api_key": "literal",
        "cost_per_image": PRICE,
        "daily_budget": BUDGET,
        "max_concurrency": 16,
    },
    {"name": "Free", "model_id": "free", "provider": "oxen", "api_key": "k", "cost_per_image": PRICE},
    {"name": "Unpriced", "model_id": "unpriced", "provider": "oxen", "api_key": "k", "daily_budget": BUDGET},
]


@contextmanager
def priced(short: Path) -> Iterator[House]:
    """A keeper whose models cost something, with room for many islands."""
    with opened(short, models=MODELS, max_attempts=50) as house:
        house.rendered(-4, -4, 94, 8)
        yield house


def publish(house: House, model: str, steps: int = 9, **plan: Any) -> list[int]:
    islands = [island(10 * nth, 0, f"s{nth}") for nth in range(steps)]
    return house.publish(*islands, id=model, model_id=model, **plan).jobs


def take_all(worker: Peer, name: str = "w1") -> list[Lease]:
    """Leases of everything that is handed out now."""
    taken = []
    while (lease := worker.ready("generate", worker=name)) is not None:
        taken.append(lease)
    return taken


def ack(worker: Peer, lease: Lease, **made: Any) -> None:
    body, images = result(lease)
    body = body.model_copy(update={"made": body.made.model_copy(update={"calls": 1, **made})})
    worker.ask(body, Acked, images)


def fail(worker: Peer, lease: Lease, **told: Any) -> None:
    body = {"job": lease.job, "token": lease.token, "error_class": "bad_image", "reason": "Grey.", **told}
    worker.ask(Nack.model_validate(body), Nacked)


def model(house: House, model_id: str = "plain") -> ModelView:
    return next(found for found in house.status().models if found.model_id == model_id)


def plan(house: House) -> PlanView:
    (found,) = house.peer("control").ask(ListPlans(), Plans).plans
    return found


def reopen(house: House) -> None:
    house.close()
    house.open()
