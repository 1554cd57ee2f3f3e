"""Clients in TypeScript and Python: they compile, and get on with a running service."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from clients import DOCUMENT, SCHEMAS, TOOLS, make_python, need, need_node, run
from conftest import ROOT
from serving import serving

from api.schemas import NAMED, RENAMED, TABLES

SAMPLE = ROOT / "examples" / "typescript"
TYPES = ROOT / "openapi" / "clients" / "psoas.d.ts"
GUIDE = (ROOT / "docs" / "clients.md").read_text("utf-8")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a service of one's own answers."""
    folder = tmp_path_factory.mktemp("service")
    with serving({"data_dir": folder / "data"}, folder / "log", jobs=False) as service:
        yield service.address


def parts_of(schema: object, at: str) -> Iterator[tuple[str, dict[str, object]]]:
    """Every schema inside a part of the document, with where it stands."""
    if isinstance(schema, dict):
        yield at, schema
        for word, inner in schema.items():
            if word not in {"examples", "example"}:
                yield from parts_of(inner, f"{at}/{word}")
    elif isinstance(schema, list):
        for place, inner in enumerate(schema):
            yield from parts_of(inner, f"{at}/{place}")


def test_every_set_of_values_has_one_name() -> None:
    shared = {tuple(SCHEMAS[name]["enum"]): name for name in NAMED}
    for name, schema in SCHEMAS.items():
        if "enum" in schema:
            assert schema["description"]
            assert shared.get(tuple(schema["enum"]), name) == name
    for at, schema in parts_of({"paths": DOCUMENT["paths"], "schemas": SCHEMAS}, ""):
        assert "enum" not in schema or at.count("/") == 2, f"{at} has values without a name"
    assert set(NAMED) | set(TABLES) | set(RENAMED.values()) <= set(SCHEMAS)
    assert not set(RENAMED) & set(SCHEMAS)


def test_a_shape_has_one_reading() -> None:
    for at, schema in parts_of({"paths": DOCUMENT["paths"], "schemas": SCHEMAS}, ""):
        if at in {"/schemas/Answer", "/schemas/AnyAnswer"}:
            continue
        assert not {"oneOf", "allOf", "patternProperties"} & set(schema), at
        if "anyOf" in schema:
            assert isinstance(schema["anyOf"], list)
            named, null = schema["anyOf"]
            assert "$ref" in named, at
            assert null == {"type": "null"}
        if schema.get("type") in ("number", ["number", "null"]):
            assert schema["format"] == "double", at


def test_what_is_said_may_grow_and_what_is_sent_may_not() -> None:
    for name in ("AssessRequest", "WhatIfRequest", "StoreRequest", "Answers", "RedFlags"):
        assert SCHEMAS[name]["additionalProperties"] is False
    for name in ("Assessment", "Habit", "RoutineInFull", "Safety", "Batch", "Problem"):
        assert "additionalProperties" not in SCHEMAS[name]


def test_the_committed_types_are_fresh(tmp_path: Path) -> None:
    need_node()
    tool = need(ROOT / "openapi" / "node_modules" / ".bin" / "openapi-typescript")
    made = tmp_path / "psoas.d.ts"
    run([tool, ROOT / "openapi" / "openapi.json", "--output", made], tmp_path)
    assert made.read_text("utf-8") == TYPES.read_text("utf-8"), "run `make openapi`"


def test_the_sample_needs_neither_any_nor_a_cast() -> None:
    evaded = re.compile(r"\bany\b(?!\")|\bas\b(?! +\w+ *,)|@ts-|\w!(?=[.;,)\]])|<any>")
    for path in (SAMPLE / "src").glob("*.ts"):
        code = re.sub(r"//.*|/\*.*?\*/|\"[^\"]*\"", "", path.read_text("utf-8"), flags=re.DOTALL)
        assert not evaded.findall(code), path.name


def test_the_sample_compiles_and_gets_on_with_a_service(address: str) -> None:
    need_node()
    need(SAMPLE / "node_modules" / ".bin" / "tsc")
    run(["npm", "run", "build"], SAMPLE)
    said = run(["node", "dist/main.js", address], SAMPLE)
    form, scores, refusal = said.split("\n---\n")
    assert "- On a usual day, how many hours are you awake and sitting" in form
    assert "[hours a day, 0 to 20]" in form
    assert "  * Always on the same side" in form
    assert "(only if “running at all” is answered yes; skipped here)" in form
    safety, *habits = [line for line in scores.splitlines() if line]
    assert "warning signs" in safety
    assert habits[1:] == [
        "Prolonged sitting: 87.5 of 100 (very high), between 67.5 and 87.5",
        "Slouching: 50 of 100 (high), between 30 and 70",
        "Fetal sleeping: no score yet, between 0 and 100",
        "One-sided loading: no score yet, between 0 and 100",
        "Heavy running: 0 of 100 (low), between 0 and 0",
    ]
    assert refusal.strip().splitlines()[1:] == [
        "- hours of sitting: must be a number of hours a day, 0 to 20",
        "- body mass: must be a number of kilograms, 25 to 300",
        "- worst pain of the last 7 days: must be a whole number of points on a scale, 0 to 10",
    ]
    with pytest.raises(AssertionError, match=r"Nothing useful came from http://127\.0\.0\.1:1:"):
        run(["node", "dist/main.js", "http://127.0.0.1:1"], SAMPLE)


@pytest.fixture(scope="module")
def python_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a Python client, made without a word of warning."""
    folder = tmp_path_factory.mktemp("python") / "client"
    assert "warning" not in make_python(folder).lower()
    return folder


def test_the_python_client_is_typed(python_client: Path, tmp_path: Path) -> None:
    """Strictly, but for the one place where its generator does not tell a list from a file."""
    mypy = ROOT / ".venv" / "bin" / "mypy"
    known = "Parameterized generics cannot be used with class or instance checks"
    said = run(
        [
            *("sh", "-c", '"$0" "$@" || true'),  # that one place is an error
            *(need(mypy), "--strict", "--config-file=", f"--cache-dir={tmp_path}"),
            *(f"--python-executable={TOOLS / 'python'}", "psoas_client"),
        ],
        python_client,
    )
    faults = [line for line in said.splitlines() if ": error: " in line]
    assert len(faults) == 1, said
    assert faults[0].startswith("psoas_client/api/assess/assess_batch.py:")
    assert known in faults[0]


def test_the_python_client_names_values_well(python_client: Path) -> None:
    names = [path.stem for path in (python_client / "psoas_client" / "models").glob("*.py")]
    clumsy = re.compile(r"type_\d|_item$|additional_property|any_?of|one_?of|response_\d")
    assert not [name for name in names if clumsy.search(name)]
    level = (python_client / "psoas_client" / "models" / "level_id.py").read_text("utf-8")
    assert 'VERY_HIGH = "very_high"' in level


def test_the_python_of_the_guide_runs(python_client: Path, address: str) -> None:
    (shown,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    shown = shown.replace("http://127.0.0.1:8000", address)
    said = run([TOOLS / "python", "-c", shown], python_client).splitlines()
    assert "warning signs" in said[0]
    assert said[1] == "Prolonged sitting 65.0 45.0 95.0"
    assert len(said) == 6
    refused = shown.replace("=9.0", "=90.0")
    assert run([TOOLS / "python", "-c", refused], python_client).splitlines() == [
        "/answers/sitting_hours_per_day must be a number of hours a day, 0 to 20"
    ]


QUESTIONS = """
from psoas_client import Client
from psoas_client.api.questionnaire import get_questionnaire
from psoas_client.models import Questionnaire

form = get_questionnaire.sync(client=Client("ADDRESS"))
assert isinstance(form, Questionnaire)
for section in form.sections:
    for question in section.questions:
        print(section.part.value, question.id, question.answer.value, question.unit, question.example)
"""


def test_the_python_client_reads_the_questionnaire(python_client: Path, address: str) -> None:
    command: list[str | Path] = [TOOLS / "python", "-c", QUESTIONS.replace("ADDRESS", address)]
    said = run(command, python_client).splitlines()
    assert "answers sitting_hours_per_day number h/d 9" in said
    assert "red_flags saddle_numbness yes_no None False" in said
    assert "symptoms pain_sites several None ['low_back']" in said
