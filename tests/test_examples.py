"""The examples of the OpenAPI document: sent to the service, and answered as they say."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Call

from api.document import EXAMPLES

FILES = sorted(EXAMPLES.glob("*/*.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_an_example_is_answered_as_it_says(
    call: Call, path: Path, request: pytest.FixtureRequest
) -> None:
    example: dict[str, Any] = json.loads(path.read_text("utf-8"))
    sent = dict(example["request"])
    content = {"content": sent.pop("text")} if "text" in sent else {}
    response = call(sent.pop("method"), sent.pop("path"), **sent, **content)
    got = {"status": response.status_code, "body": response.json()}
    if request.config.getoption("--write-examples"):
        text = json.dumps({**example, "response": got}, indent=1, ensure_ascii=False)
        path.write_text(text + "\n", "utf-8")
    else:
        assert got == example["response"], "run `make openapi` and look at the difference"


def test_there_are_examples_of_good_and_bad_requests() -> None:
    names = {path.stem for path in FILES if path.parent.name == "assess"}
    assert names >= {"desk_worker", "two_answers", "bad_answers", "not_json", "wrong_media_type"}
