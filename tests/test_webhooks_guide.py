"""The guide to webhooks: its receiver runs as it stands there, takes what is genuine and nothing else."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from conftest import ROOT
from receiving import LOOPBACK, wait_for
from sending import Sender
from serving import serving

from api.storage.deliveries import DeliveryFault
from api.storage.webhooks import MOST_OLD
from api.webhooks import SIGNS_ON
from api.webhooks_delivery import PAUSES
from api.webhooks_sending import PATIENCE

GUIDE = (ROOT / "docs" / "webhooks.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
PORT = "9000"
"""Where the guide's receiver listens."""


def find_block(kind: str, part: str) -> str:
    """The one block of a kind that holds a part."""
    (found,) = [text for named, text in BLOCKS if named == kind and part in text]
    return str(found)


@contextmanager
def receiving(folder: Path, port: str, secret: str) -> Iterator[Path]:
    """The guide's receiver, for as long as it is needed; gives the file of what it prints."""
    program, said = folder / "receiver.py", folder / "said"
    program.write_text(find_block("python", "HTTPServer").replace(PORT, port), "utf-8")
    environment = {**os.environ, "WEBHOOK_SECRET": secret}
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, program], env=environment, stdout=output, stderr=output
        )
    try:
        wait_for(lambda: is_open(int(port)))
        yield said
    finally:
        process.terminate()
        process.wait(10)


def is_open(port: int) -> bool:
    """Whether something listens."""
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def test_every_step_of_the_guide_runs_and_its_receiver_takes_what_is_genuine(
    tmp_path: Path,
) -> None:
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    storage = {"data_dir": tmp_path / "data", "webhook_networks": (LOOPBACK,)}
    changed = {"webhook_networks": LOOPBACK}
    with (
        closing(Sender(storage)) as sender,
        serving(storage, tmp_path / "log", **changed) as service,
    ):
        key = sender.headers["Authorization"].partition(" ")[2]

        def run(part: str) -> Any:
            text = find_block("sh", part).replace(PORT, port)
            named = {"SERVICE": service.address, "KEY": key, "PATH": os.environ["PATH"]}
            command = ["bash", "-euc", text]
            done = subprocess.run(command, cwd=tmp_path, env=named, capture_output=True, check=True)
            return json.loads(done.stdout)

        stored = run("tee webhook.json")
        shown = json.loads(find_block("json", "last_delivery"))
        assert {name: stored[name] for name in shown} == shown
        with receiving(tmp_path, port, stored["secret"]) as said:
            ping = run("/ping")
            wait_for(said.read_text)
            assert said.read_text() == f'webhook.ping {{"webhook_id": "{stored["id"]}"}}\n'
            forge(f"http://127.0.0.1:{port}/psoas", ping["message"])
            run("/secret")
            file = tmp_path / "in.csv"
            file.write_text("sitting_hours_per_day\n9\n99\n")
            sent = sender.send(service, file)
            wait_for(lambda: "batch.done" in said.read_text())
            example = json.loads(find_block("json", "timestamp"))
            data = {**example["data"], "batch_id": sent}
            assert said.read_text().splitlines()[1:] == [f"batch.done {json.dumps(data)}"]


def forge(address: str, name: str) -> None:
    """Send what is not genuine; none of it is taken."""
    now = str(int(time.time()))
    named = {"webhook-id": name, "webhook-timestamp": now, "webhook-signature": "v1,AAAA v2,AAAA"}
    for headers in (
        {},
        named,
        {**named, "webhook-timestamp": "soon"},
        {**named, "webhook-timestamp": "1"},
        {**named, "webhook-signature": "v1,ä"},
    ):
        sent = [(header.encode(), value.encode()) for header, value in headers.items()]
        assert httpx.post(address, content=b"{}", headers=sent).status_code == 401


def test_the_numbers_of_the_guide_are_those_of_the_service() -> None:
    text = " ".join(GUIDE.split())
    assert f"no answer within {PATIENCE:g} seconds" in text
    minutes = [pause.total_seconds() / 60 for pause in PAUSES]
    hours = [f"{one / 60:g}" for one in minutes[3:]]
    assert (
        f"after {PAUSES[0].seconds} seconds, {minutes[1]:g} and {minutes[2]:g} minutes, and "
        f"{', '.join(hours[:-1])} and {hours[-1]} hours" in text
    )
    assert len(PAUSES) + 1 == 10
    assert "After ten attempts it is given up" in text
    assert f"for {SIGNS_ON.total_seconds() / 3600:g} hours, with the old one as well" in text
    assert MOST_OLD == 4
    assert "At most four old secrets sign beside the newest; a fifth renewal" in text


def test_the_guide_says_what_each_fault_means() -> None:
    assert re.findall(r"^\| `(\w+)` \|", GUIDE, re.MULTILINE) == ["fault", *get_args(DeliveryFault)]
