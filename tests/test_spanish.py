"""The Spanish draft: it covers what people read, its sentences are whole, and every number stays the same."""

import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from brute import ASSESSOR
from conftest import ROOT
from hypothesis import given, settings
from people import MODEL, sheets

from rules.assessment import Assessor, Sheet
from rules.definitions import Model
from rules.loading import PACKAGED_MODEL, load_languages
from rules.translating import identify, join_keys, names_text

TAG = "es"
DRAFT = PACKAGED_MODEL / "translations" / TAG
PAGES = ROOT / "api" / "pages" / "words"
SAME = {
    "words list.between": ", ",
    "words lay.counted_one": "{because} ({points})",
    "safety red_flags.saddle_numbness.suspect": "cauda equina",
    "safety red_flags.bladder_or_bowel_change.suspect": "cauda equina",
    "safety red_flags.sexual_function_change.suspect": "cauda equina",
}
"""What is said alike in both languages."""
SPANISH = load_languages()[TAG]
HALF_SPANISH = Assessor(SPANISH)
"""As long as the draft is not reviewed, what warns people is said in English."""


def freeze(value: Any) -> Any:
    """The same value with lists as tuples, as the model holds them."""
    if isinstance(value, dict):
        return {key: freeze(item) for key, item in value.items()}
    return tuple(map(freeze, value)) if isinstance(value, list) else value


def read_texts(folder: Path) -> dict[str, str]:
    """Every text below a folder of the model, by its file and key; the words' language is none."""
    texts: dict[str, str] = {}
    for path in sorted(folder.rglob("*.toml")):
        name = path.relative_to(folder).with_suffix("").as_posix().removesuffix("/en")
        if not name.startswith(("translations/", "sources")):
            tables = freeze(tomllib.loads(path.read_text("utf-8")))
            found = find_texts(tables, is_text=name == "words")
            texts |= {f"{name} {key}": text for key, text in found if key != "language"}
    return texts


def find_texts(value: Any, key: str = "", is_text: bool = False) -> Iterator[tuple[str, str]]:
    """Every text that a translation may replace, with its key."""
    if isinstance(value, dict):
        for step, item in value.items():
            yield from find_texts(item, join_keys(key, step), is_text or names_text(key, step))
    elif isinstance(value, tuple) and value and isinstance(value[0], dict):
        for item in value:
            yield from find_texts(item, join_keys(key, identify(item)))
    elif is_text and isinstance(value, tuple):
        for position, item in enumerate(value):
            yield f"{key}[{position}]", item
    elif is_text and isinstance(value, str):
        yield key, value


ENGLISH_TEXTS, SPANISH_TEXTS = read_texts(PACKAGED_MODEL), read_texts(DRAFT)


def is_ground(key: str) -> bool:
    """Whether a text is why a number is as it is, which is left to those who review the numbers."""
    return key.endswith("reason") and not key.startswith("safety gates.")


def find_braces(text: str) -> list[str]:
    return sorted(set(re.findall(r"\{\w*\}", text)))


# The texts


def test_everything_that_people_read_has_its_text() -> None:
    needed = {key for key, text in ENGLISH_TEXTS.items() if text and not is_ground(key)}
    assert len(needed) > 800
    assert needed - SPANISH_TEXTS.keys() == set()
    assert SPANISH_TEXTS.keys() - ENGLISH_TEXTS.keys() == set()


def test_templates_are_filled_with_the_same_words() -> None:
    told = [key for key, text in SPANISH_TEXTS.items() if find_braces(text)]
    assert len(told) > 50
    for key, text in SPANISH_TEXTS.items():
        assert find_braces(text) == find_braces(ENGLISH_TEXTS[key]), key


def test_no_text_was_left_in_english() -> None:
    assert {key: text for key, text in SPANISH_TEXTS.items() if ENGLISH_TEXTS[key] == text} == SAME


FAMILIAR = re.compile(
    r"\b(tú|tu|tus|te|ti|puedes|tienes|haz|vos|vosotros|vuestr\w+)\b", re.IGNORECASE
)
SLIP = re.compile(r"  |\.\.|,\.| [,.:;]|:\s*[.:]|\b(\w{2,}) \1\b|^\s+$|\s$|[“”]")


def test_texts_are_polite_and_cleanly_set() -> None:
    for key, text in SPANISH_TEXTS.items():
        assert not FAMILIAR.search(text), key
        assert not SLIP.search(text) or key.startswith("words list."), key
        assert text.count("«") == text.count("»"), key
        assert text.count("¿") == text.count("?"), key
        if key.endswith(".ask"):
            assert text.endswith("?"), key


# The rules


def test_warnings_stay_in_english_until_somebody_has_reviewed_them() -> None:
    assert SPANISH.language.translation_reviewed is False
    assert SPANISH.language.told_in == (TAG, "en")
    assert SPANISH.safety == MODEL.safety
    for routine, english in zip(SPANISH.routines, MODEL.routines, strict=True):
        assert routine.stop_if == english.stop_if
        assert routine.title != english.title


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The model as it will be once the draft has been reviewed."""
    folder = tmp_path_factory.mktemp("reviewed") / "model"
    shutil.copytree(PACKAGED_MODEL, folder)
    (folder / "translations" / TAG / "language.toml").write_text("translation_reviewed = true\n")
    return load_languages(folder)[TAG]


def test_warnings_are_ready_for_their_review(reviewed: Model) -> None:
    pairs = [*zip(reviewed.safety.red_flags, MODEL.safety.red_flags, strict=True)]
    assert [flag.id for flag, _ in pairs] == [english.id for _, english in pairs]
    assert all(flag.ask != english.ask for flag, english in pairs)
    assert [flag.action for flag, _ in pairs] == [english.action for _, english in pairs]
    for condition, english in zip(reviewed.safety.conditions, MODEL.safety.conditions, strict=True):
        assert condition.ask != english.ask
        assert condition.blocks == english.blocks
        assert condition.cautions.keys() == english.cautions.keys()
        assert not set(condition.cautions.values()) & set(english.cautions.values())
    for routine, same in zip(reviewed.routines, MODEL.routines, strict=True):
        assert len(routine.stop_if) == len(same.stop_if)
        assert not set(routine.stop_if) & set(same.stop_if)


# What is said to people


def find_told(body: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every sentence of an assessment with the name of its field; a dose is none."""
    if isinstance(body, dict):
        for name, item in body.items():
            if name == "dose":
                continue
            yield from find_told(item, name)
    elif isinstance(body, list | tuple):
        for item in body:
            yield from find_told(item, key)
    elif isinstance(body, str) and key in SENTENCES:
        yield key, body


SENTENCES = {
    *("text", "lay_comment", "clinician_comment", "intended_use"),
    *("why", "purpose", "steps", "detail", "cautions"),
}
WHOLE = re.compile(r"^[A-ZÁÉÍÓÚÑ0-9¿«].*[^\s.,:;][.?»]$")
ENGLISH = re.compile(r"\b(the|of|and|your|hours|points|not|with|for|habit)\b", re.IGNORECASE)
FRIGHTENING = re.compile(
    r"riesgo de|peligr|\bdañ|probab|enferm|sufr|degenera|desgast|mala postura", re.IGNORECASE
)
WARNING = {"detail", "cautions"}
"""Fields that may name what the safety questions are about, in English as yet."""
FORETELLING = {"clinician_comment"}
"""Fields that speak to clinicians, who are told that a score is no probability."""


@settings(max_examples=300)
@given(sheets())
def test_everything_said_to_a_person_is_a_whole_sentence(sheet: Sheet) -> None:
    body: Any = HALF_SPANISH.assess(sheet)
    told = list(find_told({**body, "safety": None}))
    assert len(told) > 10
    for key, text in told:
        assert WHOLE.match(text), (key, text)
        assert not SLIP.search(text), (key, text)
        assert not re.search("[{}]", text), (key, text)
        assert key in WARNING or not ENGLISH.search(text), (key, text)
        assert key in FORETELLING or not FRIGHTENING.search(text), (key, text)


def find_numbers(body: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Everything in an assessment that is no text: numbers, levels, and what is named by its id."""
    if isinstance(body, dict):
        for name, item in body.items():
            yield from find_numbers(item, name)
    elif isinstance(body, list | tuple):
        for item in body:
            yield from find_numbers(item, key)
    elif not isinstance(body, str) or key in TOLD_BY_ID:
        yield key, body


TOLD_BY_ID = {
    *("id", "level", "level_low", "level_high", "status", "kind", "action", "reason"),
    *("routine_id", "evidence_grade", "psoas_claim", "habit", "question", "red_flags"),
}


@settings(max_examples=300)
@given(sheets())
def test_no_score_and_no_plan_depends_on_the_language(sheet: Sheet) -> None:
    spanish: Any = HALF_SPANISH.assess(sheet)
    english: Any = ASSESSOR.assess(sheet)
    assert list(find_numbers(spanish)) == list(find_numbers(english))
    assert spanish["index"] == english["index"]
    assert spanish["safety"]["text"] == english["safety"]["text"]


@pytest.mark.parametrize(
    ("answers", "habit", "said"),
    [
        ({}, "heavy_running", "Para eso hace falta primero su respuesta sobre esto: si corre o no."),
        ({"slouched_hours_per_day": 0}, "slouching", "Nada de lo que respondió sumó puntos."),
        ({"sitting_hours_per_day": 6, "usual_sitting_bout_minutes": 32}, "prolonged_sitting", "(1 punto)"),
        ({"sitting_hours_per_day": 9, "sitting_hours_source": "device"}, "prolonged_sitting", "9 horas al día en posición sentada según un dispositivo (45 puntos)"),
        ({"sitting_hours_per_day": 8}, "prolonged_sitting", "Su puntuación del hábito «postura sentada prolongada» es de 60 sobre 100, un nivel alto."),
    ],
)  # fmt: skip
def test_comments_say_it_as_a_person_would(answers: dict[str, Any], habit: str, said: str) -> None:
    body: Any = HALF_SPANISH.assess(Sheet(answers))
    assert said in next(h["lay_comment"] for h in body["habits"] if h["id"] == habit)


# The pages


def read_page(language: str, page: str) -> dict[str, str]:
    """The texts of a page in a language by their keys; addresses are among them."""

    def walk(value: Any, key: str) -> Iterator[tuple[str, str]]:
        if isinstance(value, str):
            yield key, value
        else:
            items = value.items() if isinstance(value, dict) else enumerate(value)
            for step, item in items:
                yield from walk(item, f"{key}.{step}")

    return dict(walk(tomllib.loads((PAGES / language / page).read_text("utf-8")), page))


@pytest.mark.parametrize("page", sorted(path.name for path in (PAGES / TAG).iterdir()))
def test_pages_say_the_same_in_spanish(page: str) -> None:
    english, spanish = read_page("en", page), read_page(TAG, page)
    assert spanish.keys() == english.keys()
    for key, text in spanish.items():
        assert find_braces(text) == find_braces(english[key]), key
        assert not FAMILIAR.search(text), key
        if english[key].startswith("/"):
            assert text == english[key], key


def test_every_page_has_spanish_words() -> None:
    assert {path.name for path in (PAGES / TAG).iterdir()} == {
        path.name for path in (PAGES / "en").iterdir()
    }
