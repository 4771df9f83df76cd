"""`supervisor.py queue …`: what waits, and what people tell it to do."""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any, Literal

from protocol.control import (
    CancelJob,
    CancelPlan,
    Changed,
    ClearQueue,
    GetStatus,
    ListJobs,
    ListPlans,
    Pause,
    Plans,
    Resume,
    RetryFailed,
    RetryJob,
    Status,
)
from protocol.message import Message
from protocol.order import CancelWhere, Edit, Move, RetryWhere, Where
from services.commands.asking import arguments, listing, transfer, words
from services.commands.asking.line import REFUSED, WELL, Line, asking

SHOWN_STATES = ["pending", "processing", "blocked", "error"]
UNENDED = ["pending", "processing", "blocked"]
JOBS_LIMIT = 500
"""Jobs that are named in one command."""
NEWEST_PLANS = 200
"""Among so many is one whose jobs are still being put into the queue."""


def main(typed: Sequence[str]) -> int:
    """Show or change the queue. Exit code: 0 done, 1 refused, 2 wrong usage, 3 not running."""
    parser = _parser()
    given = parser.parse_args(arguments.or_list(typed))
    given.parser = parser
    handle: Callable[[Line, argparse.Namespace], int] = given.handle
    return asking(given.data, lambda line: handle(line, given))


def list_(line: Line, given: argparse.Namespace) -> int:
    """Show jobs: by themselves those that wait, run or have failed."""
    where = arguments.where(given)
    if not where.states and not given.held:
        where = where.model_copy(update={"states": SHOWN_STATES})
    page = line.jobs(ListJobs(**where.model_dump(), newest=given.newest, turn=given.turn), given.limit)
    if given.json:
        words.say_json(page.model_dump(mode="json"))
    else:
        listing.show(page)
    return WELL


def pause(line: Line, given: argparse.Namespace) -> int:
    """Hand out no more jobs: none at all, none of a model, or none of a plan. What runs goes on."""
    changed = line.ask(Pause(model_id=given.model, plan=given.plan), Changed)
    return _told(given, changed, f"No more jobs{_of(given)} are handed out. What runs goes on.")


def resume(line: Line, given: argparse.Namespace) -> int:
    """Hand out jobs again."""
    if given.cost_cap is not None and given.plan is None:
        given.parser.error("--cost-cap goes with --plan")
    changed = line.ask(Resume(model_id=given.model, plan=given.plan, cost_cap=given.cost_cap), Changed)
    return _told(given, changed, f"Jobs{_of(given)} are handed out again.")


def cancel(line: Line, given: argparse.Namespace) -> int:
    """Call jobs off: those named, those meant by filters, or all. A late result of theirs is kept apart."""
    where = arguments.where(given)
    filtered = _says_something(where)
    if [bool(given.jobs), filtered, given.all].count(True) != 1:
        given.parser.error("name jobs, or say by filters which are meant, or --all")
    if given.jobs:
        return _each(line, given, [CancelJob(job=job) for job in given.jobs], "called off")
    states = [state for state in where.states if state in UNENDED] if where.states else UNENDED
    found = (
        line.jobs(ListJobs(**where.model_copy(update={"states": states}).model_dump()), 1) if states else None
    )
    # Nothing but a plan: then it is called off however far it is.
    plan = where.plan if where == Where(plan=where.plan) else None
    left = found is not None and found.total > 0
    if not left and (plan is None or not _is_coming(line, plan)):
        return _told(given, Changed(jobs=0), "Nothing of this is left to call off.")
    if found is not None and left:
        least = "At least " if found.at_least else ""
        question = f"{least}{words.count(found.total, 'job')} would be called off."
    else:
        question = f"Plan {plan} would be called off, of which no job is in the queue yet."
    if not given.yes and not _agreed(question):
        return REFUSED
    asked: Message = ClearQueue() if given.all else CancelWhere(**where.model_dump())
    changed = line.ask_long(CancelPlan(plan=plan) if plan else asked, Changed)
    done = f"{words.count(changed.jobs, 'job')} called off."
    return _told(given, changed, done if left else f"Plan {plan} is called off.")


def retry(line: Line, given: argparse.Namespace) -> int:
    """Try again what failed, what others need first: jobs named, those meant by filters, or all of it."""
    where = arguments.where(given)
    if given.jobs and _says_something(where):
        given.parser.error("name jobs, or say by filters which are meant")
    if given.jobs:
        return _each(line, given, [RetryJob(job=job) for job in given.jobs], "waiting again")
    asked: Message = RetryWhere(**where.model_dump()) if _says_something(where) else RetryFailed()
    changed = line.ask_long(asked, Changed)
    return _told(given, changed, f"{words.count(changed.jobs, 'job')} waiting again.")


def move(line: Line, given: argparse.Namespace) -> int:
    """Give waiting jobs another place within their lane."""
    to: Literal["front", "back", "before"] = "before" if given.before else "front" if given.front else "back"
    changed = line.ask(Move(jobs=_named(given), to=to, before=given.before), Changed)
    return _told(given, changed, f"{words.count(changed.jobs, 'job')} moved.")


def edit(line: Line, given: argparse.Namespace) -> int:
    """Change what jobs ask for that nobody works on; what is not given stays."""
    wishes = {
        "prompt": given.prompt,
        "negative_prompt": given.negative_prompt,
        "model_id": given.model,
        "priority": given.priority,
        "lane": given.lane,
    }
    if all(wish is None for wish in wishes.values()):
        given.parser.error("say what to change: --prompt, --negative-prompt, --model, --priority or --lane")
    changed = line.ask(Edit.model_validate({"jobs": _named(given), **wishes}), Changed)
    return _told(given, changed, f"{words.count(changed.jobs, 'job')} changed.")


def export(line: Line, given: argparse.Namespace) -> int:
    """Write what has not ended as plans that can be published again."""
    return transfer.export(line, given.file, given.plan)


def import_(line: Line, given: argparse.Namespace) -> int:
    """Publish the plans that an export holds; a plan whose id is known changes nothing."""
    return transfer.import_(given.data, given.file, as_json=given.json, patient=not given.no_wait)


def _is_coming(line: Line, plan: str) -> bool:
    """Whether a plan is coming in, is being proved, or is accepted and has no job in the queue yet."""
    drafts = line.ask(GetStatus(), Status).drafts
    plans = line.ask(ListPlans(limit=NEWEST_PLANS), Plans).plans
    return any(draft.plan == plan for draft in drafts) or any(
        one.plan == plan and not one.settled for one in plans
    )


def _of(given: argparse.Namespace) -> str:
    if given.model:
        return f" of model {given.model}"
    return f" of plan {given.plan}" if given.plan else ""


def _says_something(where: Where) -> bool:
    return any(where.model_dump().values())


def _named(given: argparse.Namespace) -> list[int]:
    jobs = list(dict.fromkeys(given.jobs))
    if len(jobs) > JOBS_LIMIT:
        given.parser.error(f"at most {JOBS_LIMIT} jobs are named in one command")
    return jobs


def _each(line: Line, given: argparse.Namespace, asked: Sequence[Message], done: str) -> int:
    """Ask for one job after the other; what is refused ends it."""
    changed = sum(line.ask_long(one, Changed).jobs for one in asked)
    return _told(given, Changed(jobs=changed), f"{words.count(changed, 'job')} {done}.")


def _agreed(question: str) -> bool:
    """Whether a person says yes; where there is none to be asked, nothing is done without --yes."""
    if not sys.stdin or not sys.stdin.isatty() or not sys.stderr.isatty():
        print(f"{question} Say --yes to do it.", file=sys.stderr)
        return False
    print(f"{question} Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return True
    print("Nothing was changed.", file=sys.stderr)
    return False


def _told(given: argparse.Namespace, changed: Changed, sentence: str) -> int:
    if given.json:
        words.say_json({"changed": changed.jobs})
    else:
        words.say(sentence)
    return WELL


def _parser() -> argparse.ArgumentParser:
    world, filters = arguments.world(), arguments.filters()
    parser = argparse.ArgumentParser(
        prog="supervisor.py queue", description="Show and change what waits, runs and has failed."
    )
    deeds = parser.add_subparsers(metavar="DEED", required=True)

    def deed(
        name: str, handle: Callable[..., int], *parents: argparse.ArgumentParser
    ) -> argparse.ArgumentParser:
        told = (handle.__doc__ or "").strip()
        made = deeds.add_parser(name, parents=[world, *parents], help=told, description=told)
        made.set_defaults(handle=handle)
        return made

    job: dict[str, Any] = {"type": arguments.job_id, "metavar": "JOB", "help": "a job's number"}
    listed = deed("list", list_, filters)
    listed.add_argument(
        "--limit", type=arguments.number(1, 100_000), default=50, metavar="N", help="jobs at most"
    )
    order = listed.add_mutually_exclusive_group()
    order.add_argument("--newest", action="store_true", help="the newest first")
    order.add_argument(
        "--turn", action="store_true", help="what is pending, in the order it is handed out in"
    )
    for name, handle in (("pause", pause), ("resume", resume)):
        halting = deed(name, handle)
        if name == "resume":
            halting.add_argument(
                "--cost-cap", type=arguments.amount, metavar="AMOUNT", help="what the plan may cost in all"
            )
        one = halting.add_mutually_exclusive_group()
        one.add_argument(
            "--model", type=arguments.identifier, metavar="MODEL_ID", help="only this model's jobs"
        )
        one.add_argument("--plan", type=arguments.identifier, metavar="ID", help="only this plan's jobs")
    called_off = deed("cancel", cancel, filters)
    called_off.add_argument("jobs", nargs="*", **job)
    called_off.add_argument("--all", action="store_true", help="everything that has not ended")
    called_off.add_argument(
        "--yes", action="store_true", help="do not ask; needed with filters where nobody can be asked"
    )
    deed("retry", retry, filters).add_argument("jobs", nargs="*", **job)
    moved = deed("move", move)
    moved.add_argument("jobs", nargs="+", **job)
    place = moved.add_mutually_exclusive_group(required=True)
    place.add_argument("--front", action="store_true", help="before all others of their lane")
    place.add_argument("--back", action="store_true", help="behind all others of their lane")
    place.add_argument("--before", type=arguments.job_id, metavar="JOB", help="right before this job")
    edited = deed("edit", edit)
    edited.add_argument("jobs", nargs="+", **job)
    edited.add_argument("--prompt", type=arguments.text, help="an empty one means the model's own")
    edited.add_argument("--negative-prompt", type=arguments.text)
    edited.add_argument("--model", type=arguments.identifier, metavar="MODEL_ID")
    edited.add_argument(
        "--priority", type=arguments.priority, metavar="N", help="-1000 to 1000; higher is first"
    )
    edited.add_argument("--lane", choices=arguments.LANES)
    written = deed("export", export)
    written.add_argument("file", nargs="?", default="-", metavar="FILE", help="else standard output")
    written.add_argument("--plan", type=arguments.identifier, metavar="ID", help="only this plan")
    taken = deed("import", import_)
    taken.add_argument("file", metavar="FILE", help="what export wrote; - reads standard input")
    taken.add_argument("--no-wait", action="store_true", help="do not wait while the queue is full")
    return parser
