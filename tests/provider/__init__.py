"""A provider of image models on loopback that speaks as all of ours do; `server.py` says how it is used."""

from tests.provider.call import Call
from tests.provider.fault import Fault
from tests.provider.painting import painted, pixels
from tests.provider.server import FakeProvider
from tests.provider.trap import Trap

__all__ = ["Call", "FakeProvider", "Fault", "Trap", "painted", "pixels"]
