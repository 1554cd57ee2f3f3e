"""The request collection: committed, whole, and answered by a real service as the examples say."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from clinic import make_key_text
from conftest import ROOT, make_app
from offline import TOOLS, needs_node, run_offline
from serving import psoas, serving

from api.callers import RIGHTS
from api.collection import TAKEN, name_request, write_collection
from api.document import EXAMPLES, describe, read_examples

COLLECTION = ROOT / "openapi" / "psoas.http"
DOCUMENT: dict[str, Any] = json.loads(describe(make_app()))
OPERATIONS = [
    operation["operationId"] for path in DOCUMENT["paths"].values() for operation in path.values()
]
STATUSES = {
    name_request(operation, name): example["response"]["status"]
    for operation in OPERATIONS
    for name, example in read_examples(operation).items()
}
"""What each request of the collection is answered with."""
WAIT = """\
{{
  let state = "";
  while (state !== "done") {
    await sleep(50);
    const answer = await fetch(`${host}/batches/${BATCH.id}`, { headers: { Authorization: `Bearer ${key}` } });
    state = (await answer.json()).state;
  }
}}
"""
"""Makes the runner wait for a batch, as a person does who asks for it again."""


def test_the_committed_collection_is_fresh() -> None:
    written = write_collection(DOCUMENT)
    assert COLLECTION.read_text("utf-8") == written, "run `make openapi` and look at the difference"


def test_the_command_prints_the_collection(tmp_path: Path) -> None:
    printed = psoas({"data_dir": tmp_path}, "openapi", "--http").stdout
    assert printed == COLLECTION.read_text("utf-8")


def test_every_operation_and_every_example_is_in_the_collection() -> None:
    named = re.findall(r"^# @name (\w+)$", COLLECTION.read_text("utf-8"), re.MULTILINE)
    assert sorted(named) == sorted(STATUSES)
    assert {path.name for path in EXAMPLES.iterdir()} == set(OPERATIONS)


def test_no_line_of_a_body_means_something_to_an_editor() -> None:
    for operation in OPERATIONS:
        for example in read_examples(operation).values():
            for line in example["request"].get("text", "").splitlines():
                assert not line.startswith(("#", "//", "@", "<", ">", "?", "{{")), line


def put_for_runner(text: str, address: str, key: str) -> str:
    """The collection with its blanks filled in, and with ids taken over in the way of the runner."""
    text = text.replace("@host = http://127.0.0.1:8000\n", f"@host = {address}\n")
    text = text.replace("@key = put-your-key-here\n", f"@key = {key}\n")
    for name, where in TAKEN.items():
        request = name_request(*where)
        text = text.replace(f"@{name} = {{{{{request}.response.body.$.id}}}}\n", "")
        text = text.replace(f"{{{{{name}}}}}", f"{{{{{request}.id}}}}")
    for asked, sent in (("get_batch_done", "batch"), ("get_bulk_status_done", "bulk")):
        line = f"# @name {asked}\n"
        assert line in text
        text = text.replace(line, line + WAIT.replace("BATCH", name_request(*TAKEN[sent])))
    return text


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What a real service answered to every request, in turn."""
    folder = tmp_path_factory.mktemp("collection")
    storage = {"data_dir": folder / "data"}
    key = make_key_text(storage, "clinic", *RIGHTS)
    with serving(storage, folder / "log") as service:
        text = put_for_runner(COLLECTION.read_text("utf-8"), service.address, key)
        (folder / COLLECTION.name).write_text(text, "utf-8")
        done = run_offline(
            *(TOOLS / "httpyac", "send", COLLECTION.name, "--all", "--json"), folder=folder
        )
    assert done.returncode == 0, done.stderr or done.stdout[-2000:]
    requests: list[dict[str, Any]] = json.loads(done.stdout)["requests"]
    return requests


@needs_node
def test_every_request_is_answered_as_its_example_says(answered: list[dict[str, Any]]) -> None:
    got = {entry["name"]: entry["response"]["statusCode"] for entry in answered}
    assert len(answered) == len(STATUSES)
    assert got == STATUSES


@needs_node
def test_what_was_stored_is_what_was_asked_for(answered: list[dict[str, Any]]) -> None:
    bodies = {entry["name"]: entry["response"].get("body") for entry in answered}
    batch = json.loads(bodies["send_batch_one_bad_row"])["id"]
    assert json.loads(bodies["get_batch_done"])["id"] == batch
    assert json.loads(bodies["get_batch_done"])["state"] == "done"
    assert json.loads(bodies["get_batch_summary_one_rejected"])["rejected"] == 1
    stored = json.loads(bodies["store_assessment_desk_worker"])["id"]
    assert json.loads(bodies["get_assessment_stored"])["id"] == stored
    example = json.loads((EXAMPLES / "get_rejects" / "as_csv.json").read_text("utf-8"))
    assert bodies["get_rejects_as_csv"].strip() == example["response"]["body"].strip()
