"""Filling in `/try` as people do: by mouse, or by keys alone."""

import re
from typing import Any

import httpx
from playwright.sync_api import Page, Request, expect
from serving import Serving

INDEX = ".result .index .line"


class Questionnaire:
    """What the service asks, by the ids of sections and questions."""

    def __init__(self, service: Serving) -> None:
        asked: dict[str, Any] = httpx.get(f"{service.address}/questionnaire").json()
        self.sections: list[dict[str, Any]] = asked["sections"]
        self.questions = {
            question["id"]: question
            for section in self.sections
            for question in section["questions"]
        }

    def find_section(self, question: str) -> int:
        """The place of the section in which a question is asked."""
        return next(
            place
            for place, section in enumerate(self.sections)
            if any(one["id"] == question for one in section["questions"])
        )


def open_try(page: Page) -> list[dict[str, Any]]:
    """Open the page, and give the list to which every body sent to `/assess` is added."""
    sent: list[dict[str, Any]] = []

    def listen(request: Request) -> None:
        if request.method == "POST":
            sent.append(request.post_data_json or {})

    page.on("request", listen)
    page.goto("/try")
    page.wait_for_selector("form.section")
    return sent


def go_to(page: Page, place: int) -> None:
    """Show a section, from the list of sections."""
    if page.locator(".sections summary").is_visible():
        page.locator(".sections summary").click()
    page.locator(".sections ol button").nth(place).click()


def answer(page: Page, question: str, value: Any) -> None:
    """Answer a question of the section that is shown, and wait until its result is there."""
    field = page.locator(f"#answer-{question}")
    spelt = str(value).lower() if isinstance(value, bool) else str(value)
    box = page.locator(f"#question-{question} input[value='{spelt}']")
    if field.count() and field.input_value() == spelt:
        return
    if not field.count() and box.is_checked():
        return
    with page.expect_response("**/assess") as answered:
        if field.count():
            field.fill(spelt)
            field.blur()
        else:
            box.check()
    expect_index(page, f"{answered.value.json()['index']['high']:g}")


def answer_all(page: Page, asked: Questionnaire, answers: dict[str, Any]) -> None:
    """Answer these questions, section by section."""
    for question, value in answers.items():
        if not page.locator(f"#question-{question}").count():
            go_to(page, asked.find_section(question))
        answer(page, question, value)


def press_to(page: Page, wanted: str, most: int = 60) -> None:
    """Press Tab until what has the focus matches a selector."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement.matches(wanted)", wanted):
            return
    raise AssertionError(f"{most} times Tab do not lead to {wanted}")


def press_answer(page: Page, question: dict[str, Any], value: Any) -> None:
    """Answer a question by keys, wherever the focus is before it."""
    press_to(page, f"input[name='{question['id']}']")
    if question["answer"] in ("number", "whole_number"):
        page.keyboard.type(str(value))
        return
    options = [option["id"] for option in question["options"]] or [True, False]
    page.keyboard.press("Space")
    for _ in range(options.index(value)):
        page.keyboard.press("ArrowDown")


def read_band(page: Page) -> tuple[float, float]:
    """From where to where the interval of the index is drawn, on the scale from 0 to 100."""
    label, start, width = page.locator(".result .index svg").evaluate(
        """picture => {
            const band = picture.querySelector(".interval");
            const names = ["x", "width"];
            return [picture.ariaLabel, ...names.map((name) => Number(band.getAttribute(name)))];
        }"""
    )
    low, high = (start - 10) / 4, (start + width - 10) / 4
    said = re.search(r"between ([\d.]+) and ([\d.]+)", label)
    if said:
        assert abs(low - float(said[1])) < 0.05, (low, label)
        assert abs(high - float(said[2])) < 0.05, (high, label)
    return low, high


def expect_index(page: Page, text: str) -> None:
    """Wait until the index reads so."""
    expect(page.locator(INDEX)).to_contain_text(text)


def count_pages(pdf: bytes) -> int:
    """The number of pages of a PDF."""
    return len(re.findall(rb"/Type\s*/Page\b", pdf))
