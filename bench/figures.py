"""The figures: what people ask of the keeper, each answer measured behind a million ended jobs."""

import gc
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import history
from bench.figure import Figure
from protocol.control import GetMap, GetQuadrant, ListJobs, ListPlans
from services.config import AppConfig
from services.keeper.database import DatabaseFile
from services.keeper.prospects import Prospects
from services.keeper.store import Store
from services.keeper.views import Views

PLANS = 10_000
GOAL = "<= 10"
"""Milliseconds."""
ROUNDS = 100
CONFIG = {
    "models": [
        {"name": name, "model_id": name, "provider": "oxen", "api_key": "k", "cost_per_image": 0.01}
        for name in history.MODELS
    ]
}

Ask = Callable[[], object]


def figures() -> Iterator[Figure]:
    """Every figure that people see, then what the keeper asks itself."""
    with tempfile.TemporaryDirectory(prefix="tw-bench-") as folder:
        began = time.perf_counter()
        history.build(Path(folder), PLANS)
        size = (Path(folder) / "tilewright.db").stat().st_size >> 20
        yield Figure("history_built", time.perf_counter() - began, "s", "", f"{size} MiB")
        with opened(Path(folder)) as (store, views):
            yield from measured(store, views)


@contextmanager
def opened(data: Path) -> Iterator[tuple[Store, Views]]:
    """What the keeper would answer with, over a world that has no keeper."""
    file = DatabaseFile(data)

    def clock() -> float:
        return history.NOW

    store = Store(file.connection)
    prospects = Prospects(store, clock, clock, AppConfig.model_validate(CONFIG), lambda: {"generate": 16})
    try:
        yield store, Views(store, clock, clock, prospects, drafts=list)
    finally:
        file.close()


def measured(store: Store, views: Views) -> Iterator[Figure]:
    """Each question asked over and over; 99 in 100 answers must be quick."""
    for name, ask in asks(store, views).items():
        ask()  # What is asked once is read from disk; people ask again and again.
        gc.collect()
        took = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            ask()
            took.append((time.perf_counter() - began) * 1000)
        cuts = statistics.quantiles(took, n=100)
        yield Figure(name, cuts[98], "ms (p99)", GOAL, f"p50 {cuts[49]:.3f} ms")


def asks(store: Store, views: Views) -> dict[str, Ask]:
    """Everything that is asked, by name."""
    return {**_answers(store, views), **_questions(store)}


def _answers(store: Store, views: Views) -> dict[str, Ask]:
    last = store.queue.next_id() - 1
    waiting = last - history.FAILED - history.WORKING - 1

    def listed(**wanted: object) -> Ask:
        request = ListJobs.model_validate(wanted)
        return lambda: views.jobs(request)

    return {
        "status": views.status,
        "plans_50": lambda: views.plans(ListPlans()),
        "job_waiting": lambda: views.job(waiting),
        "job_ended": lambda: views.job(1),
        "jobs": listed(),
        "jobs_newest": listed(newest=True),
        "jobs_page_100_of_errors": listed(states=["error"]),
        "jobs_pending_last_page": listed(states=["pending"], cursor=waiting - 200),
        "jobs_complete_of_model": listed(states=["complete"], model_id="slow-model"),
        "jobs_complete_middle": listed(states=["complete"], cursor=500_000),
        "jobs_of_plan": listed(plan="past-5000"),
        "jobs_renders": listed(kind="render"),
        "jobs_calls_newest": listed(kind="generate", newest=True),
        "jobs_palettes": listed(kind="palette"),
        "jobs_error_class": listed(error_class="moderated"),
        "jobs_held": listed(held=True),
        "jobs_text_found": listed(text="HARBOUR", newest=True),
        "jobs_text_nowhere": listed(text="no such words"),
        "jobs_text_of_plan": listed(text="afternoon", plan="past-77"),
        "quadrant": lambda: views.quadrant(GetQuadrant(x=100, y=100)),
        "map_screenful": lambda: views.map(GetMap(bounds=(100, 100, 139, 124))),
        "map_screenful_waiting": lambda: views.map(GetMap(bounds=(2000, 0, 2039, 24))),
    }


def _questions(store: Store) -> dict[str, Ask]:
    queue, tiles = store.queue, store.tiles
    screen, near = (100, 100, 139, 124), (100, 100, 109, 109)
    return {
        "ask_next_due": queue.next_due,
        "ask_next_id": queue.next_id,
        "ask_last_event": store.events.last,
        "ask_events": lambda: store.events.since(store.events.last() - 100, 100),
        "ask_palette": queue.palette,
        "ask_next_job": lambda: store.turns.next(["generate", "render", "palette"], history.NOW, {}),
        "ask_reserved": lambda: queue.reserved(*near, but=()),
        "ask_failed": lambda: queue.failed(*near),
        "ask_running_renders": lambda: queue.running_renders(*near),
        "ask_reserved_screenful": lambda: queue.reserved(*screen, but=()),
        "ask_failed_screenful": lambda: queue.failed(*screen),
        "ask_finished_screenful": lambda: tiles.finished(*screen, plan="past-5"),
        "ask_rendered_screenful": lambda: tiles.rendered(*screen),
        "ask_can_go_on": lambda: store.dependencies.can_go_on("past-9999"),
        "ask_open_bounds": store.plans.open_bounds,
    }
