"""`history`, `revert`, `orphans` and `prune` against a real keeper."""

import json

from protocol.control import CancelJob, Changed
from tests.commands.conftest import Run
from tests.keeper.house import House, island


def drawn_twice(house: House) -> list[int]:
    """A quadrant with two versions: drawn by one plan, drawn anew by another; the versions, oldest first."""
    house.publish(island(0, 0), id="first")
    house.peer("work").work_off()
    house.publish(island(0, 0), id="second", repair=[(0, 0), (1, 0), (0, 1), (1, 1)])
    house.peer("work").work_off()
    told = [
        tile.version for tile in house.map().tiles if (tile.layer, tile.x, tile.y) == ("generation", 0, 0)
    ]
    return told


def test_a_quadrant_tells_where_it_came_from_and_goes_back(house: House, told: Run) -> None:
    (now,) = drawn_twice(house)
    history = told("history", "0", "0")
    assert history.returncode == 0, history.stderr
    heads = [line for line in history.stdout.splitlines() if line.startswith("version ")]
    assert len(heads) == 2
    assert heads[0].startswith(f"version {now}  generation  ")
    assert heads[0].endswith("(stands now)")
    assert "of plan second, try 1, by painter" in history.stdout
    versions = json.loads(told("history", "0", "0", "--json").stdout)["versions"]
    older = versions[1]["version"]
    assert [one["current"] for one in versions] == [True, False]
    assert len(json.loads(told("history", "0", "0", "--all", "--json").stdout)["versions"]) > 2

    back = told("revert", "0", "0", str(older))
    assert (back.returncode, back.stdout.splitlines()[0]) == (0, "1 quadrant of the map changed."), (
        back.stderr
    )
    standing = {(t.x, t.y): t.version for t in house.map().tiles if t.layer == "generation"}
    assert standing[0, 0] == older
    wrong = told("revert", "1", "1", str(older))
    assert (wrong.returncode, wrong.stderr.split(":")[0]) == (1, "UNKNOWN_TILE")
    assert told("history", "-40", "7").stdout == "Nothing was ever drawn at -40,7.\n"


def test_a_whole_plan_goes_back(house: House, told: Run) -> None:
    drawn_twice(house)
    before = {t.version for t in house.map().tiles if t.layer == "generation"}
    answer = json.loads(told("revert", "--plan", "second", "--json").stdout)
    assert answer["quadrants"] == 4
    assert not before & {t.version for t in house.map().tiles if t.layer == "generation"}
    unknown = told("revert", "--plan", "nobody")
    assert (unknown.returncode, unknown.stderr.split(":")[0]) == (1, "UNKNOWN_PLAN")


def test_a_late_result_is_listed_adopted_and_deleted(house: House, told: Run) -> None:
    assert told("orphans").stdout == "No result came too late.\n"
    house.publish(island(0, 0, "a"), island(8, 0, "b"), id="p")
    house.peer("work").work_off("render", "palette")
    for _ in range(2):
        lease = house.peer("work").lease("generate")
        house.peer("control").ask(CancelJob(job=lease.job), Changed)
        house.peer("work").late(lease)
    listed = told("orphans", "list")
    assert listed.returncode == 0, listed.stderr
    assert len(listed.stdout.splitlines()) == 3
    first, second = json.loads(told("orphans", "--json").stdout)["orphans"]
    adopted = told("orphans", "adopt", str(first["orphan"]))
    assert (adopted.returncode, adopted.stdout.splitlines()[0]) == (0, "4 quadrants of the map changed.")
    assert told("orphans", "delete", str(second["orphan"])).stdout.endswith(" is deleted.\n")
    assert json.loads(told("orphans", "--json").stdout) == {"orphans": []}
    unknown = told("orphans", "adopt", "999")
    assert (unknown.returncode, unknown.stderr.split(":")[0]) == (1, "UNKNOWN_ORPHAN")


def test_what_ended_long_ago_goes_only_when_told_to(house: House, told: Run) -> None:
    drawn_twice(house)
    assert told("prune", "--older-than", "1d").stdout == "Nothing is that old.\n"
    house.clock.forward(2 * 86_400)
    tried = told("prune", "--older-than", "1d", "--dry-run")
    assert tried.returncode == 0, tried.stderr
    assert " would be removed" in tried.stdout
    would = json.loads(told("prune", "--older-than", "1d", "--versions", "--dry-run", "--json").stdout)
    standing = house.map().tiles
    done = json.loads(told("prune", "--older-than", "1d", "--versions", "--json").stdout)
    assert (done, done["plans"] > 0, done["jobs"] > 0, done["events"] > 0) == (would, True, True, True)
    assert house.map().tiles == standing
    assert json.loads(told("prune", "--older-than", "1d", "--versions", "--json").stdout)["plans"] == 0
