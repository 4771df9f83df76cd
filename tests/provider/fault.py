"""What can go wrong at a provider: a name for each way, and where it strikes."""

from dataclasses import dataclass
from typing import Literal, get_args

from tests.provider.call import Place

OfTheServer = Literal[
    "slow",
    "hang",
    "hang in body",
    "reset",
    "429 seconds",
    "429 date",
    "429 body",
    "500",
    "401",
    "402",
    "403",
    "404",
    "422",
    "html",
    "cut answer",
    "half answer",
    "huge",
    "gzip bomb",
    "redirect",
]
"""What any HTTP server may do. A cut answer ends before its length, half an answer is short and says so."""
OfTheAnswer = Literal["no image", "failed", "moderated", "base64url", "bad base64"]
"""What only a provider's own words can say; each dialect has its own."""
OfTheAddress = Literal["elsewhere", "private address", "file address"]
"""Where the picture is said to lie, for those who answer with an address."""
OfThePicture = Literal[
    "wrong size",
    "shifted",
    "shifted far",
    "drifted",
    "wrong mode",
    "jpeg",
    "one colour",
    "animated",
    "cut short",
]
"""What is wrong with the picture itself. A shifted one has moved as a whole, a drifted one is another."""
Mode = Literal["well", OfTheServer, OfTheAnswer, OfTheAddress, OfThePicture]
MODES: tuple[Mode, ...] = (
    "well",
    *get_args(OfTheServer),
    *get_args(OfTheAnswer),
    *get_args(OfTheAddress),
    *get_args(OfThePicture),
)


@dataclass
class Fault:
    """One way to go wrong, so many times and then well; always if `times` is None.

    `at` says where, for what any server may do; everything else has its place.
    """

    mode: Mode = "well"
    at: Place = "ask"
    times: int | None = None
    seconds: float = 1.0
    """How long to wait, where that is what is wrong, or what is asked of the caller."""

    def strikes(self, place: Place) -> bool:
        """Whether the server goes wrong at this request."""
        return self.mode in get_args(OfTheServer) and place == self.at and self._counts()

    def is_now(self, *modes: Mode) -> bool:
        """Whether the answer goes wrong in one of these ways."""
        return self.mode in modes and self._counts()

    def _counts(self) -> bool:
        if self.times is None:
            return True
        self.times -= 1
        return self.times >= 0
