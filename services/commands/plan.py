"""`supervisor.py plan rectangle|polygon|quadrants …`: the steps that fill a region; needs no service."""

import argparse
import contextlib
import io
import json
import shlex
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from protocol.message import COORDINATE_LIMIT
from protocol.view import Estimate
from services import geojson, source
from services.commands.asking.words import reader_gone
from services.commands.preview import cells, history
from services.commands.preview.summary import Summary
from services.config import DEFAULT_CONFIG, DEFAULT_DATA, AppConfig, load
from services.model import Model
from services.positions import Broken, parse
from services.tiling import estimate
from services.tiling.camera import View
from services.tiling.field import MARGIN
from services.tiling.planning import Map, Planning, plan
from services.tiling.quadrant import Quadrant
from services.tiling.region import BadRegion, bounding, check_size, rectangle

POLYGON_BYTES = 8 << 20
SLOW = 50_000
"""Quadrants from which on a person wonders whether anything happens."""

REFUSED, USAGE = 1, 2


def main(words: Sequence[str]) -> int:
    """Plan a region. Exit code: 0 planned, also if something had to be left out, 1 refused, 2 wrong usage."""
    parser = _parser()
    given = parser.parse_args(words)
    if [given.file, given.existing, given.reserved].count("-") > 1:
        parser.error("standard input can be read only once")
    config = load(given.config)
    model = config.model(given.model or config.default_model)
    if model is None:
        known = ", ".join(model.model_id for model in config.models)
        print(f"{given.config} has no such model; known are {known}.", file=sys.stderr)
        return REFUSED
    try:
        region = _region(given, config)
        finished = frozenset(cells.read(given.existing) if given.existing else [])
        reserved = frozenset(cells.read(given.reserved) if given.reserved else [])
        with _patience(len(region)):
            planning = plan(region, Map(finished, reserved), repair=given.repair)
    except (BadRegion, cells.BadCells, source.Unreadable) as error:
        print(error, file=sys.stderr)
        return REFUSED
    takes = _estimate(planning, config, model, given.data)
    try:
        if given.json:
            _print_json(planning, takes, repair=given.repair)
        else:
            typed = f"supervisor.py plan {shlex.join(words)}"
            _show(Summary(planning, region, finished, takes, model, typed))
    except OSError as error:
        reader_gone()
        if not isinstance(error, BrokenPipeError):
            print(f"The plan cannot be written: {error.strerror}.", file=sys.stderr)
            return REFUSED
        # Whoever reads has seen enough, as `head` does.
    return 0


def _show(summary: Summary) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that has no × shows a question mark rather than a traceback.
        sys.stdout.reconfigure(errors="replace")
    console = Console()
    summary.show(console)
    console.file.flush()


def _patience(quadrants: int) -> contextlib.AbstractContextManager[Any]:
    """Say on a terminal that something large is under way."""
    if quadrants < SLOW:
        return contextlib.nullcontext()
    return Console(stderr=True).status(f"Planning {quadrants:,} quadrants …")


def _region(given: argparse.Namespace, config: AppConfig) -> Collection[Quadrant]:
    """The quadrants asked for; raises BadRegion and what reading a file raises."""
    if given.form == "rectangle":
        x0, y0, x1, y1 = corners = given.x0, given.y0, given.x1, given.y1
        _check_shore(corners)
        # Counted before it is made, so that a slip of the finger is answered at once.
        check_size((abs(x1 - x0) + 1) * (abs(y1 - y0) + 1))
        return rectangle(x0, y0, x1, y1)
    region = frozenset(
        cells.read(given.file)
        if given.form == "quadrants"
        else _under(given.file, View(**config.camera.model_dump()))
    )
    if region:
        _check_shore(bounding(region))
    return region


def _check_shore(corners: Sequence[int]) -> None:
    if max(map(abs, corners)) > COORDINATE_LIMIT:
        raise BadRegion(f"A corner lies beyond ±{COORDINATE_LIMIT:,}, the edge of the world.")
    if max(map(abs, corners)) > COORDINATE_LIMIT - MARGIN:
        raise BadRegion(
            f"The region lies at ±{COORDINATE_LIMIT:,}, the edge of the world; stay off it by {MARGIN}."
        )


def _under(file: str, view: View) -> Collection[Quadrant]:
    """The quadrants under the polygons in a GeoJSON file."""
    name = source.name(file)
    try:
        document = parse(source.read(file, POLYGON_BYTES))
    except Broken as error:
        raise BadRegion(f"{name}:{error.line}:{error.column}: {error}") from None
    try:
        return geojson.region(document.value, view)
    except geojson.BadGeoJson as error:
        line, column = document.place(error.place)
        raise BadRegion(f"{name}:{line}:{column}: {error}") from None


def _estimate(planning: Planning, config: AppConfig, model: Model, data: Path) -> Estimate:
    steps = planning.steps
    concurrency = config.concurrency(model)
    took = history.seconds(data, model.model_id)

    def lasting(seconds: float) -> float:
        apart = {"": model.seconds_apart}
        return round(estimate.duration(steps, seconds, concurrency, apart=apart), 3)

    return Estimate(
        calls=len(steps),
        quadrants=sum(len(step.quadrants) for step in steps),
        waves=estimate.waves(steps),
        renders=estimate.renders(steps),
        shapes=estimate.shapes(steps),
        seconds_p50=lasting(took.p50) if took else None,
        seconds_p90=lasting(took.p90) if took else None,
        concurrency=concurrency,
        cost=round(len(steps) * model.cost_per_image, 6) if model.cost_per_image is not None else None,
    )


def _print_json(planning: Planning, takes: Estimate, *, repair: bool) -> None:
    """Print one JSON object, a step to the line."""
    steps: list[Any] = [
        {
            "id": step.id,
            "quadrants": step.quadrants,
            "padding": step.padding,
            "scaffold": step.scaffold,
            "after": step.after,
        }
        for step in planning.steps
    ]
    left_out = [{"quadrant": cell, "reason": reason} for cell, reason in sorted(planning.left_out.items())]
    parts = [f'"steps": {_lines(steps)}', f'"left_out": {_lines(left_out)}']
    if repair:
        parts.append(f'"repair": {json.dumps(planning.repaired)}')
    parts.append(f'"estimate": {json.dumps(takes.model_dump())}')
    print("{" + ",\n".join(parts) + "}", flush=True)


def _lines(values: list[Any]) -> str:
    return "[" + ",\n ".join(map(json.dumps, values)) + "]"


def _parser() -> argparse.ArgumentParser:
    both = argparse.ArgumentParser(add_help=False)
    both.add_argument("--existing", metavar="FILE", help="finished quadrants, as [[x, y], …]")
    both.add_argument("--reserved", metavar="FILE", help="quadrants not to be drawn, not even as scaffold")
    both.add_argument("--repair", action="store_true", help="redo finished quadrants that are in the way")
    both.add_argument("--json", action="store_true", help="print one JSON object, which publish takes")
    both.add_argument("--model", metavar="MODEL_ID", help="whose time and cost count; else the default model")
    both.add_argument("--config", type=Path, default=DEFAULT_CONFIG, metavar="FILE", help="app_config.json")
    both.add_argument("--data", type=Path, default=DEFAULT_DATA, metavar="FOLDER", help="the world's folder")
    parser = argparse.ArgumentParser(
        prog="supervisor.py plan",
        description="Plan model calls that fill a region without a seam. Nothing needs to run.",
        epilog="A FILE of quadrants holds [[x, y], …]; - reads standard input.",
    )
    forms = parser.add_subparsers(required=True, metavar="REGION", dest="form")
    corners = forms.add_parser("rectangle", parents=[both], help="all quadrants between two corners")
    for corner in ("x0", "y0", "x1", "y1"):
        corners.add_argument(corner, type=int, metavar=corner.upper(), help="both corners belong to it")
    corners.set_defaults(file=None)
    for form, what, told in (
        ("polygon", "FILE.geojson", "all quadrants under the polygons of a GeoJSON file (RFC 7946)"),
        ("quadrants", "FILE", "the quadrants that a file lists"),
    ):
        forms.add_parser(form, parents=[both], help=told).add_argument(
            "file", metavar=what, help="- is stdin"
        )
    return parser
