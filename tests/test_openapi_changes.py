"""The API only ever grows: nothing that callers rely on, as released.json has it, is taken away or made stricter."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, make_app
from offline import TOOLS, needs_node, run_offline

from api.document import describe

pytestmark = needs_node
Document = dict[str, Any]
Change = Callable[[Document], None]
RELEASED = ROOT / "openapi" / "released.json"
DOCUMENT: Document = json.loads(describe(make_app()))


def find_breaking(released: Path, document: Document, folder: Path) -> dict[str, list[str]]:
    """What of a document breaks callers of a released one, by the rule that is broken."""
    changed = folder / "changed.json"
    changed.write_text(json.dumps(document), "utf-8")
    done = run_offline(TOOLS / "redocly", "diff", released, changed, "--format", "json")
    assert done.returncode in {0, 1}, done.stderr
    report = json.loads(done.stdout)
    verdicts = [verdict for change in report["changes"] for verdict in change.get("verdicts", ())]
    broken: dict[str, list[str]] = {}
    for verdict in verdicts:
        if verdict["impact"] == "major":
            broken.setdefault(verdict["ruleId"], []).append(verdict["message"])
    assert bool(broken) == bool(done.returncode) == (report["summary"]["major"] > 0), done.stderr
    return broken


def test_nothing_that_was_released_is_broken(tmp_path: Path) -> None:
    broken = find_breaking(RELEASED, DOCUMENT, tmp_path)
    assert not broken, (
        "this breaks callers; where that is meant, CONTRIBUTING says how it is released"
    )


def operation(document: Document, method: str, path: str) -> Document:
    """An operation."""
    found: Document = document["paths"][path][method]
    return found


def parameter(document: Document, path: str, name: str) -> Document:
    """A parameter of a GET."""
    parameters = operation(document, "get", path)["parameters"]
    return next(entry for entry in parameters if entry["name"] == name)


def schema(document: Document, name: str) -> Document:
    """A schema by its name."""
    found: Document = document["components"]["schemas"][name]
    return found


def remove_path(document: Document) -> None:
    del document["paths"]["/audit"]


def remove_method(document: Document) -> None:
    del document["paths"]["/batches/{id}"]["delete"]


def rename_operation(document: Document) -> None:
    operation(document, "post", "/assess")["operationId"] = "assess_person"


def remove_property(document: Document) -> None:
    del schema(document, "SafetyAdvice")["properties"]["text"]
    schema(document, "SafetyAdvice")["required"].remove("text")


def let_property_be_missing(document: Document) -> None:
    schema(document, "SafetyAdvice")["required"].remove("text")


def change_type(document: Document) -> None:
    schema(document, "Erased")["properties"]["erased"]["type"] = "string"


def change_type_asked_for(document: Document) -> None:
    schema(document, "StoreRequest")["properties"]["person"]["type"] = "integer"


def ask_for_one_more_field(document: Document) -> None:
    asked = schema(document, "AssessRequest")
    asked["properties"]["language"] = {"type": "string", "description": "Which language."}
    asked["required"].append("language")


def take_a_field_no_more(document: Document) -> None:
    del schema(document, "AssessRequest")["properties"]["plan"]


def narrow_a_bound(document: Document) -> None:
    schema(document, "Answers")["properties"]["sitting_hours_per_day"]["maximum"] = 10


def narrow_a_parameter(document: Document) -> None:
    parameter(document, "/assessments", "limit")["schema"]["maximum"] = 20


def take_a_value_no_more(document: Document) -> None:
    schema(document, "LumbarSupport")["enum"].remove("always")


def require_a_parameter(document: Document) -> None:
    parameter(document, "/assessments", "person")["required"] = True


def add_a_required_parameter(document: Document) -> None:
    added = {"name": "site", "in": "query", "required": True, "schema": {"type": "string"}}
    operation(document, "get", "/assessments")["parameters"].append(added)


def remove_a_parameter(document: Document) -> None:
    parameters = operation(document, "get", "/assessments")["parameters"]
    parameters.remove(parameter(document, "/assessments", "level"))


def remove_a_status(document: Document) -> None:
    del operation(document, "post", "/batches")["responses"]["408"]


def remove_a_media_type(document: Document) -> None:
    del operation(document, "post", "/assess/batch")["responses"]["200"]["content"]["text/csv"]


def take_a_media_type_no_more(document: Document) -> None:
    del operation(document, "post", "/assess/batch")["requestBody"]["content"]["text/csv"]


def remove_a_header(document: Document) -> None:
    del operation(document, "post", "/assessments")["responses"]["201"]["headers"]["Location"]


def need_a_key(document: Document) -> None:
    operation(document, "post", "/assess")["security"] = [{"bearer": []}]


BREAKING: dict[Change, str] = {
    remove_path: "path-removed",
    remove_method: "operation-removed",
    rename_operation: "operation-id-changed",
    remove_property: "property-removed",
    let_property_be_missing: "required-properties-removed",
    change_type: "schema-type-changed",
    change_type_asked_for: "schema-type-changed",
    ask_for_one_more_field: "required-properties-added",
    take_a_field_no_more: "property-removed",
    narrow_a_bound: "schema-constraint-changed",
    narrow_a_parameter: "schema-constraint-changed",
    take_a_value_no_more: "enum-values-removed",
    require_a_parameter: "parameter-became-required",
    add_a_required_parameter: "parameter-became-required",
    remove_a_parameter: "parameter-removed",
    remove_a_status: "response-removed",
    remove_a_media_type: "media-type-removed",
    take_a_media_type_no_more: "media-type-removed",
    remove_a_header: "response-header-removed",
    need_a_key: "security-requirement-changed",
}
"""Changes that break callers, and the rule by which each is found out."""


def accept_one_more_field(document: Document) -> None:
    field = {"type": "string", "description": "Which language."}
    schema(document, "AssessRequest")["properties"]["language"] = field


def answer_with_one_more_field(document: Document) -> None:
    answered = schema(document, "SafetyAdvice")
    answered["properties"]["since"] = {"type": "string", "description": "Since when."}
    answered["required"].append("since")


def add_a_path(document: Document) -> None:
    added = copy.deepcopy(document["paths"]["/healthz"])
    added["get"]["operationId"] = "get_pulse"
    document["paths"]["/pulse"] = added


def add_a_status(document: Document) -> None:
    responses = operation(document, "post", "/assess")["responses"]
    responses["418"] = copy.deepcopy(responses["413"])


def add_an_optional_parameter(document: Document) -> None:
    added = {"name": "site", "in": "query", "schema": {"type": "string"}}
    operation(document, "get", "/assessments")["parameters"].append(added)


def answer_with_one_more_value(document: Document) -> None:
    schema(document, "StorageState")["enum"].append("busy")


def answer_with_one_value_less(document: Document) -> None:
    schema(document, "StorageState")["enum"].remove("unavailable")


def accept_one_more_value(document: Document) -> None:
    schema(document, "LumbarSupport")["enum"].append("at_times")


def say_something_in_other_words(document: Document) -> None:
    operation(document, "post", "/assess")["description"] = "Says the same in other words."


ADDITIVE: list[Change] = [
    accept_one_more_field,
    answer_with_one_more_field,
    add_a_path,
    add_a_status,
    add_an_optional_parameter,
    answer_with_one_more_value,
    answer_with_one_value_less,
    accept_one_more_value,
    say_something_in_other_words,
]
"""Changes that callers need not know of, for they accept fields and values that are new to them."""


@pytest.fixture(scope="module")
def present(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The document as it is, as if it had been released."""
    path = tmp_path_factory.mktemp("released") / "released.json"
    path.write_text(json.dumps(DOCUMENT), "utf-8")
    return path


def make_changed(change: Change) -> Document:
    """The document as it is, but for one change."""
    changed = copy.deepcopy(DOCUMENT)
    change(changed)
    assert changed != DOCUMENT
    return changed


@pytest.mark.parametrize(
    ("change", "rule"),
    [pytest.param(change, rule, id=change.__name__) for change, rule in BREAKING.items()],
)
def test_a_breaking_change_is_found_out(
    change: Change, rule: str, present: Path, tmp_path: Path
) -> None:
    broken = find_breaking(present, make_changed(change), tmp_path)
    assert rule in broken


@pytest.mark.parametrize("change", ADDITIVE, ids=lambda change: change.__name__)
def test_an_addition_is_let_pass(change: Change, present: Path, tmp_path: Path) -> None:
    assert find_breaking(present, make_changed(change), tmp_path) == {}
