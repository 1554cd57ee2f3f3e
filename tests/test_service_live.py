"""The running service keeps to its document, whatever is sent to it, and wherever one answer leads to the next."""

import json
import os
import subprocess
import sys
from pathlib import Path

from conftest import ROOT, SOAK
from serving import psoas, serving

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
SCOPES = "assess,records,batch,admin"
EXAMPLES = 200 if SOAK else 15
"""Generated requests an operation, in each phase that makes them up."""


def test_the_running_service_keeps_to_its_document(tmp_path: Path) -> None:
    storage, report = {"data_dir": tmp_path / "data"}, tmp_path / "report.json"
    made = psoas(storage, "keys", "create", "--tenant", "clinic", "--scopes", SCOPES)
    key = made.stdout.split()[-1]
    with serving(storage, tmp_path / "log", batches_per_tenant=0) as service:
        done = subprocess.run(
            [
                *(SCHEMATHESIS, "--config-file", ROOT / "tests" / "schemathesis.toml"),
                *("run", f"{service.address}/openapi.json", "--no-color"),
                *("--max-examples", str(EXAMPLES), "--generation-deterministic"),
                *("--header", f"Authorization: Bearer {key}"),
                *("--report-json-path", report),
            ],
            env={**os.environ, "SCHEMATHESIS_HOOKS": "wire", "PYTHONPATH": f"{ROOT}:{ROOT}/tests"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]
    phases = json.loads(report.read_text("utf-8"))["phases"]
    assert {name: phase["status"] for name, phase in phases.items()} == dict.fromkeys(
        ("examples", "coverage", "fuzzing", "stateful"), "success"
    )
    assert "Traceback" not in (tmp_path / "log").read_text("utf-8")
