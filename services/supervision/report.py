"""What `status` says: the processes and the queue, as JSON or as tables."""

import json
import time
from typing import Any, get_args

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from protocol.control import Status
from protocol.life import ProcessView, Services
from protocol.message import JobState
from protocol.view import ModelView

STATES: tuple[str, ...] = ("pending", "processing", "complete", "error", "blocked", "cancelled")
assert set(STATES) == set(get_args(JobState))

COLOURS = {"ready": "green", "failed": "red", "backoff": "red", "stopped": "red"}


def as_json(services: Services | None, queue: Status | None, ingest: str) -> str:
    """One JSON object; `queue` is null while the keeper does not answer."""
    return json.dumps(
        {
            "ok": well(services),
            "services": [_process(view) for view in services.services] if services else [],
            "queue": _queue(queue) if queue else None,
            "held_models": [model.model_dump(include=_HELD) for model in _held(queue)] if queue else None,
            "supervisor_pid": services.supervisor_pid if services else None,
            "uptime_seconds": round(services.uptime_seconds, 1) if services else None,
            "address": services.address if services else None,
            "ingest": ingest,
            "config": services.config.model_dump() if services and services.config else None,
        },
        indent=2,
    )


def well(services: Services | None) -> bool:
    """Whether every process is ready."""
    return services is not None and all(view.state == "ready" for view in services.services)


def show(services: Services, queue: Status | None, ingest: str, console: Console) -> None:
    """Draw the tables."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("process", "state"):
        table.add_column(column, no_wrap=True)
    for column in ("pid", "up", "restarts", "last beat"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("doing")
    for view in services.services:
        colour = COLOURS.get(view.state, "yellow")
        table.add_row(
            view.name,
            f"[{colour}]{view.state}[/]",
            str(view.pid or "–"),
            duration(view.uptime_seconds) if view.pid else "–",
            str(view.restarts),
            f"{view.last_beat_seconds:.1f} s" if view.last_beat_seconds is not None else "–",
            escape(view.doing if view.state == "ready" else view.reason or view.doing),
        )
    console.print(table)
    console.print()
    if queue is None:
        console.print("The keeper does not answer, so the queue is not known.")
    else:
        console.print(_queue_table(queue))
        for model in _held(queue):
            text = f"\n{model.model_id} is {model.state}: {model.reason or 'somebody has paused it.'}"
            console.print(text, markup=False, highlight=False, soft_wrap=True)
    if services.config is not None and services.config.error:
        console.print(
            f"\nconfiguration: {services.config.path} was not taken over, the one of "
            f"{clock(services.config.loaded_at)} goes on: {services.config.error}",
            style="red",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    console.print(f"\nstudio   {services.address}\ningest   {ingest}", highlight=False, soft_wrap=True)


def clock(at: float) -> str:
    """A moment as a person here reads it."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def duration(seconds: float) -> str:
    """A length of time in its two largest units."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return f"{whole // 60} min {whole % 60:02} s"
    if whole < 86_400:
        return f"{whole // 3_600} h {whole % 3_600 // 60:02} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3_600} h"


def _process(view: ProcessView) -> dict[str, Any]:
    shown = view.model_dump()
    shown["uptime_seconds"] = round(view.uptime_seconds, 1)
    if view.last_beat_seconds is not None:
        shown["last_beat_seconds"] = round(view.last_beat_seconds, 2)
    return shown


def _counts(counts: Any) -> dict[str, int]:
    return {state: counts.get(state, 0) for state in STATES}


def _queue(queue: Status) -> dict[str, Any]:
    by_model = {model: _counts(counts) for model, counts in queue.by_model.items()}
    return {**_counts(queue.counts), "by_model": by_model}


_HELD = {"model_id", "state", "reason", "until_seconds", "daily_budget", "spent_today"}


def _held(queue: Status) -> list[ModelView]:
    """The models that are not called as their jobs would let them be."""
    return [model for model in queue.models if model.state != "ready"]


def _queue_table(queue: Status) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("queue", no_wrap=True)
    for state in STATES:
        table.add_column(state, justify="right")
    for model, counts in sorted(queue.by_model.items()):
        table.add_row(model or "renders", *(str(count) for count in _counts(counts).values()))
    table.add_row("all jobs", *(str(count) for count in _counts(queue.counts).values()), style="bold")
    return table
