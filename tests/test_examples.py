"""The examples of the OpenAPI document: sent to the service, and answered as they say."""

import json
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from clinic import BETTER, DESK, Clinic
from conftest import ROOT, Call, make_app
from reading import read_aloud

from api.collection import TAKEN
from api.document import EXAMPLES, FHIR_TYPE, describe, read_examples
from api.problems import PROBLEM_TYPE

PROTECTED = {
    operation["operationId"]
    for path in json.loads(describe(make_app()))["paths"].values()
    for operation in path.values()
    if operation.get("security")
}
"""The operations that need a key; their examples are sent with one that has every scope."""


def make_example_clinic(folder: Path) -> tuple[Clinic, dict[str, str]]:
    """A clinic in which p-0042 was assessed at the beginning of August and of September 2026, and a batch was sent.

    It comes with the ids that examples name in their addresses.
    """
    numbers = count(1)
    storage = {"data_dir": folder, "secret": "a secret that is no secret, for examples"}
    clinic = Clinic(storage, chance=lambda bits: next(numbers))  # noqa: ARG005
    ids = {"assessment": clinic.store("p-0042", DESK).json()["id"]}
    clinic.clock.move(days=31)
    clinic.store("p-0042", BETTER)
    clinic.clock.move(hours=1)
    for name in ("mapping", "batch"):
        operation, example = TAKEN[name]
        ids[name] = send(clinic.call, read_examples(operation)[example]["request"]).json()["id"]
    clinic.score_batches()
    return clinic, ids


def send(call: Call, request: dict[str, Any]) -> httpx.Response:
    """Send the request of an example."""
    sent = dict(request)
    content = {"content": sent.pop("text")} if "text" in sent else {}
    return call(sent.pop("method"), sent.pop("path"), **sent, **content)


FILES = sorted(EXAMPLES.glob("*/*.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_an_example_is_answered_as_it_says(
    call: Call, path: Path, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    example: dict[str, Any] = json.loads(path.read_text("utf-8"))
    sent = example["request"]
    if path.parent.name in PROTECTED:
        clinic, ids = make_example_clinic(tmp_path)
        if "{bulk}" in sent["path"]:
            operation, name = TAKEN["bulk"]
            taken = send(clinic.call, read_examples(operation)[name]["request"])
            ids["bulk"] = taken.json()["id"]
            clinic.score_batches()
        if "{webhook}" in sent["path"]:
            store = read_examples(TAKEN["webhook"][0])[TAKEN["webhook"][1]]
            ids["webhook"] = send(clinic.call, store["request"]).json()["id"]
        call, sent = clinic.call, {**sent, "path": sent["path"].format_map(ids)}
    got = put_response(send(call, sent))
    if request.config.getoption("--write-examples"):
        text = json.dumps({**example, "response": got}, indent=1, ensure_ascii=False)
        path.write_text(text + "\n", "utf-8")
    else:
        assert got == example.get("response"), "run `make openapi` and look at the difference"


def put_response(response: httpx.Response) -> dict[str, Any]:
    """A response as examples keep it."""
    if not response.content:
        return {"status": response.status_code}
    media_type = response.headers["content-type"].partition(";")[0]
    is_json = media_type in {"application/json", PROBLEM_TYPE, FHIR_TYPE}
    body = response.json() if is_json else response.text
    return {"status": response.status_code, "media_type": media_type, "body": body}


PERSONAS = {
    "runner_with_a_jump": "A runner whose last long run was much longer than before",
    "pregnant": "A pregnant woman who sits a good deal and asked for the self-massage",
    "opted_in_and_cleared": "A desk worker who asked for the self-massage and was cleared",
}
PAGE = ROOT / "docs" / "three-people.md"
ABOUT = """# What three people read

Everything that an assessment says to a person, in the order in which to show it: safety first. The requests
and the whole responses are in `openapi/examples/assess/`; this page is written from them by `make openapi`.
Every person is made up.
"""


def test_what_three_people_read_is_shown_as_it_is(request: pytest.FixtureRequest) -> None:
    parts = [ABOUT]
    for name, title in PERSONAS.items():
        example = json.loads((EXAMPLES / "assess" / f"{name}.json").read_text("utf-8"))
        parts.append(f"## {title}\n\n{read_aloud(example['response']['body'])}")
    page = "\n".join(parts)
    if request.config.getoption("--write-examples"):
        PAGE.write_text(page, "utf-8")
    assert PAGE.read_text("utf-8") == page, "run `make openapi` and look at the difference"


def test_there_are_examples_of_good_and_bad_requests() -> None:
    names = {path.stem for path in FILES if path.parent.name == "assess"}
    assert names >= {"bad_answers", "not_json", "wrong_media_type"}
    assert names >= {
        *("desk_worker", "runner_with_a_jump", "parent_carrying_a_child", "emergency_red_flag"),
        *("review_red_flag", "pregnant", "opted_in_and_cleared", "nothing_to_report"),
        "two_answers",
    }
