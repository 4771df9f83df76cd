"""The watchers: requests for events that have not happened yet, kept until they have or time is up."""

import asyncio
from dataclasses import dataclass

from protocol.event import Events, Watch
from protocol.message import Message
from services.actor import Letter
from services.keeper.batch import Answers
from services.keeper.events import EventLog

PATIENCE_SECONDS = 60.0
"""The longest that a request for events is kept waiting."""


@dataclass(frozen=True)
class Watching:
    """One request that waits."""

    letter: Letter
    watch: Watch
    until: float
    """On the event loop's clock."""


class Watchers:
    """Everybody who waits for events; forgotten when the keeper stops, since they ask again."""

    def __init__(self, events: EventLog) -> None:
        self._events = events
        self.waiting: list[Watching] = []

    def on_watch(self, letter: Letter, watch: Watch) -> Message | None:
        until = asyncio.get_running_loop().time() + min(watch.wait, PATIENCE_SECONDS)
        self.waiting.append(Watching(letter, watch, until))
        return None

    def over(self, loop_time: float) -> bool:
        """Whether the time of one of them is up."""
        return any(watching.until <= loop_time for watching in self.waiting)

    def serve(self, loop_time: float) -> Answers:
        """Answer those for whom something has happened, or whose time is up."""
        answers: Answers = []
        waiting, self.waiting = self.waiting, []
        last = self._events.last() if waiting else 0
        for watching in waiting:
            watch = watching.watch
            if watch.since < last:
                events = self._events.since(watch.since, watch.limit)
                answers.append((watching.letter, Events(events=events, last=last)))
            elif watching.until <= loop_time:
                answers.append((watching.letter, Events(events=[], last=last)))
            else:
                self.waiting.append(watching)
        return answers
