"""Parts: the steps of large plans, kept in one file each until all are here or somebody calls them off."""

import hashlib
import struct
import sys
import zlib
from collections import namedtuple
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import msgpack

from protocol.errors import Code, ProtocolError
from protocol.plan import PlanHead, Step
from services.keeper.ground import Box

VOID_SECONDS = 3_600.0
"""After so long without another part, a plan that was begun is forgotten; so is that one was called off."""
AGAIN_SECONDS = 60.0
"""So much later it is written down again that a plan is called off, if it is asked for."""
HANDED_OVER = 1_000
"""Steps in one record."""

_FRAME = struct.Struct(">II")


@dataclass(frozen=True)
class Begun:
    """A plan of which some steps are here."""

    head: PlanHead
    total: int
    path: Path
    at: float
    """When something of it came last."""
    here: int = 0
    box: Box | None = None
    """The smallest rectangle around all that its steps name."""
    models: frozenset[str | None] = frozenset()
    """The models that its calls name, None if one names none."""


class Parts:
    """Plans that come in parts. Not fsynced: what power loss takes away is asked for again."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._begun: dict[str, Begun] = {}
        self._called_off: dict[str, float] = {}
        for path in folder.glob("*.off"):
            for record, _ in _records(path):
                self._called_off[record["plan"]] = record["at"]
        for path in folder.glob("*.parts"):
            begun = _load(path)
            # A crash may have come between the two files of a plan that was called off.
            if begun is None or begun.head.id in self._called_off:
                path.unlink()
            else:
                self._begun[begun.head.id] = begun

    def begin(self, head: PlanHead, total: int, now: float) -> int:
        """Expect a plan, or go on with it if it was announced just so; how many steps are here."""
        self.check(head.id, now)
        before = self._begun.get(head.id)
        if before is not None and (before.head, before.total) == (head, total):
            return before.here
        path = self._path(head.id, "parts")
        path.write_bytes(_record({"head": head.model_dump(mode="json"), "total": total, "at": now}))
        self._begun[head.id] = Begun(head, total, path, now)
        return 0

    def add(self, plan: str, first: int, steps: Sequence[Step], now: float) -> int:
        """Take the next steps in, or those that are here again; how many are here."""
        self.check(plan, now)
        begun = self._of(plan)
        if first + len(steps) <= begun.here:
            return begun.here
        if first != begun.here:
            raise ProtocolError(
                Code.WRONG_STATE, f"Plan {plan} goes on with step {begun.here}; {first} is not the next."
            )
        if first + len(steps) > begun.total:
            raise ProtocolError(
                Code.BAD_PLAN, f"Plan {plan} was announced with {begun.total} steps; these are more."
            )
        box = _around(steps, begun.box)
        with begun.path.open("ab") as file:
            file.write(_record({"at": now, "box": box, "steps": [_plain(step) for step in steps]}))
        models = begun.models | {step.model_id for step in steps if step.kind == "generate"}
        self._begun[plan] = replace(begun, here=first + len(steps), at=now, box=box, models=models)
        return first + len(steps)

    def complete(self, plan: str, now: float) -> Begun:
        """The plan, all of whose steps are here; raises WRONG_STATE if some are missing."""
        self.check(plan, now)
        begun = self._of(plan)
        if begun.here < begun.total:
            raise ProtocolError(
                Code.WRONG_STATE,
                f"Of plan {plan} {begun.here} steps of {begun.total} are here; send the rest, then commit.",
            )
        return begun

    def drop(self, plan: str) -> None:
        """Forget a plan: it was accepted, or nobody goes on with it."""
        if (begun := self._begun.pop(plan, None)) is not None:
            begun.path.unlink(missing_ok=True)

    def call_off(self, plan: str, now: float) -> None:
        """Forget a plan, and take nothing more of it: whoever hands it in does not know yet."""
        self._path(plan, "off").write_bytes(_record({"plan": plan, "at": now}))
        self._called_off[plan] = now
        self.drop(plan)

    def is_begun(self, plan: str) -> bool:
        """Whether something of the plan is here, or was announced."""
        return plan in self._begun

    def is_called_off(self, plan: str) -> bool:
        """Whether somebody called the plan off before it was accepted."""
        return plan in self._called_off

    def check(self, plan: str, now: float) -> None:
        """Raise CANCELLED if the plan was called off; it stays so for as long as it is asked for."""
        if plan not in self._called_off:
            return
        if now - self._called_off[plan] > AGAIN_SECONDS:
            self.call_off(plan, now)
        raise called_off(plan)

    def begun(self) -> list[Begun]:
        """The plans of which not everything was taken up yet."""
        return list(self._begun.values())

    def void(self, now: float) -> list[str]:
        """Forget what nobody went on with; which plans."""
        old = [plan for plan, begun in self._begun.items() if now - begun.at >= VOID_SECONDS]
        for plan in old:
            self.drop(plan)
        for plan in [plan for plan, at in self._called_off.items() if now - at >= VOID_SECONDS]:
            del self._called_off[plan]
            self._path(plan, "off").unlink(missing_ok=True)
        return old

    def _path(self, plan: str, kind: str) -> Path:
        return self._folder / f"{hashlib.sha256(plan.encode()).hexdigest()[:32]}.{kind}"

    def _of(self, plan: str) -> Begun:
        if plan not in self._begun:
            raise ProtocolError(
                Code.UNKNOWN_PLAN,
                f"Plan {plan} was not begun, or was forgotten; begin it, then send its steps.",
            )
        return self._begun[plan]


def called_off(plan: str) -> ProtocolError:
    """The refusal of a plan that somebody called off before it was accepted."""
    return ProtocolError(
        Code.CANCELLED,
        f"Plan {plan} was called off before it was accepted, so nothing of it was kept; to have it drawn "
        "after all, publish it under another id.",
    )


def write(path: Path, head: PlanHead, steps: Sequence[Step]) -> None:
    """Write a plan that came in one piece as if it had come in parts."""
    with path.open("wb") as file:
        file.write(_record({"head": head.model_dump(mode="json"), "total": len(steps), "at": 0.0}))
        for i in range(0, len(steps), HANDED_OVER):
            some = [_plain(step) for step in steps[i : i + HANDED_OVER]]
            file.write(_record({"at": 0.0, "box": None, "steps": some}))


def read(path: Path) -> list[Step]:
    """All steps of a plan, which were found well-formed when they came."""
    records = _records(path)
    next(records)
    return [_step(plain) for record, _ in records for plain in record["steps"]]


def _load(path: Path) -> Begun | None:
    """What is in a file; what a crash left unfinished at its end is cut off."""
    begun: Begun | None = None
    whole = 0
    for record, end in _records(path):
        whole = end
        if begun is None:
            head = PlanHead.model_validate(record["head"])
            begun = Begun(head, record["total"], path, record["at"])
        else:
            box = None if record["box"] is None else tuple(record["box"])
            named = {model for _, kind, _, _, _, _, model, *_ in record["steps"] if kind == "generate"}
            begun = replace(
                begun,
                here=begun.here + len(record["steps"]),
                at=record["at"],
                box=box,
                models=begun.models | named,
            )
    if whole < path.stat().st_size:
        with path.open("r+b") as file:
            file.truncate(whole)
    return begun


def _records(path: Path) -> Iterator[tuple[dict[str, Any], int]]:
    """Each whole record and where it ends."""
    end = 0
    with path.open("rb") as file:
        while len(frame := file.read(_FRAME.size)) == _FRAME.size:
            size, check = _FRAME.unpack(frame)
            content = file.read(size)
            if len(content) < size or zlib.crc32(content) != check:
                return
            end += _FRAME.size + size
            yield msgpack.unpackb(content, use_list=False), end


def _record(content: dict[str, Any]) -> bytes:
    packed: bytes = msgpack.packb(content)
    return _FRAME.pack(len(packed), zlib.crc32(packed)) + packed


def _plain(step: Step) -> tuple[object, ...]:
    return (
        step.id,
        step.kind,
        step.quadrants,
        step.padding,
        step.scaffold,
        step.after,
        step.model_id,
        step.prompt,
        step.negative_prompt,
    )


_Lean = namedtuple("_Lean", Step.model_fields)  # type: ignore[misc]
"""A step without what pydantic keeps beside it: of a hundred thousand that is most of the memory."""


def _step(plain: Sequence[Any]) -> Step:
    name, kind, *rest = plain
    # It is asked for nothing but its fields.
    return cast(Step, _Lean._make((name, sys.intern(kind), *rest)))


def _around(steps: Sequence[Step], box: Box | None) -> Box | None:
    cells = [cell for step in steps for cell in (*step.quadrants, *step.padding, *step.scaffold)]
    if not cells:
        return box
    xs, ys = [x for x, _ in cells], [y for _, y in cells]
    if box is not None:
        xs += [box[0], box[2]]
        ys += [box[1], box[3]]
    return min(xs), min(ys), max(xs), max(ys)
