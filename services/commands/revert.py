"""`supervisor.py revert X Y VERSION` or `--plan ID`: bring older versions back onto the map."""

import argparse
from collections.abc import Sequence

from protocol.order import Revert, Reverted, RevertPlan
from services.commands.asking import arguments, words
from services.commands.asking.line import WELL, Line, asking


def main(typed: Sequence[str]) -> int:
    """Bring back what stood before. Exit code: 0 done, 1 refused, 2 wrong usage, 3 not running."""
    parser = _parser()
    given = parser.parse_args(typed)
    places = [given.x, given.y, given.version]
    if (given.plan is not None) == (None not in places) or (given.plan and places != [None] * 3):
        parser.error("say X Y VERSION, or --plan ID")
    return asking(given.data, lambda line: _revert(line, given))


def _revert(line: Line, given: argparse.Namespace) -> int:
    if given.plan:
        reverted = line.ask_long(RevertPlan(plan=given.plan), Reverted)
    else:
        reverted = line.ask(Revert(x=given.x, y=given.y, version=given.version), Reverted)
    if given.json:
        words.say_json(reverted.model_dump(mode="json"))
    else:
        words.say(*told(reverted))
    return WELL


def told(reverted: Reverted) -> list[str]:
    """What became of the map."""
    lines = [f"{words.count(reverted.quadrants, 'quadrant')} of the map changed."]
    if reverted.stale:
        lines.append(f"Stale now, as they were made to match it: {words.count(reverted.stale, 'neighbour')}.")
    if reverted.skipped:
        lines.append(f"Left alone, as drawn again since: {words.count(reverted.skipped, 'quadrant')}.")
    return lines


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="supervisor.py revert",
        parents=[arguments.world()],
        description="Bring an older version of a quadrant back onto the map, or put back all that a settled "
        "plan drew. Nothing is lost: what stood there stays in the history.",
    )
    parser.add_argument("x", type=arguments.coordinate, nargs="?", metavar="X")
    parser.add_argument("y", type=arguments.coordinate, nargs="?", metavar="Y")
    parser.add_argument(
        "version",
        type=arguments.number(0, arguments.LARGEST_ID),
        nargs="?",
        metavar="VERSION",
        help="as `history X Y` names it; 0 takes the quadrant off the map",
    )
    parser.add_argument("--plan", type=arguments.identifier, metavar="ID", help="a whole plan")
    return parser
