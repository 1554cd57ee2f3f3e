"""Clients made from the API document: what makes them, and where they are made."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

TOOLS = ROOT / ".venv-clients" / "bin"
DOCUMENT: dict[str, Any] = json.loads((ROOT / "openapi" / "openapi.json").read_text("utf-8"))
SCHEMAS: dict[str, dict[str, Any]] = DOCUMENT["components"]["schemas"]
OPERATIONS: dict[str, str] = {
    operation["operationId"]: operation["tags"][0]
    for path in DOCUMENT["paths"].values()
    for operation in path.values()
}
"""The tag of each operation."""


def run(command: Sequence[str | Path], folder: Path, **environment: str) -> str:
    """What a command says; it must end well."""
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def need(tool: Path) -> Path:
    """A tool that is there, or the reason why a test is skipped."""
    if not tool.exists():
        pytest.skip(f"{tool.relative_to(ROOT)} is missing: `make test` installs it where it can")
    return tool


def need_node() -> None:
    """Skip where there is no Node."""
    if not shutil.which("node"):
        pytest.skip("Node is not installed")


def make_python(folder: Path) -> str:
    """Make the Python client, and give what its generator says."""
    tool = need(TOOLS / "openapi-python-client")
    command: list[str | Path] = [tool, "generate", "--fail-on-warning", "--output-path", folder]
    command += ["--path", ROOT / "openapi" / "openapi.json"]
    command += ["--config", ROOT / "openapi" / "clients" / "python.yaml"]
    return run(command, ROOT, PATH=f"{TOOLS}:{os.environ['PATH']}")  # it looks there for ruff


def make_by_java(language: str, folder: Path, *words: str) -> str:
    """Make the client of another language, and give what its generator says."""
    tool = need(TOOLS / "openapi-generator-cli")
    if not shutil.which("java"):
        pytest.skip("Java is not installed")
    told = ROOT / "openapi" / "clients" / f"{language}.yaml"
    return run([tool, "generate", "-c", told, "-o", folder, *words], ROOT)
