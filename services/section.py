"""What all parts of the configuration have in common."""

import ipaddress
import os
import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

VARIABLE = re.compile(r"^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$")
"""How a key is named that stands in the environment."""


class Section(BaseModel):
    """A part of the configuration: unknown fields are errors here, unlike on the wire."""

    # The sections are made ready together with what they are part of.
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", defer_build=True)


class Keyed(Section):
    """A section with a key: a literal, or `"${VARIABLE}"` for one in the environment."""

    api_key: Annotated[str | None, Field(max_length=1_000, repr=False)] = None

    def key(self) -> str | None:
        """The key itself, from the environment if a variable is named; None if there is none."""
        variable = self.key_variable()
        return (os.environ.get(variable) or None) if variable else self.api_key

    def key_variable(self) -> str | None:
        """The environment variable that holds the key, if the configuration names one."""
        variable = VARIABLE.match(self.api_key or "")
        return variable[1] if variable else None

    def check_key(self, example: str) -> None:
        """Raise a fault for what is neither a key nor one variable, of which an example is given."""
        if self.api_key is not None and "${" in self.api_key and not VARIABLE.match(self.api_key):
            raise fault(("api_key",), f'it is neither a key nor one variable like "${{{example}}}"')


def fault(place: tuple[int | str, ...], what: str) -> PydanticCustomError:
    """An error in a field below the part that is being validated."""
    return PydanticCustomError("fault", "{what}", {"what": what, "place": place})


def is_loopback(host: str) -> bool:
    """Whether a host name is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
