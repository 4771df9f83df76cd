"""`supervisor.py prune --older-than 30d`: remove what ended long ago. Nothing is ever removed by itself."""

import argparse
from collections.abc import Sequence

from protocol.order import Prune, Pruned
from services.commands.asking import arguments, words
from services.commands.asking.line import WELL, Line, asking


def main(typed: Sequence[str]) -> int:
    """Remove what ended long ago. Exit code: 0 done, 1 refused, 2 wrong usage, 3 not running."""
    given = _parser().parse_args(typed)
    return asking(given.data, lambda line: _prune(line, given))


def _prune(line: Line, given: argparse.Namespace) -> int:
    asked = Prune(older_than_seconds=given.older_than, versions=given.versions, dry_run=given.dry_run)
    pruned = line.ask_long(asked, Pruned)
    if given.json:
        words.say_json(pruned.model_dump(mode="json"))
    else:
        words.say(*_told(pruned, dry_run=given.dry_run))
    return WELL


def _told(pruned: Pruned, *, dry_run: bool) -> list[str]:
    parts = {
        "plan": pruned.plans,
        "job": pruned.jobs,
        "event": pruned.events,
        "late result": pruned.orphans,
        "old image version": pruned.versions,
    }
    gone = [words.count(number, what) for what, number in parts.items() if number]
    if not gone:
        return ["Nothing is that old." if not dry_run else "Nothing is that old. Nothing would be removed."]
    verb = "would be removed" if dry_run else "removed"
    freed = f", {words.size(pruned.bytes)} of images" if pruned.bytes else ""
    return [f"{', '.join(gone)} {verb}{freed}."]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="supervisor.py prune",
        parents=[arguments.world()],
        description="Remove settled plans with their jobs, events and late results that ended long ago. The "
        "map itself is never touched, and nothing that has not ended.",
        epilog="It does not ask: --dry-run says what would go.",
    )
    parser.add_argument(
        "--older-than",
        type=arguments.duration,
        required=True,
        metavar="AGE",
        help="like 90s, 12h, 30d or 8w",
    )
    parser.add_argument("--versions", action="store_true", help="also images that do not stand on the map")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    return parser
