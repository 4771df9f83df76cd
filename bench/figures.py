"""The figures: what people ask of the keeper, each answer measured behind a million ended jobs."""

import gc
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench import history
from bench.figure import Figure
from protocol.codec import Envelope, encode
from protocol.control import (
    GetMap,
    GetQuadrant,
    Job,
    ListJobs,
    ListPlans,
)
from protocol.errors import ProtocolError
from protocol.message import Error, Message
from protocol.order import ListOrphans
from services.config import AppConfig
from services.keeper.adoption import Adoption
from services.keeper.database import DatabaseFile
from services.keeper.history import History
from services.keeper.progress import Progress
from services.keeper.prospects import Prospects
from services.keeper.store import Store
from services.keeper.views import Views

PLANS = 10_000
GOAL = "<= 10"
"""Milliseconds."""
LARGEST = ("plans_200", "jobs_500_pending")
"""The largest pages that programs may ask for, several times what people look at: shown without a goal."""
ROUNDS = 100
CONFIG = {
    "models": [
        {"name": name, "model_id": name, "provider": "oxen", "api_key": "k", "cost_per_image": 0.01}
        for name in history.MODELS
    ]
}

Ask = Callable[[], object]
Answer = Callable[[], Message]


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
    store = Store(file.connection)
    prospects = Prospects(store, _now, _now, _config(), lambda: {"generate": 16})
    try:
        yield store, Views(store, _now, _now, prospects, drafts=list)
    finally:
        file.close()


def measured(store: Store, views: Views) -> Iterator[Figure]:
    """Each question asked over and over; 99 in 100 answers must be quick."""
    # As the keeper does once it has started: what is collected later is what questions leave behind.
    gc.collect()
    gc.freeze()
    for name, ask in asks(store, views).items():
        ask()  # What is asked once is read from disk; people ask again and again.
        took = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            ask()
            took.append((time.perf_counter() - began) * 1000)
        cuts = statistics.quantiles(took, n=100)
        goal = "" if name in LARGEST else GOAL
        yield Figure(name, cuts[98], "ms (p99)", goal, f"p50 {cuts[49]:.3f} ms")


def asks(store: Store, views: Views) -> dict[str, Ask]:
    """Everything that is asked, by name; what people ask up to the frames of the answer."""
    return {
        **{
            name: partial(_framed, ask)
            for name, ask in {**_views(store, views), **_lists(store, views)}.items()
        },
        **_questions(store),
    }


def _framed(ask: Answer) -> None:
    try:
        answer = ask()
    except ProtocolError as error:
        answer = Error(code=error.code, message=error.message)
    encode(Envelope(id="answer", re="question", body=answer))


def _views(store: Store, views: Views) -> dict[str, Answer]:
    held = store.queue.next_id() - 1
    large = held - history.HELD - history.LARGE // 2
    adoption = Adoption(store, History(store, _now, _config()), Progress(store, _now), _now)

    def mapped(*bounds: int, jobs: bool = True) -> Answer:
        request = GetMap.model_validate({"bounds": bounds, "jobs": jobs})
        return lambda: views.map(request)

    return {
        "status": views.status,
        "plans_50": lambda: views.plans(ListPlans()),
        "plans_200": lambda: views.plans(ListPlans(limit=200)),
        "job_waiting": lambda: Job(job=views.job(history.last_waiting(_plans(store)) - 1)),
        "job_ended": lambda: Job(job=views.job(1)),
        "job_blocked": lambda: Job(job=views.job(large)),
        "job_held": lambda: Job(job=views.job(held)),
        "quadrant": lambda: views.quadrant(GetQuadrant(x=100, y=100)),
        "orphans_100": lambda: adoption.page(ListOrphans()),
        "map_spot": mapped(0, 0, 0, 0),
        "map_screenful": mapped(100, 100, 139, 124),
        "map_screenful_waiting": mapped(2000, 0, 2039, 24),
        "map_screenful_of_a_large_plan": mapped(4000, 0, 4039, 24),
        "map_wide": mapped(0, 0, 159, 159),
        "map_wide_of_a_large_plan": mapped(4000, 0, 4799, 499),
        "map_wide_and_empty": mapped(-9_000, -700, -8_000, 700),
        "map_of_an_overview": mapped(256, 256, 511, 511, jobs=False),
    }


def _lists(store: Store, views: Views) -> dict[str, Answer]:
    plans = _plans(store)
    waiting = history.last_waiting(plans)

    def listed(**wanted: object) -> Answer:
        request = ListJobs.model_validate(wanted)
        return lambda: views.jobs(request)

    return {
        "jobs": listed(),
        "jobs_newest": listed(newest=True),
        "jobs_500_pending": listed(states=["pending"], limit=500),
        "jobs_page_100_of_errors": listed(states=["error"]),
        "jobs_pending_last_page": listed(states=["pending"], cursor=waiting - 200),
        "jobs_complete_of_model": listed(states=["complete"], model_id="slow-model"),
        "jobs_complete_middle": listed(states=["complete"], cursor=plans * history.PLAN_JOBS // 2),
        "jobs_of_plan": listed(plan=f"past-{plans // 2}"),
        "jobs_of_large_plan_newest": listed(plan="large", newest=True),
        "jobs_renders": listed(kind="render"),
        "jobs_calls_newest": listed(kind="generate", newest=True),
        "jobs_palettes": listed(kind="palette"),
        "jobs_error_class": listed(error_class="moderated"),
        "jobs_error_class_nowhere": listed(error_class="bug"),
        "jobs_held": listed(held=True),
        "jobs_held_of_model_newest": listed(held=True, model_id="slow-model", newest=True),
        "jobs_in_turn": listed(turn=True),
        "jobs_in_turn_last_page": listed(turn=True, cursor=waiting - 200),
        "jobs_in_turn_of_model": listed(turn=True, model_id="slow-model"),
        "jobs_in_turn_of_large_plan": listed(turn=True, plan="large"),
        "jobs_text_found": listed(text="HARBOUR", newest=True),
        "jobs_text_nowhere": listed(text="no such words"),
        "jobs_text_nowhere_in_turn": listed(text="no such words", turn=True),
        "jobs_text_of_plan": listed(text="afternoon", plan=f"past-{plans // 3}"),
        "jobs_by_everything": listed(
            states=["error", "blocked"],
            model_id="slow-model",
            plan="held",
            kind="generate",
            error_class="rejected",
            text="no such words",
        ),
    }


def _questions(store: Store) -> dict[str, Ask]:
    queue, whereabouts, tiles = store.queue, store.whereabouts, store.tiles
    screen, near = (100, 100, 139, 124), (100, 100, 109, 109)
    return {
        "ask_next_due": queue.next_due,
        "ask_next_id": queue.next_id,
        "ask_last_event": store.events.last,
        "ask_events": lambda: store.events.since(store.events.last() - 100, 100),
        "ask_palette": queue.palette,
        "ask_next_job": lambda: store.turns.next(["generate", "render", "palette"], history.NOW, {}),
        "ask_reserved": lambda: whereabouts.reserved("generation", *near, but=()),
        "ask_failed": lambda: whereabouts.failed("generation", *near),
        "ask_running_renders": lambda: whereabouts.running_renders(*near),
        "ask_reserved_screenful": lambda: whereabouts.reserved("generation", *screen, but=()),
        "ask_failed_screenful": lambda: whereabouts.failed("generation", *screen),
        "ask_finished_screenful": lambda: tiles.finished("generation", *screen, plan="past-5"),
        "ask_rendered_screenful": lambda: tiles.rendered(*screen),
        "ask_can_go_on": lambda: store.dependencies.can_go_on(f"past-{_plans(store) - 1}"),
        "ask_open_bounds": store.plans.open_bounds,
    }


def _plans(store: Store) -> int:
    """How many plans have ended: all but the last ones, which have jobs that wait."""
    rest = history.PENDING_PLANS * history.PLAN_JOBS + history.SINGLES + history.WORKING + history.FAILED
    return (store.queue.next_id() - 1 - rest - history.LARGE - history.HELD) // history.PLAN_JOBS


def _config() -> AppConfig:
    return AppConfig.model_validate(CONFIG)


def _now() -> float:
    return history.NOW
