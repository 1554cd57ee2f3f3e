"""The frame in which every page stands, and the words of pages, which lie in one file a language."""

import tomllib
from collections.abc import Collection, Mapping
from importlib.resources import files
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from rules.folder import ENGLISH

TEMPLATES = Environment(
    loader=PackageLoader("api.pages", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class PageWords(NamedTuple):
    """The words of the pages in one language, those that it does not have in English."""

    words: Mapping[str, Any]
    languages: tuple[str, ...]
    """The language, and English where it was needed."""
    warnings: str
    """The language of what is said about safety."""


WARNS = frozenset(("action", "safety_none"))
"""Words about safety: like the model's they are said in English until their translation has been reviewed."""


def read_page_words(language: str, *, reviewed: bool) -> PageWords:
    """The words of the pages in a language, as far as there are any; `reviewed` if its translation has been."""
    english = _read(ENGLISH)
    own = _read(language) if language != ENGLISH else english
    words, is_whole = _lay_over(english, own, frozenset() if reviewed else WARNS)
    if not own:
        return PageWords(english, (ENGLISH,), ENGLISH)
    languages = (language,) if is_whole else (language, ENGLISH)
    return PageWords(words, languages, language if reviewed else ENGLISH)


def _read(language: str) -> dict[str, Any]:
    """The words in a language, by page; none where there is no such language."""
    folder = files("api.pages").joinpath("words", language)
    pages = sorted(folder.iterdir(), key=lambda file: file.name) if folder.is_dir() else ()
    return {
        page.name.removesuffix(".toml"): tomllib.loads(page.read_text("utf-8")) for page in pages
    }


def _lay_over(
    below: Mapping[str, Any], above: Mapping[str, Any], kept: Collection[str]
) -> tuple[dict[str, Any], bool]:
    """One tree of words laid over another but for what is kept, and whether it covers it."""
    words: dict[str, Any] = {}
    is_whole = True
    for name, text in below.items():
        if name in kept:
            words[name], is_whole = text, False
        elif isinstance(text, dict):
            words[name], covers = _lay_over(text, above.get(name, {}), kept)
            is_whole = is_whole and covers
        else:
            words[name] = above.get(name, text)
            is_whole = is_whole and name in above
    return words, is_whole


def put_page(template: str, said: PageWords, assets: str, **filled: Any) -> bytes:
    """A page as HTML: its template, with the words of the pages in a language and whatever else it is filled with."""
    page = TEMPLATES.get_template(template)
    language = said.languages[0]
    known = {"language": language, "warnings": said.warnings, "words": said.words}
    return page.render(**known, assets=assets, **filled).encode()
