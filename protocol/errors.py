"""Error codes of the wire and of the JSON API; PROTOCOL.md explains each one."""

from enum import StrEnum


class Code(StrEnum):
    """What went wrong, for programs; the sentence beside it is for people."""

    BAD_FRAMES = "BAD_FRAMES"
    BAD_MESSAGE = "BAD_MESSAGE"
    UNSUPPORTED_VERSION = "UNSUPPORTED_VERSION"
    UNKNOWN_TYPE = "UNKNOWN_TYPE"
    BAD_REQUEST = "BAD_REQUEST"
    BAD_PLAN = "BAD_PLAN"
    BAD_IMAGE = "BAD_IMAGE"
    SEAM = "SEAM"
    CONFLICT = "CONFLICT"
    CANCELLED = "CANCELLED"
    UNKNOWN_MODEL = "UNKNOWN_MODEL"
    MODEL_UNAVAILABLE = "MODEL_UNAVAILABLE"
    UNKNOWN_JOB = "UNKNOWN_JOB"
    UNKNOWN_PLAN = "UNKNOWN_PLAN"
    UNKNOWN_PROCESS = "UNKNOWN_PROCESS"
    UNKNOWN_TILE = "UNKNOWN_TILE"
    UNKNOWN_ORPHAN = "UNKNOWN_ORPHAN"
    WRONG_STATE = "WRONG_STATE"
    LEASE_LOST = "LEASE_LOST"
    NO_SPACE = "NO_SPACE"
    BUSY = "BUSY"
    UNAVAILABLE = "UNAVAILABLE"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    TOO_LARGE = "TOO_LARGE"
    UNSUPPORTED_MEDIA = "UNSUPPORTED_MEDIA"


class ProtocolError(Exception):
    """Raised for anything a peer asked that is answered with a code and a sentence.

    `re` is the id of the message that caused it, as far as it could be read; `retry_after` are seconds.
    """

    def __init__(
        self,
        code: Code,
        message: str,
        *,
        details: str = "",
        re: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.details = details
        self.re = re
        self.retry_after = retry_after
