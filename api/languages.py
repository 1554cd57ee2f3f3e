"""The languages that the service speaks, and the one that a caller prefers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from api.fixed import FixedAnswer
from api.preferences import read_preferences
from rules.definitions import Model
from rules.errors import Unusable
from rules.folder import ENGLISH
from rules.loading import load_languages

VARIES = "Accept-Language"
SPOKEN: dict[str, Any] = {
    "parameters": [
        {
            "name": VARIES,
            "in": "header",
            "required": False,
            "description": "Languages in which you would like the texts, such as `es, en;q=0.5`; English where none of "
            "them is served. Content-Language says what came of it.",
            "schema": {"type": "string"},
        }
    ]
}
"""What an operation says in the document that answers in the language its caller prefers."""


class LanguageUnknown(Unusable):
    """A setting names a language that the model does not have."""


class Languages(NamedTuple):
    """The rules in every language that is served, by BCP 47 tag; English first."""

    models: Mapping[str, Model]

    @classmethod
    def load(cls, folder: Path, unreviewed: Sequence[str]) -> "Languages":
        """The languages of a model folder: reviewed ones, and of the drafts those that are named.

        Raises:
            ModelError: when the model's files do not hold together.
            LanguageUnknown: when a draft is named that is not there.
        """
        found = load_languages(folder)
        drafts = [
            tag for tag, model in found.items() if model.language.translation_reviewed is False
        ]
        if unknown := [tag for tag in unreviewed if tag not in found]:
            known = ", ".join(drafts) or "none"
            raise LanguageUnknown(
                f"PSOAS_UNREVIEWED_LANGUAGES: there is no {tag!r}; there is: {known}"
                for tag in unknown
            )
        served = {
            tag: model for tag, model in found.items() if tag not in drafts or tag in unreviewed
        }
        return cls(served)

    def choose(self, request: Request) -> str:
        """The served language that suits a request's Accept-Language best; English where none does."""
        if len(self.models) == 1:
            return ENGLISH
        preferred = ",".join(request.headers.getlist(VARIES))
        return find_language(preferred, tuple(self.models))


@lru_cache(256)
def find_language(preferred: str, served: tuple[str, ...]) -> str:
    """The first served language among those preferred, shortened step by step (RFC 4647, 3.4)."""
    for wanted in read_preferences(preferred):
        tag = wanted.name
        while tag:
            for known in served:
                if known.lower() == tag:
                    return known
            tag = tag.rpartition("-")[0]
    return served[0]


def name_languages(told_in: Iterable[str]) -> str:
    """The languages of a text as Content-Language names them."""
    return ", ".join(told_in)


class Spoken:
    """An answer that is made once in every language, and sent in the one that the caller prefers."""

    def __init__(self, languages: Languages, answers: Mapping[str, FixedAnswer]) -> None:
        self._languages, self._answers = languages, answers

    @classmethod
    def of(cls, languages: Languages, kind: object, put: Callable[[Model], object]) -> "Spoken":
        """The JSON of what is put together from the model in each language."""
        return cls(
            languages,
            {
                tag: FixedAnswer.of(
                    kind,
                    put(model),
                    vary=VARIES,
                    Content_Language=name_languages(model.language.told_in),
                )
                for tag, model in languages.models.items()
            },
        )

    def answer(self, request: Request) -> Response:
        """The answer in the caller's language, or 304 when the caller's copy is still right."""
        return self._answers[self._languages.choose(request)].answer(request)
