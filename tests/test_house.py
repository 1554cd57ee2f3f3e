"""The house rules that a machine can check: the README runs, settings are documented, nothing leaks."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, Call

from api.settings import Settings

README = (ROOT / "README.md").read_text("utf-8")


def tracked() -> list[Path]:
    """Every file of the project that git knows or would know."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [path for name in listed.stdout.splitlines() if (path := ROOT / name).is_file()]


def test_the_curl_of_the_readme_gives_the_answer_of_the_readme(call: Call) -> None:
    curl, answer = re.findall(r"```(?:sh|json)\n(.*?)```", README, re.DOTALL)[1:3]
    body = json.loads(re.search(r"-d '(.*?)'", curl, re.DOTALL)[1])  # type: ignore[index]
    shown = json.loads(answer)
    got = call("POST", "/assess", json=body).json()
    assert shown["index"] == got["index"]
    for habit in shown["habits"]:
        full = next(entry for entry in got["habits"] if entry["id"] == habit["id"])
        assert habit == {name: full[name] for name in habit}


def test_every_setting_is_documented_with_its_default() -> None:
    for name, field in Settings.model_fields.items():
        row = next(
            (line for line in README.splitlines() if f"`PSOAS_{name.upper()}`" in line), None
        )
        assert row, f"PSOAS_{name.upper()} is not in the README"
        assert field.description
        if isinstance(field.default, str | int):
            assert f"`{field.default}`" in row


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PSOAS_PORT", "8123")
    monkeypatch.setenv("PSOAS_CORS_ORIGINS", "https://a.example,https://b.example")
    settings = Settings()
    assert settings.port == 8123
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    monkeypatch.setenv("PSOAS_PORT", "eighty")
    with pytest.raises(ValueError, match="port"):
        Settings()


def test_no_file_names_a_package_registry_or_a_path_of_a_machine() -> None:
    named = re.compile(
        r"[p]ypi[.]o|python[h]osted|[n]pmjs[.]o|[d]eb[.]debian|(^|[^A-Za-z.])/(wor[k]|hom[e]|roo[t])/"
    )
    for path in tracked():
        text = path.read_text("utf-8", errors="replace")
        found = [line for line in text.splitlines() if named.search(line)]
        assert not found, (path.name, found[:3])


def test_locked_requirements_are_hashed_and_name_no_address() -> None:
    for path in ROOT.glob("requirements*.lock"):
        text = path.read_text("utf-8")
        assert "://" not in text
        blocks = re.split(r"\n(?=\S)", text.strip())
        assert len(blocks) >= 5
        for block in blocks:
            assert "==" in block.splitlines()[0]
            assert "--hash=sha256:" in block


def test_every_dependency_is_locked() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    block = re.search(
        r"\ndependencies = \[(.*?)\n\]", (ROOT / "pyproject.toml").read_text(), re.DOTALL
    )
    assert block
    for name in re.findall(r'"([\w-]+)', block[1]):
        assert re.search(rf"^{name}==", lock, re.MULTILINE), name


def test_the_image_is_described_cleanly() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint is not installed")
    done = subprocess.run(
        [hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_modules_stay_small() -> None:
    for folder in ("api", "rules", "bench"):
        for path in (ROOT / folder).rglob("*.py"):
            lines = len(path.read_text("utf-8").splitlines())
            assert lines <= 300, f"{path.relative_to(ROOT)} has {lines} lines"


def test_make_help_lists_every_command() -> None:
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    told = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in ("serve", "test", "check", "soak", "openapi", "bench", "lock", "help"):
        assert f"make {name}" in told
