"""The OpenAPI document keeps to the rules that Redocly recommends, and what checks it needs no network."""

import json
import shutil
from pathlib import Path

import pytest
from conftest import ROOT
from offline import OPENAPI, REACHED_OUT, TOOLS, needs_node, run_offline


def lint(document: Path) -> dict[str, int]:
    """How many errors and warnings a document has, and how many more are let pass for a reason."""
    done = run_offline(TOOLS / "redocly", "lint", document, "--format", "json")
    assert done.returncode in {0, 1}, done.stderr
    totals: dict[str, int] = json.loads(done.stdout)["totals"]
    return totals


@needs_node
def test_the_document_has_neither_errors_nor_warnings() -> None:
    assert lint(OPENAPI / "openapi.json") == {"errors": 0, "warnings": 0, "ignored": 2}


@needs_node
def test_a_document_with_faults_is_found_out(tmp_path: Path) -> None:
    document = json.loads((OPENAPI / "openapi.json").read_text("utf-8"))
    operation = document["paths"]["/assess"]["post"]
    del operation["operationId"]
    operation["security"] = [{"nothing_of_that_name": []}]
    (tmp_path / "openapi.json").write_text(json.dumps(document), "utf-8")
    shutil.copy(OPENAPI / "redocly.yaml", tmp_path)
    totals = lint(tmp_path / "openapi.json")
    assert totals["errors"] >= 1
    assert totals["warnings"] >= 1


@needs_node
@pytest.mark.parametrize(
    "reaching",
    [
        "fetch('http://192.0.2.1/')",
        "require('http').get('http://elsewhere.example/')",
        "require('https').get('https://elsewhere.example/')",
        "require('net').connect(80, 'elsewhere.example')",
    ],
)
def test_a_tool_that_reaches_out_is_ended(reaching: str) -> None:
    done = run_offline("node", "-e", reaching)
    assert done.returncode == REACHED_OUT
    assert "reached out for" in done.stderr


@needs_node
def test_a_tool_may_speak_to_this_machine() -> None:
    done = run_offline("node", "-e", "fetch('http://127.0.0.1:9/').catch(() => process.exit(5))")
    assert done.returncode == 5


def test_what_is_installed_by_npm_is_locked_and_named_by_no_address() -> None:
    asked = json.loads((OPENAPI / "package.json").read_text("utf-8"))
    locked = json.loads((OPENAPI / "package-lock.json").read_text("utf-8"))
    assert asked["private"] is True
    assert "scripts" not in asked
    assert locked["packages"][""]["devDependencies"] == asked["devDependencies"]
    for name, package in locked["packages"].items():
        if name and not package.get("inBundle"):  # those come inside of another one, and are its
            assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package
    for name, version in asked["devDependencies"].items():
        assert locked["packages"][f"node_modules/{name}"]["version"] == version
    settings = (ROOT / "openapi" / ".npmrc").read_text("utf-8").split()
    assert {"ignore-scripts=true", "omit-lockfile-registry-resolved=true"} <= set(settings)
