"""Questionnaires in LHC-Forms, a renderer that others made, filled in as a person does it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from browser import Seen, looking
from conftest import ROOT
from people import MODEL
from playwright.sync_api import Browser, Page, Route

from api.fhir.names import CODES
from api.knowledge import QuestionToAsk, put_questionnaire

LFORMS = ROOT / "openapi" / "node_modules" / "lforms" / "dist" / "lforms"
ADDRESS = "http://forms.test"
"""An address that is nowhere: every file comes from the folder."""
PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Form</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="webcomponent/styles.css"></head>
<body><div id="form"></div>
<script src="webcomponent/assets/lib/zone.min.js"></script>
<script src="webcomponent/lhc-forms.js"></script>
<script src="fhir/{release}/lformsFHIR.min.js"></script></body></html>"""
DRAW = "async form => { await LForms.Util.addFormToPage(form, 'form'); }"
TAKE = "release => LForms.Util.getFormFHIRData('QuestionnaireResponse', release)"


@contextmanager
def showing(
    chromium: Browser, form: dict[str, Any] | None, release: str = "R4"
) -> Iterator[tuple[Page, Seen]]:
    """A page with a form on it, or with nothing but the renderer."""
    if not LFORMS.exists():
        pytest.skip("LHC-Forms is not there: make test fetches it where npm is")
    with looking(chromium, ADDRESS) as (_, page, seen):
        page.route("**/*", lambda route: _serve(route, release))
        page.goto(f"{ADDRESS}/")
        if form:
            page.evaluate(DRAW, form)
            page.wait_for_selector("[id='label-runs/1/1']")
        yield page, seen


def _serve(route: Route, release: str) -> None:
    name = urlsplit(route.request.url).path.lstrip("/")
    if not name:
        route.fulfill(body=PAGE.format(release=release), content_type="text/html")
    elif (LFORMS / name).is_file():
        route.fulfill(path=Path(LFORMS / name))
    else:
        route.fulfill(status=404)


def fill_in(page: Page, answers: Mapping[str, Any]) -> None:
    """Answer questions by their ids: numbers are typed, everything else is clicked."""
    for name, answer in answers.items():
        for one in answer if isinstance(answer, list | tuple) else [answer]:
            if isinstance(one, bool):
                page.click(f"[id='{name}/1/1|{str(one).lower()}']")
            elif isinstance(one, str):
                page.click(f"[id='{name}/1/1|{CODES}|{one}']")
            else:
                page.fill(f"[id='{name}/1/1']", f"{one:g}")
                page.press(f"[id='{name}/1/1']", "Tab")


def take_response(page: Page, release: str = "R4") -> dict[str, Any]:
    """What the form gives as a QuestionnaireResponse."""
    response: dict[str, Any] = page.evaluate(TAKE, release)
    return response


def put_response(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Answers to questions as a response to one of our questionnaires, all that is needed of it."""
    groups = []
    for section in put_questionnaire(MODEL)["sections"]:
        items = [
            {"linkId": question["id"], "answer": [_put_value(question, answers[question["id"]])]}
            for question in section["questions"]
            if answers.get(question["id"]) is not None
        ]
        if items:
            groups.append({"linkId": section["id"], "item": items})
    return {"resourceType": "QuestionnaireResponse", "status": "completed", "item": groups}


def _put_value(question: QuestionToAsk, answer: Any) -> dict[str, Any]:
    kinds = {"yes_no": "Boolean", "number": "Decimal", "whole_number": "Integer"}
    if kind := kinds.get(question["answer"]):
        return {f"value{kind}": answer}
    return {"valueCoding": {"system": CODES, "code": answer}}


WORK_OUT = """([items, responses]) => {
  const { fhirpath, fhirpathModel } = LForms.FHIR.R4;
  const find = (item, name) => item.extension.filter(one => one.url.endsWith(name)).map(one => one.valueExpression);
  return responses.map(resource => {
    const scores = { linkId: "scores", item: [] };
    resource.item.push(scores);
    for (const item of items) {
      const known = { resource };
      for (const { name, expression } of find(item, "/variable"))
        known[name] = fhirpath.evaluate(resource, expression, known, fhirpathModel);
      const [calculation] = find(item, "-calculatedExpression");
      const values = fhirpath.evaluate(resource, calculation.expression, known, fhirpathModel);
      if (values.length) scores.item.push({ linkId: item.linkId, answer: [{ valueDecimal: values[0] }] });
    }
    return Object.fromEntries(scores.item.map(item => [item.linkId, item.answer[0].valueDecimal]));
  });
}"""
"""Works out the scores of many responses by a questionnaire's own expressions."""


def work_out(
    page: Page, scored: Sequence[Mapping[str, Any]], responses: list[dict[str, Any]]
) -> list[dict[str, float]]:
    """What the renderer's FHIRPath makes of responses: scores by the ids of their items, none where there is none."""
    worked_out: list[dict[str, float]] = page.evaluate(WORK_OUT, [list(scored), responses])
    return worked_out


def list_answers(items: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Every answer of a response with its item's id; codings as their codes."""
    for item in items:
        for answer in item.get("answer", ()):
            (value,) = (answer[key] for key in answer if key.startswith("value"))
            yield item["linkId"], value["code"] if isinstance(value, dict) else value
        yield from list_answers(item.get("item", []))
