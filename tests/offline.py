"""What checks the OpenAPI document, run by Node and ended as soon as it reaches out for another machine."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from conftest import ROOT

OPENAPI = ROOT / "openapi"
TOOLS = OPENAPI / "node_modules" / ".bin"
REACHED_OUT = 97
"""Exit code of a tool that was ended because it reached out, as `openapi/offline.cjs` has it."""
SILENT = {
    "REDOCLY_TELEMETRY": "off",
    "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
    "REDOCLY_SUPPRESS_NOTIFICATIONS": "true",
    "NO_COLOR": "1",
}
"""How the tools are told to ask for nothing by themselves."""

OLDEST = (20, 19)
"""The version of Node's that the tools need at least."""


def find_lack() -> str:
    """What is missing for the tools to run; empty if nothing is."""
    if not shutil.which("node"):
        return "Node is not installed"
    told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if tuple(int(part) for part in told.strip().lstrip("v").split(".")[:2]) < OLDEST:
        return f"Node is older than {OLDEST[0]}.{OLDEST[1]}"
    if not (OPENAPI / "node_modules" / "stamp").exists():
        return "what `make openapi/node_modules/stamp` installs by npm is missing"
    return ""


LACK = find_lack()
needs_node = pytest.mark.skipif(bool(LACK), reason=LACK)


def run_offline(*words: str | Path, folder: Path = OPENAPI) -> subprocess.CompletedProcess[str]:
    """Run a program of Node's in a folder and without a network; its exit code is for the caller to look at."""
    guard = f'--require "{OPENAPI / "offline.cjs"}"'
    # Node ends before a pipe has taken in everything; a file takes it at once.
    with tempfile.TemporaryFile("w+") as told:
        done = subprocess.run(
            words,
            cwd=folder,
            env={**os.environ, **SILENT, "NODE_OPTIONS": guard},
            stdout=told,
            stderr=subprocess.PIPE,
            text=True,
            timeout=300,
            check=False,
        )
        told.seek(0)
        return subprocess.CompletedProcess(done.args, done.returncode, told.read(), done.stderr)
