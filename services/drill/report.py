"""The report of drills: a table for people, one object for programs."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from services.drill.drill import Verdict
from services.drill.faults import KINDS
from services.drill.oracle import NAMED


def as_json(verdicts: list[Verdict]) -> dict[str, Any]:
    """Everything that there is to say."""
    return {
        "ok": all(verdict.well for verdict in verdicts),
        "seconds": round(sum(verdict.seconds for verdict in verdicts), 1),
        "drills": [
            {
                "seed": verdict.order.seed,
                "ok": verdict.well,
                "seconds": round(verdict.seconds, 1),
                "findings": {finding.name: finding.rows for finding in verdict.findings},
                "figures": verdict.figures,
                "schedule": [str(fault) for fault in verdict.schedule],
                "folder": verdict.folder,
            }
            for verdict in verdicts
        ],
    }


def show(verdicts: list[Verdict], console: Console) -> None:
    """Draw the table, and name what speaks against it."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    for verdict in verdicts:
        table.add_column(f"seed {verdict.order.seed}", justify="right")
    for name in dict.fromkeys(finding.name for verdict in verdicts for finding in verdict.findings):
        table.add_row(name, *(_count(verdict, name) for verdict in verdicts))
    table.add_section()
    for name, show_figure in FIGURES.items():
        table.add_row(name, *(show_figure(verdict) for verdict in verdicts))
    console.print(table)
    for verdict in verdicts:
        if not verdict.well:
            _show_failed(verdict, console)
    well = sum(verdict.well for verdict in verdicts)
    colour = "green" if well == len(verdicts) else "red"
    console.print(f"[{colour}]{well} of {len(verdicts)} drills ended well.[/]")


def _count(verdict: Verdict, name: str) -> str:
    counts = [finding.count for finding in verdict.findings if finding.name == name]
    return "–" if not counts else f"[red]{counts[0]}[/]" if counts[0] else "[green]0[/]"


def _show_failed(verdict: Verdict, console: Console) -> None:
    order = verdict.order
    console.print(f"\n[red]seed {order.seed}[/]", highlight=False)
    for finding in verdict.findings:
        for row in finding.rows[:NAMED]:
            console.print(f"  {finding.name}: {escape(row)}", highlight=False, soft_wrap=True)
        if finding.count > NAMED:
            console.print(f"  {finding.name}: and {finding.count - NAMED} more")
    console.print("  the schedule:")
    for fault in verdict.schedule:
        console.print(f"    {fault}", highlight=False, soft_wrap=True)
    console.print(
        f"  again with: supervisor.py drill --seeds 1 --seed {order.seed} --jobs {order.jobs} "
        f"--faults {order.faults} --kills {order.kills} --stops {order.stops} --keep\n"
        f"  everything lies in {verdict.folder}",
        highlight=False,
        soft_wrap=True,
    )


def _figure(name: str) -> Any:
    return lambda verdict: f"{verdict.figures[name]:,}" if name in verdict.figures else "–"


def _faults(kind: str) -> Any:
    def shown(verdict: Verdict) -> str:
        found: dict[str, int] = verdict.figures.get("faults_by_kind", {}).get(kind, {})
        of = ", ".join(f"{count} {what}" for what, count in found.items())
        return f"{sum(found.values())}: {of}" if found else "–"

    return shown


def _recovery(kind: str) -> Any:
    def shown(verdict: Verdict) -> str:
        found = verdict.figures.get("recovery_seconds", {}).get(kind)
        return f"{found['longest']:.1f} s of {found['of']}" if found else "–"

    return shown


FIGURES: dict[str, Any] = {
    "seconds": lambda verdict: f"{verdict.seconds:.0f}",
    "jobs": _figure("jobs"),
    "faults injected": _figure("faults_injected"),
    **{f"  {kind}": _faults(kind) for kind in KINDS.values()},
    "model calls committed": _figure("steps_committed"),
    "paid calls per committed step": _figure("answered_per_step"),
    "calls begun per committed step": _figure("begun_per_step"),
    "late results refused": _figure("late_results_refused"),
    "workers that died over jobs": _figure("deaths"),
    "unreferenced images": _figure("unreferenced_blobs"),
    "faults nobody came to": lambda verdict: str(len(verdict.figures.get("unmet", []))),
    "late results adopted": _figure("late_results_adopted"),
    "pauses": _figure("pauses"),
    **{f"{kind} back, longest": _recovery(kind) for kind in ("keeper", "generator", "renderer", "gateway")},
    "children gone, longest": _recovery("children gone"),
}
