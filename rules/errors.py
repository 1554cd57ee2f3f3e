"""What can be wrong: with the model's files, or with a person's answers."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

FaultCode = Literal[
    "unknown_field",
    "wrong_type",
    "out_of_range",
    "not_an_option",
    "missing",
    "contradiction",
    "malformed",
]


class Fault(NamedTuple):
    """One thing wrong with what a caller sent; it never holds the refused value itself."""

    pointer: str
    """JSON pointer (RFC 6901) to the place, such as `/answers/runs`."""
    code: FaultCode
    detail: str
    """A plain sentence that says what would be accepted there."""


class Unusable(Exception):
    """Something that the service is set up with cannot be used; `problems` names each fault."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class ModelError(Unusable):
    """The model's files do not hold together; `problems` names file and key of each fault."""
