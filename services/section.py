"""What all parts of the configuration have in common."""

import ipaddress
import re

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

VARIABLE = re.compile(r"^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$")
"""How a key is named that stands in the environment."""


class Section(BaseModel):
    """A part of the configuration: unknown fields are errors here, unlike on the wire."""

    # The sections are made ready together with what they are part of.
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", defer_build=True)


def fault(place: tuple[int | str, ...], what: str) -> PydanticCustomError:
    """An error in a field below the part that is being validated."""
    return PydanticCustomError("fault", "{what}", {"what": what, "place": place})


def is_loopback(host: str) -> bool:
    """Whether a host name is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
