"""docs/http.md names every address and every field that there is, and no other."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from protocol.control import MapView, Status
from protocol.event import JobChange, LateChange, MapChange, PlanChange, QueueChange, TileRef
from protocol.ingest import Accepted
from protocol.order import Candidates, Edit, Move, Orphans, Prune, Pruned, Reverted, Where
from protocol.region import Planned
from protocol.view import (
    CandidateView,
    Estimate,
    JobView,
    LeftOut,
    ModelView,
    OrphanTile,
    OrphanView,
    PlannedStep,
    PlanView,
    Seen,
    VersionView,
    Working,
)
from services.config import AppConfig
from services.gateway.answers import Answers
from services.gateway.api import Api
from services.gateway.events import Listeners
from services.gateway.feed import Feed
from services.gateway.health import Health
from services.gateway.history import History
from services.gateway.keeper import Keeper
from services.gateway.models import Models
from services.gateway.orders import Orders
from services.gateway.orphans import LateResults
from services.gateway.pyramid import Pyramid
from services.gateway.queue import Queue
from services.gateway.tiles import Tiles
from services.gateway.transfer import Transfer
from services.gateway.views import Views
from services.tiling.camera import View

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "http.md").read_text("utf-8")


def shape(address: str) -> str:
    """An address with every place that varies as `*`."""
    path = re.sub(r"\{[^{}]*\}|\b[A-Z]+\b", "*", address.partition("?")[0])
    return path.replace("*:.+}", "*")


def documented() -> set[tuple[str, str]]:
    """Method and shape of every address in the tables; `…/retry` repeats what stands before the last step."""
    found: set[tuple[str, str]] = set()
    for line in DOCUMENT.splitlines():
        cell = line.removeprefix("| ").split(" | ")[0] if line.startswith("| `") else ""
        method = path = ""
        for text in re.findall(r"`([^`]+)`", cell):
            first, _, address = text.rpartition(" ")
            method = first or method
            if address.startswith("/"):
                path = shape(address)
            else:
                path = f"{path.rpartition('/')[0]}/{address.removeprefix('…/')}"
            found.add((method, path))
    return found


async def served() -> set[tuple[str, str]]:
    """Method and shape of every route."""
    config = AppConfig.model_validate({"models": [{"name": "a", "model_id": "a", "provider": "pixel-art"}]})
    keeper, models, answers = Keeper("ipc:///tmp/tw-nobody"), Models(config), Answers()
    view, feed = View(**config.camera.model_dump()), Feed(keeper)
    listeners = Listeners(feed)
    parts = (
        Api(keeper, models),
        Queue(keeper, models, answers),
        Transfer(keeper, models, answers),
        Orders(keeper, models, view, answers),
        History(keeper, view, answers),
        LateResults(keeper, answers),
        listeners,
        Tiles(Pyramid(keeper, config.camera), config),
        Health(keeper, listeners),
        Views(config, models),
    )
    found: set[tuple[str, str]] = set()
    for route in (route for part in parts for route in part.routes()):
        actions = re.search(r"\{action:([^}]+)\}", route.path)
        for action in actions[1].split("|") if actions else [""]:
            path = route.path.replace(actions[0], action) if actions else route.path
            found.add((route.method, shape(re.sub(r"\{(\w+):[^}]*\}", r"{\1}", path))))
    await keeper.close()
    return found


async def test_every_address_is_in_the_document_and_every_one_there_is_served() -> None:
    assert documented() == await served()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("JOB: ", JobView),
        ("PLANNED: ", Planned),
        ("ESTIMATE: ", Estimate),
        ("LEFT_OUT: ", LeftOut),
        ('`GET /api/plans` | `{"plans": [', PlanView),
        ('"steps": [', PlannedStep),
        ("/api/map?x0=&y0=&x1=&y1=&layers=` | ", MapView),
        ("`GET /api/status` | ", Status),
        ("CHANGE: `", JobChange),
        ('`{"kind": "plan"', PlanChange),
        ('`{"kind": "queue"', QueueChange),
        ('`{"kind": "map"', MapChange),
        ('`{"kind": "late"', LateChange),
        ('"tiles": [', TileRef),
        ("WORKING: ", Working),
        ("MODEL: ", ModelView),
        ("VERSION: ", VersionView),
        ('"saw": [', Seen),
        ("/api/orphans?cursor=&limit=` | ", Orphans),
        ("/api/candidates?plan=&cursor=&limit=` | ", Candidates),
        ("CANDIDATE: ", CandidateView),
        ("ORPHAN: ", OrphanView),
        ('ORPHAN: `{"orphan", "job", "plan", "model_id", "prompt", "tiles": [', OrphanTile),
        ("WHERE: ", Where),
        ("POST /api/queue/move` | ", Move),
        ("POST /api/queue/edit` | ", Edit),
        ("POST /api/prune` | ", Prune),
        ("REVERTED: ", Reverted),
        ("PRUNED: ", Pruned),
    ],
)
def test_every_field_of_an_answer_is_in_the_document(name: str, kind: type[BaseModel]) -> None:
    start = DOCUMENT.index(name)
    opened = DOCUMENT.index("{", start)
    depth, end = 0, opened
    while True:
        depth += {"{": 1, "}": -1}.get(DOCUMENT[end], 0)
        end += 1
        if not depth:
            break
    fields = set(re.findall(r"\"(\w+)\"", DOCUMENT[opened:end]))
    missing = set(kind.model_fields) - fields
    assert not missing, f"{sorted(missing)} of {kind.__name__} are not in docs/http.md"


def test_accepted_is_what_the_document_says() -> None:
    start = DOCUMENT.index("ACCEPTED: ")
    fields = set(re.findall(r"\"(\w+)\"", DOCUMENT[start : DOCUMENT.index("}`", start)]))
    assert fields == set(Accepted.model_fields) - {"duplicate"} | {"model_id"}
