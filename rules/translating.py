"""Lays the texts of another language over the model's files, text by text; ids, numbers and rules stay as they are."""

from collections.abc import Mapping
from typing import Any, NamedTuple

Tables = dict[str, Any]
Files = Mapping[str, Tables]
"""Each file's content by its name without suffix, such as `habits/slouching`."""

TEXTS = frozenset(
    (
        *("about", "ask", "caveat", "claim", "do", "each", "finding", "help", "intended_use"),
        *("label", "name", "no", "not_cleared", "note", "one", "other", "phrase", "premise"),
        *("purpose", "reason", "sign_off", "steps", "stop_if", "suggestion", "suspect", "text"),
        *("title", "unit_text", "what_a_score_is", "yes", "zero"),
    )
)
"""Keys of texts that people read."""
TABLES_OF_TEXTS = frozenset(("cautions", "names", "tags"))
"""Keys of tables in which every entry is such a text."""
WORDS = "words/en"
"""The file in which every text is a sentence to fill in; a translation calls it `words`."""
SAFETY_FILE = "safety"
SAFETY_TEXTS = frozenset(("stop_if", "actions"))
"""What warns people: these texts are said in English until somebody has reviewed their translation."""


class Translation(NamedTuple):
    """Texts in another language, as they lie in its folder."""

    tag: str
    """Its BCP 47 tag; the name of its folder."""
    reviewed: bool
    """Whether somebody who knows the language and the subject has reviewed it."""
    files: Files


class Laid(NamedTuple):
    """What comes of laying texts over something."""

    value: Any
    covers: bool
    """Whether no text is left in English."""


class Overlay:
    """A translation being laid over the model's files; what does not fit is kept as a problem."""

    def __init__(self, translation: Translation) -> None:
        self._translation = translation
        self.problems: list[str] = []

    def lay(self, files: Files) -> tuple[dict[str, Tables], bool]:
        """The files in the other language, and whether it covers every text in them."""
        own = {self._name(name): texts for name, texts in self._translation.files.items()}
        for name in sorted(own.keys() - files.keys()):
            self._fault(name, "", "the model has no such file")
        laid = {name: self._lay_file(name, tables, own.get(name)) for name, tables in files.items()}
        if WORDS in laid:
            laid[WORDS] = Laid(
                {**laid[WORDS].value, "language": self._translation.tag}, laid[WORDS].covers
            )
        covers = all(part.covers for part in laid.values())
        return {name: part.value for name, part in laid.items()}, covers

    def _name(self, name: str) -> str:
        return WORDS if name == "words" else name

    def _fault(self, name: str, key: str, message: str) -> None:
        file = "words" if name == WORDS else name
        place = f"translations/{self._translation.tag}/{file}.toml"
        self.problems.append(f"{place}: {key or 'the file as a whole'}: {message}")

    def _lay_file(self, name: str, tables: Tables, texts: Tables | None) -> Laid:
        # Problems of a draft are found all the same, but its warnings are not said.
        laid = self._lay(name, "", tables, texts, name == WORDS)
        if name == SAFETY_FILE and not self._translation.reviewed:
            return Laid(tables, covers=False)
        return laid

    def _lay(self, name: str, key: str, below: Any, above: Any, is_text: bool) -> Laid:
        """One value with what is laid over it; `is_text` where every string is a text."""
        if isinstance(below, dict):
            return self._lay_table(name, key, below, above, is_text)
        if isinstance(below, tuple) and below and isinstance(below[0], dict):
            return self._lay_list(name, key, below, above)
        if not is_text or not _holds_text(below):
            if above is not None:
                self._fault(name, key, "is no text, so it stays as it is")
            return Laid(below, covers=True)
        if above is None:
            return Laid(below, covers=below == "")
        fits = type(above) is type(below) and (isinstance(below, str) or len(above) == len(below))
        if not fits or not _holds_text(above):
            self._fault(name, key, "must be as many texts as in English")
        warns = not SAFETY_TEXTS.isdisjoint(key.split("."))
        if not fits or (warns and not self._translation.reviewed):
            return Laid(below, covers=False)
        return Laid(above, covers=True)

    def _lay_table(self, name: str, key: str, below: Tables, above: Any, is_text: bool) -> Laid:
        texts: Tables = above if isinstance(above, dict) else {}
        if above is not None and not isinstance(above, dict):
            self._fault(name, key, "must be a table")
        for unknown in sorted(texts.keys() - below.keys()):
            self._fault(name, join_keys(key, unknown), "the English file has nothing there")
        laid = {
            step: self._lay(
                name, join_keys(key, step), value, texts.get(step), is_text or names_text(key, step)
            )
            for step, value in below.items()
        }
        return Laid(
            {step: part.value for step, part in laid.items()},
            all(part.covers for part in laid.values()),
        )

    def _lay_list(self, name: str, key: str, below: tuple[Tables, ...], above: Any) -> Laid:
        """A list of tables; a translation names each by its id."""
        named = {identify(item): item for item in below}
        laid = self._lay_table(name, key, named, above, is_text=False)
        return Laid(tuple(laid.value.values()), laid.covers)


def join_keys(key: str, step: str) -> str:
    """The key of what stands at a step below another."""
    return f"{key}.{step}" if key else step


def names_text(key: str, step: str) -> bool:
    """Whether what stands at a step below a key is a text that people read."""
    return step in TEXTS or key.rpartition(".")[2] in TABLES_OF_TEXTS


def _holds_text(value: Any) -> bool:
    """Whether a value is a text or a list of texts."""
    return isinstance(value, str) or (
        isinstance(value, tuple) and all(isinstance(item, str) for item in value)
    )


def identify(item: Tables) -> str:
    """How a translation names a table of a list: by its id, or by what it is about."""
    return str(next((item[key] for key in ("id", "tag", "at") if key in item), ""))
