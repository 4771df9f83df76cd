"""A plan told to a person: what it takes, what it leaves out, what to type next."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from protocol.plan import STEP_LIMIT
from protocol.view import Estimate
from services.commands.asking.words import count
from services.commands.preview import figures
from services.commands.preview.drawing import draw
from services.model import Model
from services.tiling.planning import Planning
from services.tiling.quadrant import Quadrant
from services.tiling.region import named

REASONS = 5
"""Reasons that are told one by one."""


@dataclass(frozen=True)
class Summary:
    """Everything that is told about a plan."""

    planning: Planning
    region: Collection[Quadrant]
    finished: Collection[Quadrant]
    estimate: Estimate
    model: Model
    command: str
    """What was typed, as it can be typed again."""

    def show(self, console: Console) -> None:
        """Print it."""
        steps = self.planning.steps
        console.print(f"[bold]{self._headline()}[/]", highlight=False)
        if steps:
            console.print()
            console.print(self._figures())
        drawing = draw(self.planning, self.region, self.finished, console.width)
        if drawing is not None:
            console.print()
            console.print(drawing)
        self._left_out(console)
        if len(steps) > STEP_LIMIT:
            _say(console, f"\npublish takes at most {STEP_LIMIT:,} steps at once: plan this region in parts.")
        elif steps:
            _say(
                console,
                f"\nTo go on:\n  {self.command} --json > plan.json\n  supervisor.py publish plan.json",
            )

    def _headline(self) -> str:
        done = sum(cell in self.finished for cell in self.region)
        asked = f"{count(len(self.region), 'quadrant')} asked for"
        if not self.planning.steps:
            rest = "all of them are finished" if done == len(self.region) else "none of them can be drawn"
            return f"{asked}: {rest}."
        parts = [f"{self.estimate.quadrants:,} drawn"]
        if self.planning.repaired:
            parts[0] += f", {len(self.planning.repaired):,} of them anew"
        if done:
            parts.append(f"{done:,} finished already")
        if self.planning.left_out:
            parts.append(f"{len(self.planning.left_out):,} left out")
        return f"{asked}: {'; '.join(parts)}."

    def _figures(self) -> Table:
        estimate = self.estimate
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(style="dim", no_wrap=True)
        table.add_column()
        shapes = [
            f"{shape.replace('x', '×')}: {count:,}" for shape, count in estimate.shapes.items() if count
        ]
        table.add_row("  model calls", f"{estimate.calls:,}  ({', '.join(shapes)})")
        waves = Counter(step.wave for step in self.planning.steps)
        calls = " · ".join(f"{waves[wave]:,}" for wave in sorted(waves)[:12])
        table.add_row("  waves", f"{estimate.waves:,}  ({calls}{' · …' if len(waves) > 12 else ''} calls)")
        table.add_row("  renders", f"{estimate.renders:,} frames, if none is there yet")
        if scaffold := sum(len(step.scaffold) for step in self.planning.steps):
            table.add_row("  scaffold", f"{count(scaffold, 'quadrant')}, kept until the plan ends")
        if padding := sum(len(step.padding) for step in self.planning.steps):
            table.add_row("  padding", f"{count(padding, 'quadrant')}, drawn and thrown away")
        table.add_row("  model", f"{self.model.name}, {estimate.concurrency} at once")
        table.add_row("  time", figures.time(estimate))
        table.add_row("  cost", figures.cost(estimate))
        return table

    def _left_out(self, console: Console) -> None:
        if not self.planning.left_out:
            return
        by_reason: dict[str, list[Quadrant]] = {}
        for cell, reason in self.planning.left_out.items():
            by_reason.setdefault(reason, []).append(cell)
        console.print("\n[bold]Left out[/]", highlight=False)
        largest = sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[1]))
        for reason, cells in largest[:REASONS]:
            _say(console, f"  {named(cells)}: {reason}")
        if len(largest) > REASONS:
            rest = sum(len(cells) for _, cells in largest[REASONS:])
            _say(console, f"  … and {count(rest, 'quadrant')} more for other reasons; --json names them all.")


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)
