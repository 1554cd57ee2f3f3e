"""Reads the model's folder, checks that everything in it holds together, and stamps version, digest and language."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rules.checking import find_loose_ends
from rules.definitions import Model
from rules.errors import ModelError
from rules.folder import (
    ABOUT_TRANSLATION,
    ENGLISH,
    SECTIONS,
    SINGLE_FILES,
    TRANSLATIONS,
    Tables,
    read_drawings,
    read_files,
    read_translations,
)
from rules.proving import find_dishonest
from rules.translating import WORDS, Overlay

PACKAGED_MODEL = Path(__file__).parent / "psoas"
"""The reviewed model that comes with the project."""


def load_model(folder: Path = PACKAGED_MODEL) -> Model:
    """Load and check a model folder, in English.

    Raises:
        ModelError: with every problem found, each naming the file and the key.
    """
    return _load(folder, read_files(folder))


def _load(folder: Path, files: Mapping[str, Tables]) -> Model:
    """The model of a folder in English, from its files, checked in every way there is."""
    ungrounded = [
        f"{name}: {key}: a number needs sources, or basis = 'judgement' with a reason, in its table"
        for name, tables in files.items()
        for key in _find_ungrounded(tables)
    ]
    language = {"tag": ENGLISH, "translation_reviewed": None, "told_in": (ENGLISH,)}
    model = _make(folder, files, language, _digest(files), ungrounded)
    problems = ungrounded + list(find_loose_ends(model))
    if problems := problems or list(find_dishonest(model)):
        raise ModelError(problems)
    return model


def load_languages(folder: Path = PACKAGED_MODEL) -> dict[str, Model]:
    """The same rules in every language that the folder has, by BCP 47 tag; English first.

    What a translation lacks is said in English. Its texts are no part of the rules, so all have
    the same digest.

    Raises:
        ModelError: with every problem found, each naming the file and the key.
    """
    files = read_files(folder)
    model = _load(folder, files)
    models = {ENGLISH: model}
    for translation in read_translations(folder):
        overlay = Overlay(translation)
        translated, covers = overlay.lay(files)
        if overlay.problems:
            raise ModelError(overlay.problems)
        tag = translation.tag
        language = {
            "tag": tag,
            "translation_reviewed": translation.reviewed,
            "told_in": (tag,) if covers else (tag, ENGLISH),
        }
        models[tag] = _make(folder, translated, language, model.digest)
    return models


def _make(
    folder: Path,
    files: Mapping[str, Tables],
    language: Tables,
    digest: str,
    known: Sequence[str] = (),
) -> Model:
    """The model that files say; what is wrong with its parts is told together with what is known already."""
    drawings = read_drawings(folder)
    document = _assemble(files, language=language, digest=digest, drawings=drawings)
    try:
        return Model.model_validate(document)
    except ValidationError as error:
        problems = [_describe(document, fault["loc"], fault["msg"]) for fault in error.errors()]
        raise ModelError([*problems, *known]) from None


def _assemble(files: Mapping[str, Tables], **told: Any) -> Tables:
    """All files as one document, each part under the name by which the model knows it, and what follows from the folder."""
    routines = _tell_claims(_read_folder(files, "routines"), files["background"])
    return _add(
        "model",
        files["model"],
        **{name: _add(name, files[name], id=name) for name in SECTIONS},
        planner=_offer(_add("plan", files["plan"], id="plan"), {"routines": routines}),
        habits=tuple(sorted(_read_folder(files, "habits"), key=_order)),
        routines=routines,
        words=files[WORDS],
        **{name: files[name] for name in ("safety", "background", "warnings", "sources")},
        **told,
    )


def _read_folder(files: Mapping[str, Tables], folder: str) -> tuple[Tables, ...]:
    """The parts of a folder, in the order of their names; a file's name is the id of what it holds."""
    return tuple(
        _add(name, tables, id=name.removeprefix(f"{folder}/"))
        for name, tables in files.items()
        if name.startswith(f"{folder}/")
    )


def _tell_claims(routines: tuple[Tables, ...], background: Tables) -> tuple[Tables, ...]:
    """Routines in which the claims they name are those of the background."""
    topics = background.get("topics")
    tables = [topic for topic in topics if isinstance(topic, dict)] if topics else []
    claims = {claim.get("id"): claim for topic in tables for claim in topic.get("claims", ())}
    named = [(routine, routine.get("claims", ())) for routine in routines]
    unknown = [
        f"routines/{routine['id']}.toml: claims: the background has no claim {name!r}"
        for routine, names in named
        for name in names
        if name not in claims
    ]
    if unknown:
        raise ModelError(unknown)
    return tuple(
        {**routine, "claims": tuple(claims[name] for name in names)} for routine, names in named
    )


def _offer(section: Tables, parts: dict[str, tuple[Tables, ...]]) -> Tables:
    """A section in which options that are named after a folder of the model are the parts in it."""
    questions = section.get("questions")
    if not isinstance(questions, tuple):
        return section
    options = {
        name: tuple({"id": part["id"], "label": part.get("title", "")} for part in folder)
        for name, folder in parts.items()
    }

    def offer(question: Any) -> Any:
        named = question.get("options") if isinstance(question, dict) else None
        if isinstance(named, str) and named in options:
            return {**question, "options": options[named]}
        return question

    return {**section, "questions": tuple(map(offer, questions))}


def _add(name: str, tables: Tables, **parts: Any) -> Tables:
    """The tables of a file with what its place in the folder says; a file may not say it too."""
    if twice := tables.keys() & parts.keys():
        raise ModelError(f"{name}.toml: {key}: follows from the folder" for key in sorted(twice))
    return {**tables, **parts}


def _order(habit: Tables) -> int:
    order = habit.get("order")
    return order if isinstance(order, int) else 0


def _digest(files: Mapping[str, Tables]) -> str:
    """A SHA-256 over what the files say; comments, spacing and line ends do not change it."""
    canonical = json.dumps(files, sort_keys=True, ensure_ascii=False, default=str)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def _find_ungrounded(value: Any, key: str = "", vouched: bool = False) -> Iterator[str]:
    """The keys of numbers with neither source nor basis in their table or one around it.

    What a file says at its top vouches for the numbers that stand there, not for those in the
    tables below. `order` is a position, not a claim.
    """
    if isinstance(value, dict):
        vouched = vouched or bool(value.get("sources") or value.get("basis"))
        for name, item in value.items():
            passes_down = vouched and (key != "" or not isinstance(item, dict | tuple))
            if name != "order":
                yield from _find_ungrounded(item, f"{key}.{name}".lstrip("."), passes_down)
    elif isinstance(value, tuple):
        for position, item in enumerate(value):
            yield from _find_ungrounded(item, f"{key}[{position}]", vouched)
    elif isinstance(value, int | float) and not isinstance(value, bool) and not vouched:
        yield key


def _describe(document: Tables, loc: tuple[int | str, ...], message: str) -> str:
    """A fault of the whole document as `file: key: message`."""
    tag = document["language"]["tag"]
    match loc:
        case (("habits" | "routines") as folder, int(position), *keys):
            name = f"{folder}/{document[folder][position]['id']}"
        case ("words", *keys):
            name = WORDS if tag == ENGLISH else "words"
        case ("language", *keys):
            name = ABOUT_TRANSLATION
        case ("planner", *keys):
            name = "plan"
        case (str(part), *keys) if part in SINGLE_FILES:
            name = part
        case _:
            name, keys = "model", list(loc)
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in keys)
    inside = "" if tag == ENGLISH else f"{TRANSLATIONS}/{tag}/"
    return f"{inside}{name}.toml: {steps.lstrip('.') or 'the file as a whole'}: {message}"
