"""A browser for the tests of a module, and a running service for all of a process."""

from collections.abc import Iterator

import pytest
from browser import CHROMIUM, QUIET
from playwright.sync_api import Browser, sync_playwright
from serving import Serving, serving


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser, ended with the module that needs it: while it runs, its thread has a loop of events."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A running service with an empty database."""
    folder = tmp_path_factory.mktemp("service")
    with serving({"data_dir": folder / "data"}, folder / "log") as running:
        yield running
