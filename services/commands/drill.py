"""`supervisor.py drill`: a whole system under faults in a folder of its own, and what was lost."""

import argparse
import asyncio
import json
import logging
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from services.drill.drill import Drill, Order, Verdict
from services.drill.report import as_json, show

NOT_WELL, INTERRUPTED = 1, 130
SEEDS, JOBS, FAULTS = 3, 2_000, 250
KILLS_SHARE, STOPS_SHARE = 0.3, 0.2
REST = 250
"""Other faults, where only kills and stops were asked for."""
TELL_SECONDS = 10.0


def main(words: Sequence[str]) -> int:
    """Run the drills, and say what came of those that ended.

    Exit code: 0 nothing was lost, 1 something was, 130 interrupted.
    """
    given = _parser().parse_args(words)
    logging.getLogger().addHandler(logging.NullHandler())
    orders = [_order(given, seed) for seed in range(given.seed, given.seed + given.seeds)]
    verdicts: list[Verdict] = []
    interrupted = False
    try:
        asyncio.run(_drills(orders, given.at_once, _teller(quiet=given.json), verdicts))
    except KeyboardInterrupt:
        interrupted = True
    finally:
        if sys.stderr.isatty():
            print(end="\r\033[K", file=sys.stderr)
    if interrupted and not verdicts:
        return INTERRUPTED
    verdicts.sort(key=lambda verdict: verdict.order.seed)
    if given.json:
        print(json.dumps(as_json(verdicts), indent=2))
    else:
        show(verdicts, Console(width=None if sys.stdout.isatty() else 160))
    if interrupted:
        return INTERRUPTED
    return 0 if all(verdict.well for verdict in verdicts) else NOT_WELL


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="supervisor.py drill",
        description="Run a whole system with a stub model and a stub scene on a temporary folder, kill and "
        "freeze its processes, break its database, and compare what was acknowledged with what is there.",
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the first seed (1)")
    parser.add_argument("--seeds", type=int, default=SEEDS, metavar="K", help=f"how many drills ({SEEDS})")
    parser.add_argument("--jobs", type=int, default=JOBS, metavar="N", help=f"jobs in each ({JOBS})")
    parser.add_argument("--faults", type=int, metavar="N", help=f"faults in each, of all kinds ({FAULTS})")
    parser.add_argument("--kills", type=int, metavar="N", help="SIGKILLs among them (3 in 10)")
    parser.add_argument("--stops", type=int, metavar="N", help="SIGSTOPs among them (2 in 10)")
    parser.add_argument("--at-once", type=int, default=1, metavar="N", help="drills side by side (1)")
    parser.add_argument(
        "--within", type=Path, metavar="FOLDER", help="where to make its folder (in memory, if there is room)"
    )
    parser.add_argument("--keep", action="store_true", help="keep the folder, also when all is well")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


async def _drills(
    orders: list[Order], at_once: int, tell: Callable[[int, str], None], verdicts: list[Verdict]
) -> None:
    """Add the verdict of each drill as it ends; `at_once` drills share the machine."""
    turn = asyncio.Semaphore(at_once)

    async def run(order: Order) -> None:
        async with turn:
            verdicts.append(await Drill(order, tell).run())

    await asyncio.gather(*(run(order) for order in orders))


def _order(given: argparse.Namespace, seed: int) -> Order:
    faults = given.faults
    if faults is None:
        asked = (given.kills or 0) + (given.stops or 0)
        faults = asked + REST if asked else FAULTS
    kills = int(faults * KILLS_SHARE) if given.kills is None else given.kills
    stops = int(faults * STOPS_SHARE) if given.stops is None else given.stops
    return Order(seed, given.jobs, max(faults, kills + stops), kills, stops, given.keep, given.within)


def _teller(*, quiet: bool) -> Callable[[int, str], None]:
    """Shows the line that it is given of a seed: over the one before, or now and then where it cannot."""
    began = time.monotonic()
    last: dict[int, float] = {}

    def tell(seed: int, line: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
        elif not quiet and time.monotonic() - last.get(seed, began) > TELL_SECONDS:
            last[seed] = time.monotonic()
            print(line, file=sys.stderr, flush=True)

    return tell
