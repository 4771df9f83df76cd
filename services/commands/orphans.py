"""`supervisor.py orphans …`: results that came too late, kept because they were paid for."""

import argparse
from collections.abc import Callable, Sequence

from protocol.order import Adopt, Deleted, DeleteOrphan, Reverted
from protocol.view import OrphanView
from services.commands import revert
from services.commands.asking import arguments, words
from services.commands.asking.line import WELL, Line, asking


def main(typed: Sequence[str]) -> int:
    """Show or settle late results. Exit code: 0 done, 1 refused, 2 wrong usage, 3 not running."""
    given = _parser().parse_args(arguments.or_list(typed))
    handle: Callable[[Line, argparse.Namespace], int] = given.handle
    return asking(given.data, lambda line: handle(line, given))


def list_(line: Line, given: argparse.Namespace) -> int:
    """Show every late result."""
    found = list(line.orphans())
    if given.json:
        words.say_json({"orphans": [orphan.model_dump(mode="json") for orphan in found]})
    elif found:
        columns = ("orphan", "came", "job", "plan", "quadrants", "model", "worker", "can be adopted")
        words.table(columns, [_row(orphan) for orphan in found])
    else:
        words.say("No result came too late.")
    return WELL


def adopt(line: Line, given: argparse.Namespace) -> int:
    """Put a late result on the map, as what its job made."""
    adopted = line.ask(Adopt(orphan=given.orphan), Reverted)
    if given.json:
        words.say_json(adopted.model_dump(mode="json"))
    else:
        words.say(*revert.told(adopted))
    return WELL


def delete(line: Line, given: argparse.Namespace) -> int:
    """Forget a late result."""
    line.ask(DeleteOrphan(orphan=given.orphan), Deleted)
    if given.json:
        words.say_json({"deleted": given.orphan})
    else:
        words.say(f"Late result {given.orphan} is deleted.")
    return WELL


def _row(orphan: OrphanView) -> list[str]:
    cells = sorted({(tile.x, tile.y) for tile in orphan.tiles})
    return [
        str(orphan.orphan),
        words.moment(orphan.received_at),
        str(orphan.job),
        orphan.plan,
        words.quadrants(cells),
        orphan.model_id,
        orphan.worker,
        "yes" if orphan.adoptable else f"no: {orphan.reason}",
    ]


def _parser() -> argparse.ArgumentParser:
    world = arguments.world()
    parser = argparse.ArgumentParser(
        prog="supervisor.py orphans",
        description="Results that came when their job was no longer their worker's. They were paid for, so "
        "they are kept until somebody puts them on the map or deletes them.",
    )
    deeds = parser.add_subparsers(metavar="DEED", required=True)
    for name, handle in (("list", list_), ("adopt", adopt), ("delete", delete)):
        told = (handle.__doc__ or "").strip()
        deed = deeds.add_parser(name, parents=[world], help=told, description=told)
        deed.set_defaults(handle=handle)
        if handle is not list_:
            deed.add_argument("orphan", type=arguments.job_id, metavar="ID", help="as `list` names it")
    return parser
