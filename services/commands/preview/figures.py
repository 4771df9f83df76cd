"""The figures of an estimate as a person reads them."""

from protocol.view import Estimate
from services.supervision.report import duration


def calls(estimate: Estimate) -> str:
    """How many model calls, by shape."""
    shapes = [f"{shape.replace('x', '×')}: {count:,}" for shape, count in estimate.shapes.items() if count]
    return f"{estimate.calls:,}  ({', '.join(shapes)})"


def time(estimate: Estimate) -> str:
    """How long the calls take."""
    p50, p90 = estimate.seconds_p50, estimate.seconds_p90
    if p50 is None or p90 is None:
        return "not known: nothing is remembered of earlier calls of this model"
    return f"about {duration(p50)}; {duration(p90)} if every call is slow"


def cost(estimate: Estimate) -> str:
    """What the calls cost, in whatever currency the configuration means."""
    if estimate.cost is None:
        return "not known: the model states no cost_per_image"
    each = f"  ({estimate.calls:,} × {estimate.cost / estimate.calls:.4g})" if estimate.calls else ""
    return f"{estimate.cost:,.2f}{each}"
