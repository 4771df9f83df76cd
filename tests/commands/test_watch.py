"""What `supervisor.py watch` says of events that no bar shows."""

import pytest

from protocol.event import Change, Event, JobChange, LateChange, MapChange, PlanChange, QueueChange, TileRef
from services.commands.watch import sentence


def tile(x: int, version: int, *, stale: bool = False) -> TileRef:
    return TileRef(layer="generation", x=x, y=0, version=version, stale=stale)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (QueueChange(paused=True), "The queue is paused."),
        (QueueChange(paused=False), "The queue goes on."),
        (QueueChange(paused=True, plan="north"), "Plan north is paused."),
        (
            QueueChange(paused=True, model_id="m", reason="The key is refused."),
            "Model m is paused: The key is refused.",
        ),
        (
            MapChange(tiles=[tile(0, 7), tile(1, 8, stale=True), tile(2, 9, stale=True), tile(3, 0)]),
            "1 quadrant brought back or no longer stale, 2 quadrants stale, 1 quadrant taken off the map.",
        ),
        (LateChange(job=3, state="kept"), "A result of job 3 came too late and was kept."),
        (LateChange(job=3, state="deleted"), "A late result of job 3 was deleted."),
        (PlanChange(plan="p", state="settled"), ""),
        (JobChange(job=1, plan="p", job_kind="render", state="complete"), ""),
    ],
)
def test_an_event_in_words(change: Change, said: str) -> None:
    assert sentence(Event(seq=1, at=0.0, change=change)) == said
