"""Files of people that are sent, made once for all tests of a process, and no large files left behind."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sending import People, make_people


@pytest.fixture(autouse=True)
def tidy(tmp_path: Path) -> Iterator[None]:
    """Leave no large files behind."""
    yield
    shutil.rmtree(tmp_path / "data", ignore_errors=True)


@pytest.fixture(scope="session")
def some(tmp_path_factory: pytest.TempPathFactory) -> People:
    """Enough people for a dozen small segments."""
    return make_people(tmp_path_factory.mktemp("some"), 30_000)


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> People:
    """People who are scored in no time."""
    return make_people(tmp_path_factory.mktemp("few"), 2_000)
