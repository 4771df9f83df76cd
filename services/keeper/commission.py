"""The commission: what the keeper and the process that draws large plans up say to each other."""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from protocol.errors import ProtocolError
from services.config import AppConfig
from services.keeper.request import Case

LENGTH = struct.Struct(">Q")
"""Before each pickle that comes from the process. Both ends are ours; nobody else has the pipes."""


@dataclass(frozen=True)
class Order:
    """What is to be drawn up, by which configuration, at what time, and written to which file."""

    case: Case
    config: AppConfig
    now: float
    path: Path


@dataclass(frozen=True)
class Refused:
    """Why it cannot be done."""

    error: Any
    """The arguments of a ProtocolError."""

    @classmethod
    def told(cls, error: ProtocolError) -> "Refused":
        """What travels of an error: exceptions with keywords do not."""
        return cls((error.code, error.message, error.details, error.retry_after))

    def raised(self) -> ProtocolError:
        """The error again."""
        code, message, details, retry_after = self.error
        return ProtocolError(code, message, details=details, retry_after=retry_after)
