"""`supervisor.py queue …` against a real keeper."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

import supervisor
from protocol.ingest import PartTaken, PlanBegin
from protocol.plan import Plan, PlanHead
from services.commands.asking import arguments, words
from tests.commands.conftest import Run
from tests.keeper.house import House, island


def two_plans(house: House) -> tuple[list[int], list[int]]:
    """A plan of two steps and another of one, with nobody to work on them."""
    first = house.publish(island(0, 0, "a", prompt="a foggy pier"), island(6, 0, "b"), id="north")
    second = house.publish(island(20, 0, "a"), id="south", model_id="pixel-art", lane="interactive")
    return list(first.jobs), list(second.jobs)


def shown(answer: Any) -> Any:
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def states(house: House, plan: str) -> set[str]:
    return {job.state for job in house.jobs(plan=plan)}


def test_the_list_is_what_has_not_ended(house: House, told: Run) -> None:
    north, south = two_plans(house)
    listed = told("queue")
    assert listed.returncode == 0, listed.stderr
    head, *rows = listed.stdout.splitlines()
    assert head.split()[:5] == ["job", "state", "kind", "quadrants", "model"]
    assert len(rows) == len(north) + len(south)
    page = shown(told("queue", "list", "--plan", "south", "--json"))
    assert {job["plan"] for job in page["jobs"]} == {"south"}
    assert page["total"] == len(south)
    (only,) = shown(told("queue", "list", "--text", "FOGGY", "--json"))["jobs"]
    assert (only["step"], only["plan"]) == ("a", "north")
    cut = told("queue", "list", "--limit", "1")
    assert cut.stdout.splitlines()[-1].startswith("1 of ")
    house.peer("work").work_off("render", "palette")
    assert told("queue", "list", "--kind", "render").stdout == "There is no such job.\n"
    done = shown(told("queue", "list", "--kind", "render", "--state", "complete", "--newest", "--json"))
    assert done["total"] > 0
    numbers = [job["job"] for job in done["jobs"]]
    assert numbers == sorted(numbers, reverse=True)
    in_turn = shown(told("queue", "list", "--turn", "--json"))["jobs"]
    assert [job["position"] for job in in_turn] == list(range(1, len(in_turn) + 1))
    assert in_turn[0]["plan"] == "south"


def test_a_plan_a_model_and_all_are_paused_and_go_on(house: House, told: Run) -> None:
    two_plans(house)
    assert told("queue", "pause", "--plan", "north").stdout.startswith(
        "No more jobs of plan north are handed"
    )
    assert {job.paused for job in house.jobs(plan="north")} == {True}
    lease = house.peer("work").lease("render")
    assert lease.plan == "south"
    assert told("queue", "resume", "--plan", "north").returncode == 0
    assert {job.paused for job in house.jobs(plan="north")} == {False}
    assert told("queue", "pause", "--model", "pixel-art").returncode == 0
    assert next(model for model in house.status().models if model.model_id == "pixel-art").paused
    assert shown(told("queue", "pause", "--json"))["changed"] > 0
    assert house.status().paused
    assert told("queue", "resume").stdout == "Jobs are handed out again.\n"
    assert not house.status().paused


def test_exactly_what_is_named_is_called_off(house: House, told: Run) -> None:
    north, _ = two_plans(house)
    (step,) = (job.job for job in house.jobs(plan="north") if job.step == "b")
    assert told("queue", "cancel", str(step)).stdout == "1 job called off.\n"
    assert house.job(step).state == "cancelled"
    again = told("queue", "cancel", str(step))
    assert (again.returncode, again.stderr.split(":")[0]) == (1, "WRONG_STATE")
    assert told("queue", "cancel", "999").stderr.startswith("UNKNOWN_JOB: ")
    assert shown(told("queue", "retry", str(step), "--json"))["changed"] >= 1
    assert house.job(step).state in ("pending", "blocked")
    assert len(house.jobs(plan="north")) == len(north)


def test_filters_call_nothing_off_unasked(house: House, told: Run) -> None:
    two_plans(house)
    refused = told("queue", "cancel", "--plan", "north")
    assert refused.returncode == 1
    assert refused.stderr.endswith("jobs would be called off. Say --yes to do it.\n")
    assert "cancelled" not in states(house, "north")
    done = told("queue", "cancel", "--plan", "north", "--yes")
    assert (done.returncode, done.stdout.endswith("jobs called off.\n")) == (0, True)
    assert states(house, "north") == {"cancelled"}
    assert "cancelled" not in states(house, "south")
    nothing = told("queue", "cancel", "--plan", "north", "--yes")
    assert (nothing.returncode, nothing.stdout) == (0, "Nothing of this is left to call off.\n")
    assert shown(told("queue", "retry", "--plan", "north", "--state", "cancelled", "--json"))["changed"] >= 2
    assert "cancelled" not in states(house, "north")
    assert told("queue", "cancel", "--all", "--yes").returncode == 0
    assert states(house, "north") | states(house, "south") == {"cancelled"}


def test_a_plan_that_is_still_coming_in_is_called_off(house: House, told: Run) -> None:
    house.peer("ingest").ask(PlanBegin(plan=PlanHead(id="big"), steps=6), PartTaken)
    refused = told("queue", "cancel", "--plan", "big")
    assert refused.stderr.startswith("Plan big would be called off, of which no job is in the queue yet.")
    assert [draft.plan for draft in house.status().drafts] == ["big"]
    assert told("queue", "cancel", "--plan", "big", "--yes").stdout == "Plan big is called off.\n"
    assert house.status().drafts == []
    again = told("queue", "cancel", "--plan", "big", "--yes")
    assert (again.returncode, again.stdout) == (0, "Nothing of this is left to call off.\n")


@pytest.mark.parametrize(("reply", "left"), [("y\n", {"cancelled"}), ("\n", {"pending", "blocked"})])
def test_a_person_is_asked(house: House, monkeypatch: pytest.MonkeyPatch, reply: str, left: set[str]) -> None:
    two_plans(house)
    person, terminal = os.openpty()
    os.write(person, reply.encode())
    with open(terminal, closefd=False) as ear, open(terminal, "w") as mouth:
        monkeypatch.setattr(sys, "stdin", ear)
        monkeypatch.setattr(sys, "stderr", mouth)
        code = supervisor.main(["queue", "cancel", "--plan", "north", "--data", str(house.data)])
        assert code == (0 if left == {"cancelled"} else 1)
        asked = ""
        while "Go on? [y/N] " not in asked:
            asked += os.read(person, 1_000).decode()
    os.close(person)
    assert " jobs would be called off. Go on? [y/N] " in asked
    assert states(house, "north") == left


def test_the_order_is_a_persons(house: House, told: Run) -> None:
    two_plans(house)
    one, two = (job.job for job in house.jobs(plan="north", kind="render")[-2:])
    assert told("queue", "move", str(two), "--before", str(one)).returncode == 0
    assert house.job(two).position < house.job(one).position
    assert told("queue", "move", str(one), "--front").stdout.endswith(" moved.\n")
    assert house.job(one).position < house.job(two).position
    assert told("queue", "move", str(one), "--back").returncode == 0
    assert house.job(one).position > house.job(two).position
    assert told("queue", "move", "999", "--front").stderr.startswith("UNKNOWN_JOB: ")


def test_what_waits_can_be_asked_for_differently(house: House, told: Run) -> None:
    two_plans(house)
    house.peer("work").work_off("render", "palette")
    (step,) = (job for job in house.jobs(plan="north", kind="generate") if job.step == "a")
    done = told(
        "queue", "edit", str(step.job), "--prompt", "rain", "--priority", "-7", "--lane", "interactive"
    )
    assert (done.returncode, done.stdout) == (0, "1 job changed.\n")
    now = house.job(step.job)
    assert (now.prompt, now.priority, now.lane, now.model_id) == ("rain", -7, "interactive", step.model_id)
    assert told("queue", "edit", str(step.job), "--model", "pixel-art").returncode == 0
    assert house.job(step.job).model_id == "pixel-art"
    unknown = told("queue", "edit", str(step.job), "--model", "nobody")
    assert (unknown.returncode, unknown.stderr.split(":")[0]) == (1, "UNKNOWN_MODEL")
    while house.peer("work").lease("generate").job != step.job:
        pass
    late = told("queue", "edit", str(step.job), "--prompt", "snow")
    assert (late.returncode, late.stderr.split(":")[0]) == (1, "WRONG_STATE")


def test_a_queue_goes_into_a_file_and_back(house: House, told: Run, tmp_path: Path) -> None:
    two_plans(house)
    file = tmp_path / "queue.json"
    written = told("queue", "export", str(file))
    assert (written.returncode, written.stdout) == (0, "")
    assert written.stderr.startswith("2 plans with ")
    document = json.loads(file.read_text())
    plans = [Plan.model_validate(plan) for plan in document["plans"]]
    assert {plan.id for plan in plans} == {"north", "south"}
    assert told("queue", "export", "--plan", "south").stdout.count('"id":"south"') == 1
    known = shown(told("queue", "import", str(file), "--json"))
    assert {plan["duplicate"] for plan in known["plans"]} == {True}
    moved = json.loads(
        file.read_text().replace('"south"', '"elsewhere"').replace("[20,", "[220,").replace("[21,", "[221,")
    )
    only = {"plans": [plan for plan in moved["plans"] if plan["id"] == "elsewhere"]}
    taken = told("queue", "import", "-", given=json.dumps(only))
    assert taken.returncode == 0, taken.stderr
    assert taken.stdout.startswith("elsewhere is accepted: ")
    clash = json.loads(json.dumps(only).replace("elsewhere", "again"))
    refused = told("queue", "import", "-", "--json", given=json.dumps(clash))
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["refused"][0]["code"] == "CONFLICT"
    assert told("queue", "export", str(tmp_path / "no" / "folder.json")).returncode == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "standard input:1:1: It is empty.\n"),
        ("[]", "standard input:1: the file: it must be an object: { … }.\n"),
        (
            '{"plans": [], "plan": []}',
            "standard input:1: plan: this field is not known; did you mean 'plans'?",
        ),
        ('{"plans": [{"id": "a"}]}', "standard input:1: plans[0]: a plan has either steps or a rectangle.\n"),
        (
            '{"plans": [{"id": "a b", "rectangle": [0, 0, 1, 1]}]}',
            "standard input:1: plans[0].id: it has a sign",
        ),
        ('{"plans": [], "plans": []}', "standard input:1:15: This field is given twice"),
    ],
)
def test_a_bad_file_is_named_by_line(typed: Run, content: str, said: str) -> None:
    refused = typed("queue", "import", "-", given=content)
    assert refused.returncode == 1
    assert refused.stderr.startswith(said)


@pytest.mark.parametrize(
    ("command", "word"),
    [
        ("queue cancel", "--all"),
        ("queue cancel 7 --plan p", "--all"),
        ("queue cancel --all --model m", "--all"),
        ("queue cancel 0", "JOB"),
        ("queue cancel seven", "JOB"),
        (f"queue cancel {2**62 + 1}", "JOB"),
        ("queue retry 7 --held", "filters"),
        ("queue list --state done", "--state"),
        ("queue list --kind paint", "--kind"),
        ("queue list --error-class odd", "--error-class"),
        ("queue list --limit 0", "--limit"),
        ("queue list --text=", "--text"),
        ("queue list --plan a\\b", "--plan"),
        ("queue pause --model a --plan b", "--plan"),
        ("queue move 7", "--front"),
        ("queue move 7 --front --back", "--back"),
        ("queue move 7 --before x", "--before"),
        ("queue move " + " ".join(map(str, range(1, 502))) + " --front", "500"),
        ("queue edit 7", "--prompt"),
        ("queue edit 7 --priority 1001", "--priority"),
        ("queue edit 7 --priority high", "--priority"),
        ("queue edit 7 --lane fast", "--lane"),
        ("queue edit 7 --model=", "--model"),
        ("queue burn", "burn"),
        ("history 1", "Y"),
        ("history 1.5 2", "X"),
        ("history 1 1000001", "Y"),
        ("revert", "VERSION"),
        ("revert 1 2", "VERSION"),
        ("revert 1 2 -3", "VERSION"),
        ("revert 1 2 3 --plan p", "--plan"),
        ("orphans adopt", "ID"),
        ("orphans adopt 0", "ID"),
        ("orphans burn 1", "burn"),
        ("compare 1 2", "MODEL"),
        ("compare 1 y plain", "Y"),
        ("compare 1 2 plain --seeds 33", "--seeds"),
        ("compare 1 2 plain --size 3x3", "--size"),
        ("compare commit", "ID"),
        ("compare discard x", "ID"),
        ("prune", "--older-than"),
        ("prune --older-than 30", "--older-than"),
        ("prune --older-than -1d", "--older-than"),
        ("prune --older-than 99999999999w", "--older-than"),
    ],
)
def test_wrong_usage_names_what_is_wrong(typed: Run, command: str, word: str) -> None:
    refused = typed(*command.split())
    assert (refused.returncode, refused.stdout) == (2, "")
    assert word in refused.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "command",
    [
        "queue",
        "queue cancel 1",
        "queue export",
        "history 0 0",
        "revert --plan p",
        "orphans",
        "compare 0 0 plain",
        "compare list",
        "prune --older-than 1d",
    ],
)
def test_where_nothing_runs_that_is_said(typed: Run, command: str) -> None:
    refused = typed(*command.split())
    assert (refused.returncode, refused.stdout) == (3, "")
    assert refused.stderr.startswith("Nothing runs in ")


@pytest.mark.parametrize("command", ["queue", "history", "revert", "orphans", "compare", "prune", "publish"])
def test_every_command_helps(typed: Run, command: str) -> None:
    helped = typed(command, "--help")
    assert helped.returncode == 0
    assert helped.stdout.startswith(f"usage: supervisor.py {command}")


def test_times_and_sizes_are_read_and_told() -> None:
    given = ("90s", "5m", "12h", "30d", "2w", "0s")
    assert [arguments.duration(age) for age in given] == [90, 300, 43_200, 2_592_000, 1_209_600, 0]
    assert [words.size(octets) for octets in (0, 1, 1023, 1 << 10, 3 << 29, 5 << 40)] == [
        "0 bytes", "1 byte", "1,023 bytes", "1.0 KiB", "1.5 GiB", "5.0 TiB",
    ]  # fmt: skip
    assert words.quadrants([(0, 0)] * 6) == "0,0 0,0 0,0 0,0 and 2 more"
