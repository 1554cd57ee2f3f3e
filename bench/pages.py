"""Measure `/try`: how long from an answer to its result on the screen, beside the bare request for the same result.

Both are timed in the same page of Debian's Chromium, in turn. A result counts as seen in the first
task after the frame that shows it.
"""

import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from bench.jobs import serving

FRESH, ROUNDS = 11, 51
"""Pages opened anew for a first answer; answers changed in a page that is filled in."""
FILLED_IN: dict[str, Any] = {
    "sitting_hours_per_day": 9,
    "usual_sitting_bout_minutes": 90,
    "moderate_minutes_per_week": 60,
    "vigorous_minutes_per_week": 0,
}

TYPE = """([id, value]) => new Promise((done) => {
  const field = document.getElementById(id);
  const watch = new MutationObserver(() => {
    watch.disconnect();
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - started)));
  });
  watch.observe(document.querySelector(".result"), {
    subtree: true, childList: true, characterData: true, attributes: true,
  });
  field.value = value;
  const started = performance.now();
  field.dispatchEvent(new Event("input"));
})"""

ASK = """async (answers) => {
  const started = performance.now();
  const response = await fetch("/assess", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ answers }),
  });
  await response.json();
  return performance.now() - started;
}"""


def open_page(browser: Browser, address: str) -> Page:
    """The page in a new window, at the questions about sitting."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(f"{address}/try", wait_until="networkidle")
    page.locator(".sections ol button").nth(4).click()
    return page


def type_answer(page: Page, question: str, value: Any) -> float:
    """Milliseconds from an answer to its result on the screen."""
    taken: float = page.evaluate(TYPE, [f"answer-{question}", str(value)])
    return taken


def time_first(browser: Browser, address: str) -> float:
    """The same for the very first answer in a page."""
    page = open_page(browser, address)
    taken = type_answer(page, "sitting_hours_per_day", 9)
    page.context.close()
    return taken


def time_last(browser: Browser, address: str) -> tuple[list[float], list[float]]:
    """The same for the last answer of many, and the bare request for the same result."""
    page = open_page(browser, address)
    for question, value in FILLED_IN.items():
        type_answer(page, question, value)
    seen, asked = [], []
    for turn in range(ROUNDS):
        hours = 6 + turn % 10 / 2
        seen.append(type_answer(page, "sitting_hours_per_day", hours))
        asked.append(page.evaluate(ASK, {**FILLED_IN, "sitting_hours_per_day": hours + 0.1}))
    page.context.close()
    return seen, asked


def main() -> None:
    """Measure, and say what came of it."""
    chromium = shutil.which("chromium")
    if not chromium:
        sys.exit("chromium is not installed: apt-get install chromium")
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), worker=False) as service,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        address = f"http://127.0.0.1:{service.port}"
        first = [time_first(browser, address) for _ in range(FRESH)]
        seen, asked = time_last(browser, address)
        browser.close()
    ratio = median(shown / bare for shown, bare in zip(seen, asked, strict=True))
    print(f"first answer to result seen: median {median(first):.0f} ms, most {max(first):.0f} ms")
    print(f"last answer to result seen:  median {median(seen):.0f} ms, most {max(seen):.0f} ms")
    print(f"bare request:                median {median(asked):.0f} ms, most {max(asked):.0f} ms")
    print(f"seen beside bare request:    {ratio:.1f}")


if __name__ == "__main__":
    main()
