"""Languages: texts laid over the English ones, chosen by the caller, and safety in English until reviewed."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

import httpx
import pytest
from conftest import Call, caller, make_app
from hypothesis import given
from people import MODEL, people

from api.languages import Languages, LanguageUnknown
from api.pages.frame import read_page_words
from rules.assessment import Assessor, Sheet
from rules.errors import ModelError
from rules.grounds import Definition, Text
from rules.loading import PACKAGED_MODEL, load_languages, load_model
from rules.translating import TABLES_OF_TEXTS, TEXTS

DRAFT = {
    "language.toml": "translation_reviewed = false\n",
    "habits/slouching.toml": """
        name = "Krumm sitzen"
        [questions.lumbar_support]
        label = "Stütze im Kreuz"
        [questions.lumbar_support.options.always]
        label = "Immer"
        """,
    "words.toml": """
        [lay]
        scored = "Ihr Wert für {habit} ist {score} von 100, das ist {level}."
        """,
    "safety.toml": """
        not_cleared = "Nicht jede Frage wurde mit Nein beantwortet."
        [tags]
        kneeling = "knien"
        """,
    "routines/sphinx_hold.toml": """
        title = "Sphinx"
        stop_if = ["eins", "zwei", "drei", "vier"]
        """,
}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Makes a copy of the model with German texts."""

    def make(files: dict[str, str] = DRAFT, **changed: str) -> Path:
        folder = tmp_path / "model"
        shutil.copytree(PACKAGED_MODEL, folder, dirs_exist_ok=True)
        shutil.rmtree(folder / "translations", ignore_errors=True)
        for name, text in {**files, **changed}.items():
            path = folder / "translations" / "de" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return folder

    return make


def reviewed(files: dict[str, str]) -> dict[str, str]:
    return {**files, "language.toml": "translation_reviewed = true\n"}


# The texts


def test_texts_are_laid_over_one_by_one_and_the_rest_is_english(
    write: Callable[..., Path],
) -> None:
    german = load_languages(write())["de"]
    slouching, english = german.habits[1], MODEL.habits[1]
    assert slouching.name == "Krumm sitzen"
    support = slouching.scored_questions
    asked = next(question for question in support if question.id == "lumbar_support")
    assert asked.label == "Stütze im Kreuz"
    assert asked.options[0].label == "Immer"
    assert [option.id for option in asked.options] == ["always", "sometimes", "never"]
    assert slouching.components == english.components
    assert german.habits[0] == MODEL.habits[0]
    assert german.language.told_in == ("de", "en")
    assert german.digest == load_model(PACKAGED_MODEL).digest


def test_warnings_are_said_in_english_until_somebody_has_reviewed_them(
    write: Callable[..., Path],
) -> None:
    draft = load_languages(write())["de"]
    assert draft.language.translation_reviewed is False
    assert draft.safety == MODEL.safety
    sphinx = next(routine for routine in draft.routines if routine.id == "sphinx_hold")
    assert sphinx.title == "Sphinx"
    assert "eins" not in sphinx.stop_if
    german = load_languages(write(reviewed(DRAFT)))["de"]
    assert german.language.translation_reviewed is True
    assert german.safety.not_cleared == "Nicht jede Frage wurde mit Nein beantwortet."
    assert german.safety.tags["kneeling"] == "knien"
    sphinx = next(routine for routine in german.routines if routine.id == "sphinx_hold")
    assert sphinx.stop_if == ("eins", "zwei", "drei", "vier")


FAULTS = [
    ("habits/slouching.toml", "weight = 20", "weight: the English file has nothing there"),
    ("habits/slouching.toml", "[index]\nweight = 20", "index.weight: is no text"),
    ("habits/slouching.toml", "[questions.lumbar_support]\nrole = 'x'", "role: is no text"),
    (
        "habits/slouching.toml",
        "[questions.lumbar]\nask = 'x'",
        "questions.lumbar: the English file",
    ),
    ("habits/slouching.toml", "questions = 'x'", "questions: must be a table"),
    ("habits/slouching.toml", "name = 3", "name: must be as many texts as in English"),
    ("habits/slouching.toml", "name = [", "translations/de/habits/slouching.toml"),
    ("habits/lounging.toml", "name = 'x'", "translations/de/habits/lounging.toml"),
    ("routines/sphinx_hold.toml", "steps = ['x']", "steps: must be as many texts"),
    (
        "words.toml",
        "[lay]\nscored = 'x'",
        "translations/de/words.toml: lay.scored: Value error, must",
    ),
    ("words.toml", "[lay]\nunheard = 'x'", "lay.unheard: the English file has nothing there"),
    ("language.toml", "reviewed = true", "must say translation_reviewed = true or false"),
    ("routines/sphinx_hold.toml", "title = ''", "translations/de/routines/sphinx_hold.toml: title"),
    ("habits/slouching.tml", "name = 'x'", "translations/de/habits/slouching.tml: not a file"),
    ("../notes.txt", "x", "translations/notes.txt: not a file"),
    ("../en/model.toml", "title = 'x'", "translations/en/: English lies in"),
    ("../DE/language.toml", "translation_reviewed = true", "translations/DE/language.toml: tag: "),
]


@pytest.mark.parametrize(("file", "text", "message"), FAULTS)
def test_a_translation_that_does_not_fit_is_refused_by_file_and_key(
    write: Callable[..., Path], file: str, text: str, message: str
) -> None:
    with pytest.raises(ModelError) as caught:
        load_languages(write({**DRAFT, file: text}))
    assert any(message in problem for problem in caught.value.problems), caught.value.problems


def test_every_text_of_the_model_can_be_translated() -> None:
    """A field for people is either a text here, or told by one."""
    kept = {"reference", "url", "doi", "corresponds_to", "code", "unit"}
    told = {"red_flags", "conditions"}  # entries of a table of texts
    found = {
        name
        for kind in families(Definition)
        for name, hint in get_type_hints(kind, include_extras=True).items()
        if repr(Text)[10:-1] in repr(hint)
    }
    assert {"ask", "label", "title", "purpose", "steps", "tags", "cautions"} <= found
    assert found - kept - told <= TEXTS | TABLES_OF_TEXTS


def families(kind: type[Definition]) -> set[type[Definition]]:
    """A kind of part of the model, and all more special ones."""
    return {kind}.union(*map(families, kind.__subclasses__()))


@given(people())
def test_scores_are_the_same_in_every_language(answers: dict[str, Any]) -> None:
    for assessor in ASSESSORS:
        told = assessor.assess(Sheet(answers))
        plain = PLAIN.assess(Sheet(answers))
        for habit, same in zip(told["habits"], plain["habits"], strict=True):
            assert (habit["score"], habit["low"], habit["high"], habit["level"]) == (
                *(same["score"], same["low"], same["high"]),
                same["level"],
            )
        assert told["index"] == plain["index"]


ASSESSORS = [Assessor(model) for model in load_languages().values()]
PLAIN = Assessor(MODEL)


# The callers


def test_drafts_are_served_only_when_they_are_named(write: Callable[..., Path]) -> None:
    folder = write()
    assert list(Languages.load(folder, []).models) == ["en"]
    assert list(Languages.load(folder, ["de"]).models) == ["en", "de"]
    with pytest.raises(LanguageUnknown, match="there is no 'fr'; there is: de"):
        Languages.load(folder, ["fr"])
    folder = write(reviewed(DRAFT))
    assert list(Languages.load(folder, []).models) == ["en", "de"]


@pytest.fixture
def german(write: Callable[..., Path]) -> Call:
    return caller(make_app(model_dir=write(), unreviewed_languages=("de",)))


def ask(call: Call, path: str, language: str) -> httpx.Response:
    return call("GET", path, headers={"Accept-Language": language})


def test_a_caller_reads_what_it_prefers(german: Call) -> None:
    for preferred in ("de", "de-CH,en;q=0.1", "fr, de;q=0.2", "DE"):
        answer = ask(german, "/questionnaire", preferred)
        assert answer.headers["content-language"] == "de, en"
        assert "Accept-Language" in answer.headers["vary"]
        body = answer.json()
        assert (body["language"], body["translation_reviewed"]) == ("de", False)
        assert "Krumm sitzen" in [section["name"] for section in body["sections"]]
    for preferred in ("", "en", "fr", "en, de;q=0.9", "de;q=0", "d", "dex"):
        answer = ask(german, "/questionnaire", preferred)
        assert answer.headers["content-language"] == "en", preferred
        assert "Krumm sitzen" not in answer.text
        assert answer.json()["translation_reviewed"] is None


def test_a_copy_in_another_language_is_not_taken_for_the_same(german: Call) -> None:
    etag = ask(german, "/model/habits/slouching", "de").headers["etag"]
    for language, status in (("de", 304), ("en", 200)):
        headers = {"Accept-Language": language, "If-None-Match": etag}
        assert german("GET", "/model/habits/slouching", headers=headers).status_code == status


def test_an_assessment_is_told_in_the_language_and_its_scores_are_the_same(german: Call) -> None:
    sent = {"answers": {"slouched_hours_per_day": 4, "lumbar_support": "never"}}
    told = {
        language: german("POST", "/assess", json=sent, headers={"Accept-Language": language})
        for language in ("de", "en")
    }
    assert told["de"].headers["content-language"] == "de, en"
    assert told["en"].headers["content-language"] == "en"
    habits = {language: answer.json()["habits"][1] for language, answer in told.items()}
    assert habits["de"]["lay_comment"].startswith("Ihr Wert für krumm sitzen ist")
    assert habits["en"]["lay_comment"].startswith("Your habit score for slouching")
    assert habits["de"]["score"] == habits["en"]["score"]
    assert told["de"].json()["safety"] == told["en"].json()["safety"]
    sent["changes"] = {"lumbar_support": "always"}
    answer = german("POST", "/assess/what-if", json=sent, headers={"Accept-Language": "de"})
    assert answer.headers["content-language"] == "de, en"
    assert answer.json()["habits"][1]["name"] == "Krumm sitzen"


def test_a_page_says_in_which_language_it_is(german: Call) -> None:
    for path in ("/", "/try", "/clinic", "/guides", "/guides/operate"):
        page = ask(german, path, "de")
        # No page has German words: it is English and says so, though the model knows German.
        assert page.headers["content-language"] == "en"
        assert '<html lang="en"' in page.text


def test_without_a_second_language_every_answer_says_that_it_is_english(call: Call) -> None:
    for path in ("/questionnaire", "/model", "/routines", "/", "/nothing"):
        assert ask(call, path, "de").headers["content-language"] == "en"


def test_pages_warn_in_english_until_somebody_has_reviewed_their_words() -> None:
    english = read_page_words("en", reviewed=True)
    draft, spanish = (read_page_words("es", reviewed=reviewed) for reviewed in (False, True))
    assert english.languages == ("en",)
    assert draft.languages == ("es", "en")
    assert draft.words["clinic"]["action"] == english.words["clinic"]["action"]
    assert draft.words["clinic"]["title"] == spanish.words["clinic"]["title"]
    assert spanish.words["clinic"]["action"] != english.words["clinic"]["action"]
