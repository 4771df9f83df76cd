"""`supervisor.py history X Y`: the versions of a quadrant and where each came from."""

import argparse
from collections.abc import Sequence

from protocol.control import GetQuadrant, Quadrant
from protocol.message import RENDERED
from protocol.view import VersionView
from services.commands.asking import arguments, words
from services.commands.asking.line import WELL, Line, asking


def main(typed: Sequence[str]) -> int:
    """Show the history of a quadrant. Exit code: 0 shown, 1 refused, 2 wrong usage, 3 not running."""
    given = _parser().parse_args(typed)
    return asking(given.data, lambda line: _show(line, given))


def _show(line: Line, given: argparse.Namespace) -> int:
    found = line.ask(GetQuadrant(x=given.x, y=given.y), Quadrant)
    versions = [version for version in found.versions if given.all or version.layer not in RENDERED]
    if given.json:
        words.say_json(
            {"x": found.x, "y": found.y, "versions": [one.model_dump(mode="json") for one in versions]}
        )
    elif versions:
        for version in versions:
            words.say(*_told(version))
        words.say(f"\nsupervisor.py revert {given.x} {given.y} VERSION brings one back.")
    else:
        words.say(f"Nothing was ever drawn at {given.x},{given.y}.")
    return WELL


def _told(version: VersionView) -> list[str]:
    """One version in lines: what it is, then where it came from, as far as that is known."""
    marks = [
        mark
        for mark, holds in (
            ("stands now", version.current),
            ("stale: what it saw was replaced", version.stale),
            ("it may show a seam", version.flagged),
            ("scaffold", version.scaffold),
        )
        if holds
    ]
    head = f"version {version.version}  {version.layer}  {words.moment(version.created_at)}"
    saw = " ".join(
        f"{one.x},{one.y} v{one.version}" + (f" of {one.layer}" if one.layer != version.layer else "")
        for one in version.saw
    )
    worker = version.worker or "nobody known"
    facts = {
        "job": f"{version.job} of plan {version.plan}, try {version.attempt}, by {worker}",
        "model": version.model_id,
        "prompt": version.prompt,
        "negative": version.negative_prompt,
        "seed": "" if version.seed is None else str(version.seed),
        "parameters": version.parameters,
        "took": f"{version.seconds:.1f} s, the model {version.model_seconds:.1f} s",
        "cost": "" if version.cost is None else f"{version.cost:.4g}",
        "saw": saw,
        "seam score": "" if version.seam is None else f"{version.seam:.2f}",
        "template": version.template,
        "renders": version.renders,
        "source": version.source,
        "image": version.sha256,
    }
    lines = [f"  {name:<10}  {fact}" for name, fact in facts.items() if fact]
    return [f"{head}  ({', '.join(marks)})" if marks else head, *lines]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="supervisor.py history",
        parents=[arguments.world()],
        description="Show every version of a quadrant, the newest first, and where it came from.",
    )
    parser.add_argument("x", type=arguments.coordinate, metavar="X")
    parser.add_argument("y", type=arguments.coordinate, metavar="Y")
    parser.add_argument("--all", action="store_true", help="renders as well")
    return parser
