"""The OpenAPI document: committed, valid, and saying what it must for clients and readers."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import ROOT, make_app
from openapi_spec_validator import OpenAPIV31SpecValidator
from people import MODEL

from api.document import describe, read_examples
from api.problems import PROBLEM_TYPE

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
            kind = "application/fhir+json" if "fhir" in operation["tags"] else PROBLEM_TYPE
            assert list(response["content"]) == [kind]
    if "requestBody" in operation:
        assert {"400", "413", "415", "422"} <= set(operation["responses"])


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_shows_what_was_really_answered(operation: dict[str, Any]) -> None:
    examples = read_examples(operation["operationId"]).values()
    answered = {example["response"]["status"] for example in examples}
    told = {example["response"]["status"] for example in examples if "body" in example["response"]}
    shown = {
        int(status)
        for status, response in operation["responses"].items()
        if any(content.get("examples") for content in response.get("content", {}).values())
    }
    assert any(status < 300 for status in answered), "it has no example that works"
    assert shown == told
    if "requestBody" in operation:
        assert 422 in shown
        contents = operation["requestBody"]["content"].values()
        assert any(content.get("examples") for content in contents)


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
        assert described["examples"] == [question.example]
        if question.is_numeric:
            kind = "integer" if question.answer == "whole_number" else "number"
            assert described["type"] == [kind, "null"]
            assert described["minimum"] == question.minimum
            assert described["maximum"] == question.maximum
            assert f"(UCUM {question.unit})" in described["description"]
        elif question.answer == "choice":
            kind, null = described["anyOf"]
            named = DOCUMENT["components"]["schemas"][kind["$ref"].rpartition("/")[2]]
            assert named["enum"] == [option.id for option in question.options]
            assert null == {"type": "null"}
        else:
            assert described["type"] == ["boolean", "null"]


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
        "/routines/{id}/drawing",
        "/assessments",
        "/assessments/{id}",
        "/people/{person}",
        "/people/{person}/trend",
        "/people/{person}/export",
        "/mappings",
        "/mappings/{id}",
        "/batches",
        "/batches/columns",
        "/batches/{id}",
        "/batches/{id}/summary",
        "/batches/{id}/scores",
        "/batches/{id}/rejects",
        "/webhooks",
        "/webhooks/{id}",
        "/webhooks/{id}/secret",
        "/webhooks/{id}/ping",
        "/audit",
        "/fhir/metadata",
        "/fhir/Questionnaire",
        "/fhir/Questionnaire/{id}",
        "/fhir/CodeSystem/{id}",
        "/fhir/ValueSet",
        "/fhir/ValueSet/{id}",
        "/fhir/OperationDefinition/{id}",
        "/fhir/QuestionnaireResponse/$assess",
        "/fhir/$bulk-assess",
        "/fhir/bulk-status/{id}",
        "/fhir/bulk-output/{id}/{output}",
        "/cds-services",
        "/cds-services/{id}",
        "/cds-services/{id}/feedback",
        "/healthz",
        "/readyz",
    }
