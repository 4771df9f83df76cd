"""`supervisor.py watch`: live progress of everything under way, by the event log."""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from protocol.codec import catalogue
from protocol.control import GetStatus, ListPlans, Plans, Status
from protocol.event import Event, Events, LateChange, MapChange, QueueChange, Watch
from protocol.view import PlanView
from services.client import Client, Unanswered
from services.commands.asking.words import count
from services.config import DEFAULT_CONFIG, DEFAULT_DATA, Sockets
from services.supervision.lock import Lock
from services.supervision.report import duration

WAIT_SECONDS = 1.0
REDRAW_SECONDS = 0.25
ANSWER_SECONDS = 10.0
PLANS = 200
NAME_SIGNS = 24

NOT_WELL, NOT_RUNNING, INTERRUPTED = 1, 3, 130


def main(words: Sequence[str]) -> int:
    """Watch until everything is settled. Exit code: 0 all done, 1 something failed, 3 not running."""
    given = _parser().parse_args(words)
    if Lock(given.data).holder() is None:
        return _not_running(given.data)
    try:
        return asyncio.run(_watch(given))
    except Unanswered:
        return _not_running(given.data)
    except KeyboardInterrupt:
        return INTERRUPTED


def _not_running(data: Path) -> int:
    print(f"Nothing runs in {data}.", file=sys.stderr)
    return NOT_RUNNING


async def _watch(given: argparse.Namespace) -> int:
    client = Client(Sockets(given.data).address("control"), catalogue(Events, Plans, Status))
    try:
        if given.json:
            return await _print_events(client, given)
        return await _draw(client, given)
    finally:
        await client.close()


async def _print_events(client: Client, given: argparse.Namespace) -> int:
    """A line of JSON per event."""
    # Looked up before the plans: what settles in between is then seen in both and missed in neither.
    since = given.since if given.since is not None else (await _status(client)).last_event
    watched: set[str] = set()
    while True:
        views = await _plans(client)
        watched |= {view.plan for view in views if not view.settled}
        through = False
        while not through:
            news = await client.ask(Watch(since=since), Events, timeout=ANSWER_SECONDS)
            for event in news.events:
                print(json.dumps(event.model_dump()), flush=True)
                since = event.seq
            through = since >= news.last or not news.events
        if not given.follow and all(view.settled for view in views):
            return _outcome(views, watched)
        await client.ask(
            Watch(since=since, wait=WAIT_SECONDS, limit=1), Events, timeout=ANSWER_SECONDS + WAIT_SECONDS
        )


async def _draw(client: Client, given: argparse.Namespace) -> int:
    """A bar per plan; what it shows is always asked anew, the events only say when."""
    console = Console()
    watched: set[str] = set()
    since = (await _status(client)).last_event
    bars = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[told]}", markup=False),
        console=console,
        auto_refresh=False,
        disable=not console.is_terminal,
    )
    rows: dict[str, Bar] = {}
    with bars:
        while True:
            drawn_at = time.monotonic()
            status = await _status(client)
            views = await _plans(client)
            watched |= {view.plan for view in views if not view.settled}
            for view in reversed(views):
                if view.plan in watched:
                    row = rows.get(view.plan) or rows.setdefault(view.plan, Bar(bars, view))
                    row.show(view, status, console)
            bars.refresh()
            if not given.follow and all(view.settled for view in views):
                break
            news = await client.ask(
                Watch(since=since, wait=WAIT_SECONDS), Events, timeout=ANSWER_SECONDS + WAIT_SECONDS
            )
            for told in filter(None, map(sentence, news.events)):
                console.print(told, markup=False, soft_wrap=True)
            since = max([since, news.last] if news.events else [since])
            # Many events a second are one picture: the eye takes no more than a few.
            await asyncio.sleep(max(0.0, drawn_at + REDRAW_SECONDS - time.monotonic()))
    if not watched:
        console.print("Nothing is under way.")
    return _outcome(views, watched)


class Bar:
    """The line of one plan."""

    def __init__(self, bars: Progress, view: PlanView) -> None:
        self._bars = bars
        self._task = bars.add_task(_short(view.name or view.plan), total=None, told="")
        self._first = _done(view)
        self._began = time.monotonic()
        self._printed = (-1, False)

    def show(self, view: PlanView, status: Status, console: Console) -> None:
        """Draw it as it is now; where there is no terminal, print a line when it has moved."""
        done, total, unit = _done(view), _total(view), "quadrants" if view.quadrants_total else "jobs"
        parts = [f"{done} of {total} {unit}"]
        if failed := view.counts.get("error", 0):
            parts.append(f"{failed} failed")
        if cancelled := view.counts.get("cancelled", 0):
            parts.append(f"{cancelled} cancelled")
        spent = time.monotonic() - self._began
        if not view.settled and done > self._first:
            rate = (done - self._first) / spent
            left = view.seconds_left if view.seconds_left is not None else (total - done) / rate
            parts += [f"{60 * rate:.0f} a minute", f"{duration(left)} left"]
        elif not view.settled:
            parts.append(f"{status.counts.get('processing', 0)} jobs running")
        self._bars.update(self._task, completed=done, total=max(total, 1), told=" · ".join(parts))
        if not console.is_terminal and (done, view.settled) != self._printed:
            self._printed = (done, view.settled)
            console.print(f"{view.name or view.plan}: {' · '.join(parts)}", markup=False, soft_wrap=True)


def sentence(event: Event) -> str:
    """What happened, if no bar shows it: something was paused, or the map was changed by no job."""
    change = event.change
    if isinstance(change, QueueChange):
        what = f"model {change.model_id}" if change.model_id else ""
        what = what or (f"plan {change.plan}" if change.plan else "the queue")
        why = f": {change.reason}" if change.reason else ""
        told = f"{what} is paused{why}" if change.paused else f"{what} goes on"
        return f"{told[0].upper()}{told[1:]}{'' if told.endswith('.') else '.'}"
    if isinstance(change, MapChange):
        gone = sum(tile.version == 0 for tile in change.tiles)
        stale = sum(tile.stale for tile in change.tiles if tile.version)
        counts = {"brought back or no longer stale": len(change.tiles) - gone - stale, "stale": stale}
        counts["taken off the map"] = gone
        parts = [f"{count(number, 'quadrant')} {what}" for what, number in counts.items() if number]
        return f"{', '.join(parts)}."
    if isinstance(change, LateChange):
        if change.state == "kept":
            return f"A result of job {change.job} came too late and was kept."
        return f"A late result of job {change.job} was deleted."
    return ""


def _short(name: str) -> str:
    return name if len(name) <= NAME_SIGNS else f"{name[: NAME_SIGNS - 1]}…"


def _done(view: PlanView) -> int:
    if view.quadrants_total:
        return view.quadrants_done
    return sum(view.counts.get(state, 0) for state in ("complete", "error", "cancelled"))


def _total(view: PlanView) -> int:
    return view.quadrants_total or sum(view.counts.values())


def _outcome(views: Sequence[PlanView], watched: set[str]) -> int:
    failed = any(view.counts.get("error", 0) for view in views if view.plan in watched)
    return NOT_WELL if failed else 0


async def _plans(client: Client) -> list[PlanView]:
    return (await client.ask(ListPlans(limit=PLANS), Plans, timeout=ANSWER_SECONDS)).plans


async def _status(client: Client) -> Status:
    return await client.ask(GetStatus(), Status, timeout=ANSWER_SECONDS)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="supervisor.py watch",
        description="Show the progress of every plan under way, until all are settled.",
    )
    parser.add_argument("--follow", action="store_true", help="stay when everything is settled")
    parser.add_argument("--json", action="store_true", help="print one line of JSON for each event instead")
    parser.add_argument("--since", type=int, metavar="N", help="with --json: begin after event N")
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, metavar="FILE", help="app_config.json")
    parser.add_argument(
        "--data", type=Path, default=DEFAULT_DATA, metavar="FOLDER", help="the world's folder"
    )
    return parser
