"""The oracle on a small world: nothing speaks against it as it is, and each thing that is broken is named."""

import hashlib
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from protocol.ingest import Accepted
from protocol.order import Adopt, Candidates, ListCandidates, Reverted
from protocol.region import Compare
from protocol.work import Acked, Fetch, GenerateWork, Goodbye, Lease, Pixels
from services.drill.ledger import Ledger
from services.drill.model import Bill, StubModel
from services.drill.oracle import Oracle
from services.drill.picture import picture
from services.drill.plans import DARK_MODEL, PRICE, PRICED_MODEL
from services.drill.stage import MODEL, app_config
from tests.keeper.house import House, Peer, island, opened, result

MONEY, SETTLED = "calls counted twice, or not at all", "money still set aside"
BEYOND = "spent beyond cap or budget"
INPUT, MIXED = "drawn without its input layer", "layers mixed up"
UNASKED, CHOSEN = "candidates: on the map unasked", "candidates: lost, or not as chosen"


class World:
    """A folder with what a drill leaves behind: a world, ledgers, and the stub model's bills."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data, self.ledgers = folder / "d", folder / "ledgers"
        self.model = StubModel()

    def copy(self, folder: Path) -> "World":
        """The same, to be broken."""
        other = World(folder)
        shutil.copytree(self.data, other.data)
        shutil.copytree(self.ledgers, other.ledgers)
        other.model.bills = list(self.model.bills)
        return other

    def change(self, sql: str) -> None:
        """Meddle with the database; something must come of it."""
        with closing(sqlite3.connect(self.data / "tilewright.db")) as connection, connection:
            assert connection.execute(sql).rowcount > 0

    def note(self, what: str, **fact: object) -> None:
        ledger = Ledger(self.ledgers, "people")
        ledger.note(what, **fact)
        ledger.close()

    def told(self) -> dict[str, list[str]]:
        """What the oracle finds."""
        found = Oracle(self.data, self.ledgers, self.model).findings()
        return {finding.name: finding.rows for finding in found if finding.rows}


def called(world: World, lease: Lease) -> None:
    """A worker has taken the lease and called the model for it."""
    work = lease.work
    assert isinstance(work, GenerateWork)
    world.note("taken", job=lease.job, token=lease.token, attempt=lease.attempt, worker="w")
    world.model.bills.append(Bill(time.monotonic(), work.model_id, lease.job, lease.token))


def draw(world: World, worker: Peer) -> Lease:
    """Do the next model call, as the stub generator does."""
    lease = worker.lease("generate")
    called(world, lease)
    work = lease.work
    assert isinstance(work, GenerateWork)
    read = {}
    if work.input_layer != "render":
        seen = worker.ask(Fetch(layer=work.input_layer, quadrants=work.quadrants), Pixels).tiles
        read = {(tile.x, tile.y): tile.version for tile in seen}
    body, _ = result(lease)
    note = {"job": lease.job, "token": lease.token}
    images = [
        picture({**note, "x": tile.x, "y": tile.y, "from": read.get((tile.x, tile.y), 0)})
        for tile in body.tiles
    ]
    tiles = [tile.model_copy(update={"attachment": number}) for number, tile in enumerate(body.tiles)]
    cost = PRICE if work.model_id == PRICED_MODEL else None
    made = body.made.model_copy(update={"calls": 1, "cost": cost, "saw": sorted(read.values())})
    worker.ask(body.model_copy(update={"tiles": tiles, "made": made}), Acked, images)
    hashes = [
        (tile.layer, tile.x, tile.y, hashlib.sha256(images[n]).hexdigest()) for n, tile in enumerate(tiles)
    ]
    world.note("acked", job=lease.job, token=lease.token, tiles=hashes)
    return lease


def offer(
    house: House, world: World, plan: str, model_id: str, *lefts: int, cap: float | None = None
) -> None:
    """A plan of one island at each of these places."""
    world.note("offered", plan=plan, cap=cap)
    house.publish(*[island(x, 1, f"s{x}") for x in lefts], id=plan, model_id=model_id, cost_cap=cap)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Jobs by number, renders apart: two priced ones, one of them called for twice; dark; two candidates."""
    folder = tmp_path_factory.mktemp("o")
    world = World(folder)
    world.ledgers.mkdir()
    config = app_config("http://127.0.0.1:9/edit", 60.0, budget=40 * PRICE)
    given = {name: config[name] for name in ("models", "default_model_id")}
    with opened(folder, **given) as house:
        house.clock.now = time.time()
        worker, control = house.peer("work"), house.peer("control")
        offer(house, world, "priced", PRICED_MODEL, 1, 11, cap=4 * PRICE)
        worker.work_off("render")
        called(world, worker.lease("generate", worker="gone"))
        worker.exchange(Goodbye(worker="gone"))
        for _ in range(2):
            draw(world, worker)
        offer(house, world, "dark", DARK_MODEL, 1)
        draw(world, worker)
        world.note("offered", plan="compare-1", cap=None)
        quadrants = [(21, 1), (22, 1), (21, 2), (22, 2)]
        compare = Compare(plan="compare-1", quadrants=quadrants, models=[MODEL], seeds=[1, 2])
        control.ask(compare, Accepted)
        worker.work_off("render")
        for _ in range(2):
            draw(world, worker)
        chosen = control.ask(ListCandidates(), Candidates).candidates[0]
        named = {"job": chosen.job, "orphan": chosen.orphan}
        world.note("adopting", **named)
        control.ask(Adopt(orphan=chosen.orphan), Reverted)
        tiles = [(tile.layer, tile.x, tile.y, tile.sha256) for tile in chosen.tiles]
        world.note("adopted", **named, tiles=tiles)
    yield world


@pytest.fixture
def world(whole: World, tmp_path: Path) -> World:
    return whole.copy(tmp_path / "copy")


PRICED = f"(SELECT min(id) FROM generation_queue WHERE model_id = '{PRICED_MODEL}')"
TWICE = f"(SELECT max(id) FROM generation_queue WHERE model_id = '{PRICED_MODEL}' AND presumed > 0)"
NOT_CHOSEN = (
    "(SELECT id FROM generation_queue WHERE candidate = 1 AND id NOT IN (SELECT job_id FROM tile_versions))"
)


def test_nothing_speaks_against_a_whole_world(whole: World) -> None:
    assert whole.told() == {}


@pytest.mark.parametrize(
    ("row", "sql"),
    [
        (MONEY, f"UPDATE generation_queue SET cost = cost + {2 * PRICE} WHERE id = {PRICED}"),
        (MONEY, f"UPDATE generation_queue SET cost = 0 WHERE id = {PRICED}"),
        (MONEY, f"UPDATE generation_queue SET presumed = 0 WHERE id = {TWICE}"),
        (SETTLED, f"UPDATE generation_queue SET reserved = {PRICE} WHERE id = {PRICED}"),
        (SETTLED, f"UPDATE generation_queue SET presumed = presumed + {PRICE} WHERE presumed > 0"),
        (SETTLED, f"UPDATE plans SET reserved = reserved + {PRICE} WHERE id = 'priced'"),
        (SETTLED, f"UPDATE plan_tally SET cost = cost + {PRICE} WHERE plan_id = 'priced'"),
        (INPUT, "DELETE FROM saw"),
        (
            INPUT,
            "UPDATE tile_versions SET version = version + 1000 WHERE layer = 'generation' AND x = 1",
        ),
        (MIXED, "UPDATE tiles SET x = x + 50 WHERE layer = 'dark' AND x = 1"),
        (MIXED, "UPDATE tile_versions SET layer = 'generation' WHERE layer = 'dark'"),
        (MIXED, "UPDATE plans SET layer = 'generation' WHERE id = 'dark'"),
        ("done twice", "UPDATE tile_versions SET x = x - 10 WHERE layer = 'generation' AND x IN (11, 12)"),
        (UNASKED, f"UPDATE tile_versions SET job_id = {NOT_CHOSEN} WHERE x = 21"),
        (UNASKED, f"UPDATE orphan_results SET adopted = 1 WHERE job_id = {NOT_CHOSEN}"),
        (CHOSEN, f"DELETE FROM orphan_results WHERE job_id = {NOT_CHOSEN}"),
        (CHOSEN, "DELETE FROM tiles WHERE layer = 'generation' AND x = 21"),
        (CHOSEN, "DELETE FROM tile_versions WHERE layer = 'generation' AND x = 21"),
    ],
)
def test_what_is_broken_in_the_database_is_named(world: World, row: str, sql: str) -> None:
    world.change(sql)
    assert row in world.told()


def beyond_the_cap(world: World) -> None:
    """As many calls more as the cap has no room for."""
    bill = next(bill for bill in world.model.bills if bill.model_id == PRICED_MODEL)
    world.model.bills += [bill, bill]


def beyond_the_budget(world: World) -> None:
    bill = next(bill for bill in world.model.bills if bill.model_id == PRICED_MODEL)
    world.change("UPDATE generation_queue SET plan_id = 'dark' WHERE plan_id = 'priced'")
    world.model.bills += [bill] * 38


def under_no_lease(world: World) -> None:
    bill = next(bill for bill in world.model.bills if bill.model_id == PRICED_MODEL)
    world.model.bills.append(Bill(bill.at, bill.model_id, bill.job, 999))


@pytest.mark.parametrize("harm", [beyond_the_cap, beyond_the_budget, under_no_lease])
def test_calls_beyond_what_was_allowed_are_named(world: World, harm: Callable[[World], None]) -> None:
    harm(world)
    assert BEYOND in world.told()


def test_what_is_allowed_later_counts_from_then_on(world: World) -> None:
    bill = next(bill for bill in world.model.bills if bill.model_id == PRICED_MODEL)
    world.model.bills += [bill] * 2
    world.note("cap", plan="priced", cap=6 * PRICE)
    assert BEYOND in world.told()
    world.model.bills[-1:] = [Bill(time.monotonic(), bill.model_id, bill.job, bill.token)]
    assert BEYOND not in world.told()


def test_a_clock_that_goes_on_to_the_next_day_begins_another_budget(world: World) -> None:
    first, *_, last = (bill for bill in world.model.bills if bill.model_id == PRICED_MODEL)
    world.change("UPDATE generation_queue SET plan_id = 'dark' WHERE plan_id = 'priced'")
    world.model.bills += [first] * 20 + [last] * 20
    assert BEYOND in world.told()
    leases = 'SELECT seq FROM events WHERE change LIKE \'%"state":"processing"%\' AND job_id = '
    world.change(f"UPDATE events SET at = at + 86400 WHERE seq IN ({leases} {last.job})")
    assert BEYOND not in world.told()


def test_a_step_that_was_handed_out_without_its_input_is_named(world: World) -> None:
    world.note("unread", job=1, token=1, layer="generation", cells=[(5, 5)])
    assert INPUT in world.told()
    world.note("reverting", layer="generation", x=5, y=5, version=0)
    assert INPUT not in world.told()
