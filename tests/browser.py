"""Pages in Debian's Chromium: every error of the console and every request to elsewhere is kept, and looked at in the end."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from conftest import ROOT
from playwright.sync_api import Browser, BrowserContext, Page, Route

CHROMIUM = shutil.which("chromium")
AXE = ROOT / "openapi" / "node_modules" / "axe-core" / "axe.min.js"
SHOTS = os.environ.get("PSOAS_SHOTS")
"""A folder in which to leave pictures of what was seen; none are left without it."""
QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-default-apps"),
]
"""How Chromium is kept from asking for anything by itself."""

Scheme = Literal["light", "dark"]
PHONE, DESK = 390, 1280
"""Widths of a screen, in CSS pixels."""
HEIGHTS = {PHONE: 844, DESK: 900}


class Seen:
    """What a page did that it must not do."""

    def __init__(self, page: Page, address: str) -> None:
        self.host = urlsplit(address).netloc
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def _listen(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    @property
    def foreign(self) -> list[str]:
        """Requests to any other host."""
        near = ("data:", "blob:")
        return [
            url
            for url in self.requests
            if not url.startswith(near) and urlsplit(url).netloc != self.host
        ]


@contextmanager
def looking(
    chromium: Browser, address: str, width: int = DESK, scheme: Scheme = "light", **more: Any
) -> Iterator[tuple[BrowserContext, Page, Seen]]:
    """A new window without a past, of a width in CSS pixels."""
    context = chromium.new_context(
        base_url=address,
        viewport={"width": width, "height": HEIGHTS[width]},
        color_scheme=scheme,
        **more,
    )
    page = context.new_page()
    seen = Seen(page, address)
    context.route("**/*", lambda route: _stay(route, seen))
    yield context, page, seen
    context.close()


def _stay(route: Route, seen: Seen) -> None:
    """Let a page reach nothing but its own host; that it tried is kept."""
    if urlsplit(route.request.url).netloc == seen.host:
        route.continue_()
    else:
        route.abort()


def find_barriers(page: Page) -> list[str]:
    """What axe finds that keeps people out, each with its place; only what is serious or worse."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: make test installs it where npm is")
    page.evaluate(AXE.read_text("utf-8"))
    found: dict[str, Any] = page.evaluate("() => axe.run()")
    return [
        f"{fault['id']} ({fault['impact']}): {fault['help']} at {node['target']}"
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]


def shoot(page: Page, name: str) -> None:
    """Leave a picture of the whole page, where pictures are wanted."""
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)
