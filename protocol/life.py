"""The supervisor's socket: heartbeats from every process, questions from the command line."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from protocol.codec import catalogue
from protocol.message import Count, Identifier, Line, Message, Part, Ping, Seconds, Text

ProcessState = Literal["waiting", "starting", "ready", "stopping", "backoff", "failed", "stopped"]
WorkerKind = Literal["renderer", "generator"]
"""The kinds of which there may be any number."""
PROCESSES_LIMIT = 64
"""The most processes of one kind."""


class Beat(Message):
    """A process lives. `ready` turns true once it can serve; then what depends on it is started."""

    TYPE: ClassVar[str] = "beat"

    name: Identifier
    pid: Count
    ready: bool
    doing: Line = ""


class Heard(Message):
    """The answer to a beat."""

    TYPE: ClassVar[str] = "heard"


class AskServices(Message):
    """Asks how every process is."""

    TYPE: ClassVar[str] = "ask_services"


class ProcessView(Part):
    """One process as `status` shows it."""

    name: Identifier
    kind: Identifier
    state: ProcessState
    pid: Count | None
    uptime_seconds: Seconds
    restarts: Count
    last_beat_seconds: Seconds | None
    doing: Line = ""
    reason: Text = ""


class ConfigView(Part):
    """The configuration that is in force, and why the file as it is now is not, if it is not."""

    path: Text
    loaded_at: Seconds
    error: Text = ""


class Services(Message):
    """Every process, in the order in which they start."""

    TYPE: ClassVar[str] = "services"

    supervisor_pid: Count
    uptime_seconds: Seconds
    address: Line
    services: Annotated[list[ProcessView], Field(max_length=1_000)]
    config: ConfigView | None = None


class RestartProcess(Message):
    """Asks for one process to be stopped in order and started again."""

    TYPE: ClassVar[str] = "restart_process"

    name: Identifier


class Scale(Message):
    """Asks for so many processes of one kind, until all is stopped or app_config.json says another number."""

    TYPE: ClassVar[str] = "scale"

    kind: WorkerKind
    count: Annotated[int, Field(ge=0, le=PROCESSES_LIMIT)]


class Scaled(Message):
    """It has begun: `names` start if `count` is more than `before`, else finish their work and end."""

    TYPE: ClassVar[str] = "scaled"

    kind: WorkerKind
    count: Annotated[int, Field(ge=0, le=PROCESSES_LIMIT)]
    before: Count
    names: Annotated[list[Identifier], Field(max_length=PROCESSES_LIMIT)]


class StopAll(Message):
    """Asks the supervisor to stop everything in order and end."""

    TYPE: ClassVar[str] = "stop_all"


class Done(Message):
    """It has begun."""

    TYPE: ClassVar[str] = "done"


LIFE = catalogue(Beat, AskServices, RestartProcess, Scale, StopAll, Ping)
