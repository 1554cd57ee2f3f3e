"""The OpenAPI document: committed, valid, and saying what it must for clients and readers."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from conftest import ROOT, make_app
from openapi_spec_validator import OpenAPIV31SpecValidator
from people import MODEL
from schemathesis.specs.openapi.checks import (
    negative_data_rejection,
    positive_data_acceptance,
)

from api.document import describe
from api.negotiation import MEDIA_TYPES

DOCUMENT: dict[str, Any] = json.loads(describe(make_app()))
OPERATIONS = [
    pytest.param(operation, id=operation["operationId"])
    for path in DOCUMENT["paths"].values()
    for operation in path.values()
]


def test_the_committed_document_is_fresh() -> None:
    committed = (ROOT / "openapi" / "openapi.json").read_bytes()
    assert committed == describe(make_app()), "run `make openapi` and look at the difference"


def test_the_document_is_valid() -> None:
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_is_named_described_and_documents_its_problems(
    operation: dict[str, Any],
) -> None:
    assert operation["operationId"].islower()
    assert len(operation["operationId"]) <= 20
    assert operation["description"]
    assert operation["tags"][0] in {tag["name"] for tag in DOCUMENT["tags"]}
    assert "500" in operation["responses"]
    for status, response in operation["responses"].items():
        assert response["description"]
        assert {"X-Request-Id", "Psoas-Model"} <= set(response["headers"])
        if int(status) >= 400:
            assert list(response["content"]) == ["application/problem+json"]
    if "requestBody" in operation:
        assert {"400", "413", "415", "422"} <= set(operation["responses"])


def properties() -> Iterator[Any]:
    """Every property of every schema."""
    for name, schema in DOCUMENT["components"]["schemas"].items():
        for field, described in schema.get("properties", {}).items():
            yield pytest.param(described, id=f"{name}.{field}")


@pytest.mark.parametrize("described", list(properties()))
def test_every_property_is_described(described: dict[str, Any]) -> None:
    assert described.get("description") or "$ref" in described


def test_every_answer_has_bounds_unit_and_example() -> None:
    answers = DOCUMENT["components"]["schemas"]["Answers"]
    assert answers["additionalProperties"] is False
    assert list(answers["properties"]) == list(MODEL.questions)
    for name, described in answers["properties"].items():
        question = MODEL.questions[name]
        kind = described["anyOf"][0]
        assert described["anyOf"][1] == {"type": "null"}
        assert described["examples"] == [question.example]
        if question.is_numeric:
            assert kind["minimum"] == question.minimum
            assert kind["maximum"] == question.maximum
            assert f"(UCUM {question.unit})" in described["description"]
        elif question.answer == "choice":
            assert kind["enum"] == [option.id for option in question.options]


def test_nothing_of_later_issues_is_promised() -> None:
    assert set(DOCUMENT["paths"]) == {
        "/assess",
        "/assess/batch",
        "/assess/what-if",
        "/questionnaire",
        "/model",
        "/model/sources",
        "/model/safety",
        "/model/psoas",
        "/model/habits/{id}",
        "/routines",
        "/routines/{id}",
        "/assessments",
        "/assessments/{id}",
        "/people/{person}",
        "/people/{person}/trend",
        "/people/{person}/export",
        "/mappings",
        "/mappings/{id}",
        "/batches",
        "/batches/{id}",
        "/batches/{id}/summary",
        "/batches/{id}/scores",
        "/batches/{id}/rejects",
        "/audit",
        "/healthz",
        "/readyz",
    }


@schemathesis.serializer(*MEDIA_TYPES, "application/toml")
def put_text(_: Any, value: Any) -> bytes:
    """Text as it is: what kind of rows it holds is not for a schema to say."""
    return str(value).encode()


schema = schemathesis.openapi.from_asgi("/openapi.json", make_app())


@schema.parametrize()
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the test client it brings along
def test_the_service_keeps_to_the_document(case: schemathesis.Case[Any]) -> None:
    # A schema cannot say that two answers contradict each other, so valid data may be refused.
    excluded: list[Any] = [positive_data_acceptance]
    if case.operation.path == "/assess/batch":  # a bad row is answered in its place, with 200
        excluded.append(negative_data_rejection)
    case.call_and_validate(excluded_checks=excluded)
