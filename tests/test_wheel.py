"""What is installed holds everything that the service needs, away from the checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT

LOOK = """
import asyncio, httpx
from pathlib import Path
import api
from api.app import create_app
from api.settings import Settings

assert Path(api.__file__).is_relative_to(Path.cwd())
app = create_app(Settings(jobs=False, data_dir=Path("data")))

async def look():
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for path in {paths!r}:
            answer = await client.get(path)
            assert answer.status_code == 200, path

asyncio.run(look())
"""
PATHS = ["/", "/docs", "/try", "/clinic", "/guides/operate", "/guides/files/nhanes.toml"]
PATHS += ["/openapi.json", "/routines/dead_bug/drawing", "/questionnaire"]


def test_the_wheel_holds_all_that_is_served(tmp_path: Path) -> None:
    hatchling = Path(sys.executable).with_name("hatchling")
    if not hatchling.exists():
        pytest.skip("hatchling is not installed")
    build = [str(hatchling), "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    place = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(place)
    assert not [name for name in names if "node_modules" in name or name.startswith("tests/")]
    done = subprocess.run(
        [sys.executable, "-c", LOOK.format(paths=PATHS)],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(place)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
