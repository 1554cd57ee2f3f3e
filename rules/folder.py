"""What lies in a model's folder: its files, their translations and the drawings, read as they are."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rules.errors import ModelError
from rules.translating import WORDS, Translation

SECTIONS = ("about", "symptoms")
"""Files that each hold the questions of one section."""
SINGLE_FILES = (
    *("model", *SECTIONS, "plan", "safety", "background", "warnings", "sources"),
    WORDS,
)
"""Files that must be there once."""
FOLDERS = ("habits", "routines")
"""Folders in which each file's name is the id of what it holds."""
DRAWINGS, TRANSLATIONS = "drawings", "translations"
"""Folders of what shows the rules, or says them in other languages, and is no part of them."""
ABOUT_TRANSLATION = "language"
"""The file of a translation that says how far it can be relied on."""
ENGLISH = "en"
UNKNOWN = "not a file the model knows"

Tables = dict[str, Any]


def read_files(folder: Path) -> dict[str, Tables]:
    """Each file's content by its name without suffix, such as `habits/slouching`."""
    files: dict[str, Tables] = {}
    problems = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        relative = path.relative_to(folder)
        name, parent = relative.with_suffix("").as_posix(), relative.parent.as_posix()
        if relative.parts[0] in (DRAWINGS, TRANSLATIONS):
            continue
        if path.suffix != ".toml" or not (name in SINGLE_FILES or parent in FOLDERS):
            problems.append(f"{relative.as_posix()}: {UNKNOWN}")
            continue
        files.update(_read_tables(path, name, "", problems))
    missing = [name for name in SINGLE_FILES if not (folder / f"{name}.toml").exists()]
    problems += [f"{name}.toml: is missing" for name in missing]
    if problems:
        raise ModelError(problems)
    return files


def _read_tables(path: Path, name: str, inside: str, problems: list[str]) -> dict[str, Tables]:
    """A file's content by its name; none and a problem where it is no TOML."""
    try:
        return {name: _freeze(tomllib.loads(path.read_text("utf-8")))}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        problems.append(f"{inside}{name}.toml: {error}")
        return {}


def read_translations(folder: Path) -> Iterator[Translation]:
    """Every translation, in the order of the tags."""
    problems: list[str] = []
    for place in sorted((folder / TRANSLATIONS).glob("*")):
        inside, files = f"{TRANSLATIONS}/{place.name}/", dict[str, Tables]()
        if not place.is_dir():
            raise ModelError([f"{TRANSLATIONS}/{place.name}: {UNKNOWN}"])
        if place.name == ENGLISH:
            raise ModelError([f"{inside}: English lies in the files of the model itself"])
        for path in sorted(path for path in place.rglob("*") if path.is_file()):
            name = path.relative_to(place).with_suffix("").as_posix()
            if path.suffix == ".toml":
                files.update(_read_tables(path, name, inside, problems))
            else:
                problems.append(f"{inside}{path.relative_to(place).as_posix()}: {UNKNOWN}")
        about = files.pop(ABOUT_TRANSLATION, {})
        if about.keys() != {"translation_reviewed"} or not isinstance(
            about["translation_reviewed"], bool
        ):
            where = f"{inside}{ABOUT_TRANSLATION}.toml"
            problems.append(f"{where}: must say translation_reviewed = true or false, and no more")
        if problems:
            raise ModelError(problems)
        yield Translation(place.name, about["translation_reviewed"], files)


def read_drawings(folder: Path) -> dict[str, str]:
    """The drawing of each routine that has one, by the routine's id, as SVG."""
    drawings, problems = {}, []
    for path in sorted((folder / DRAWINGS).glob("*")):
        place = path.relative_to(folder).as_posix()
        if path.suffix != ".svg":
            problems.append(f"{place}: {UNKNOWN}")
            continue
        try:
            drawings[path.stem] = path.read_text("utf-8")
        except UnicodeDecodeError as error:
            problems.append(f"{place}: {error}")
    if problems:
        raise ModelError(problems)
    return drawings


def _freeze(value: Any) -> Any:
    """The same value with lists as tuples, so that nothing in a loaded model can grow."""
    if isinstance(value, dict):
        return {key: _freeze(item) for key, item in value.items()}
    return tuple(_freeze(item) for item in value) if isinstance(value, list) else value
