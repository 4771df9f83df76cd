"""`supervisor.py compare X Y MODEL …`: one call by several models, and the choice between what they made."""

import argparse
import uuid
from collections.abc import Callable, Sequence

from protocol.ingest import Accepted
from protocol.order import Adopt, Deleted, DeleteOrphan, Reverted
from protocol.region import CANDIDATE_LIMIT, Compare
from protocol.view import CandidateView
from services.commands import revert
from services.commands.asking import arguments, words
from services.commands.asking.line import WELL, Line, asking

SIZES = {"1x1": (1, 1), "2x1": (2, 1), "1x2": (1, 2), "2x2": (2, 2)}


def main(typed: Sequence[str]) -> int:
    """Make candidates, show or settle them. Exit code: 0 done, 1 refused, 2 wrong usage, 3 not running."""
    named = typed and typed[0] in DEEDS
    given = (_deeds() if named else _parser()).parse_args(typed)
    handle: Callable[[Line, argparse.Namespace], int] = given.handle
    return asking(given.data, lambda line: handle(line, given))


def make(line: Line, given: argparse.Namespace) -> int:
    """Ask for the same call by each model and with each seed."""
    width, height = SIZES[given.size]
    request = Compare(
        plan=given.id or f"compare-{uuid.uuid4().hex}",
        quadrants=[(given.x + i, given.y + j) for j in range(height) for i in range(width)],
        models=list(dict.fromkeys(given.model)),
        seeds=list(range(1, given.seeds + 1)),
        prompt=given.prompt,
        negative_prompt=given.negative_prompt,
    )
    accepted = line.ask_long(request, Accepted)
    if given.json:
        words.say_json(accepted.model_dump(mode="json", exclude={"left_out", "left_out_count"}))
    else:
        known = "was already known" if accepted.duplicate else "is accepted"
        words.say(f"{accepted.plan} {known}; `compare list --plan {accepted.plan}` shows what comes of it.")
    return WELL


def list_(line: Line, given: argparse.Namespace) -> int:
    """Show the candidates, made or to be made."""
    found = list(line.candidates(given.plan))
    if given.json:
        words.say_json({"candidates": [candidate.model_dump(mode="json") for candidate in found]})
    elif found:
        columns = (
            "candidate",
            "comparison",
            "quadrants",
            "model",
            "seed",
            "state",
            "seconds",
            "cost",
            "chosen",
        )
        words.table(columns, [_row(candidate) for candidate in found])
    else:
        words.say("There are no candidates.")
    return WELL


def commit(line: Line, given: argparse.Namespace) -> int:
    """Put a candidate on the map."""
    reverted = line.ask_long(Adopt(orphan=given.candidate), Reverted)
    if given.json:
        words.say_json(reverted.model_dump(mode="json"))
    else:
        words.say(*revert.told(reverted))
    return WELL


def discard(line: Line, given: argparse.Namespace) -> int:
    """Forget a candidate."""
    line.ask(DeleteOrphan(orphan=given.candidate), Deleted)
    if given.json:
        words.say_json({"discarded": given.candidate})
    else:
        words.say(f"Candidate {given.candidate} is discarded.")
    return WELL


DEEDS = {"list": list_, "commit": commit, "discard": discard}


def _row(candidate: CandidateView) -> list[str]:
    made = candidate.orphan > 0
    may_be = "on the map" if candidate.adopted else "can be" if candidate.adoptable else ""
    return [
        str(candidate.orphan) if made else "",
        candidate.plan,
        words.quadrants(candidate.quadrants),
        candidate.model_id,
        "" if candidate.seed is None else str(candidate.seed),
        candidate.state,
        f"{candidate.seconds:.1f}" if made else "",
        "" if candidate.cost is None else f"{candidate.cost:g}",
        may_be or candidate.reason,
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="supervisor.py compare",
        parents=[arguments.world()],
        description="Make candidates: the same call by several models, or with several seeds, kept off the "
        "map until one is chosen. What stands there stays until then.",
        epilog="`compare list` shows them, `compare commit ID` puts one on the map, `compare discard ID` "
        "forgets one; its picture is at /api/orphans/ID/generation/X/Y.",
    )
    parser.set_defaults(handle=make)
    parser.add_argument("x", type=arguments.coordinate, metavar="X")
    parser.add_argument("y", type=arguments.coordinate, metavar="Y")
    parser.add_argument("model", type=arguments.identifier, nargs="+", metavar="MODEL", help="a model_id")
    parser.add_argument(
        "--seeds",
        type=arguments.number(0, CANDIDATE_LIMIT),
        default=0,
        metavar="N",
        help="with each of the seeds 1 to N; without it each model goes by its own",
    )
    parser.add_argument(
        "--size", choices=SIZES, default="1x1", help="of the ground, from X Y to the right and down"
    )
    parser.add_argument("--prompt", type=arguments.text, default="", help="instead of the models' own")
    parser.add_argument("--negative-prompt", type=arguments.text, default="", metavar="TEXT")
    parser.add_argument("--id", type=arguments.identifier, help="the same id again changes nothing")
    return parser


def _deeds() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="supervisor.py compare")
    deeds = parser.add_subparsers(metavar="DEED", required=True)
    for name, handle in DEEDS.items():
        told = (handle.__doc__ or "").strip()
        deed = deeds.add_parser(name, parents=[arguments.world()], help=told, description=told)
        deed.set_defaults(handle=handle)
        if handle is list_:
            deed.add_argument("--plan", type=arguments.identifier, metavar="ID", help="of one comparison")
        else:
            deed.add_argument("candidate", type=arguments.job_id, metavar="ID", help="as `list` names it")
    return parser
