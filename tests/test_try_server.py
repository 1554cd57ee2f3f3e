"""`/try` and its server: what is sent and loaded, what is never kept, and what is said when there is no answer."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from browser import DESK, HEIGHTS, PHONE, find_barriers, looking, shoot
from clinic import make_key_text
from conftest import ROOT
from people import E01
from playwright.sync_api import Browser, Page, Route, expect
from serving import Serving, serving
from trying import Questionnaire, answer, answer_all, expect_index, go_to, open_try

pytest_plugins = ["browsing"]

PAGES = ROOT / "api" / "pages"
WEIGHT = 150_000
"""Bytes that the page may weigh as they travel, before anything is answered."""

Calls = list[tuple[str, str, dict[str, str]]]


@pytest.fixture
def page(chromium: Browser, service: Serving) -> Iterator[Page]:
    """A window on a desk, in which errors of the console are expected: calls fail on purpose."""
    with looking(chromium, service.address, DESK) as (_, page, seen):
        yield page
        assert seen.foreign == []


def test_nothing_is_kept_and_nothing_but_the_answers_is_sent(
    chromium: Browser, service: Serving
) -> None:
    asked = Questionnaire(service)
    with looking(chromium, service.address, DESK) as (context, page, seen):
        calls: Calls = []
        page.on("request", lambda one: calls.append((one.method, one.url, one.headers)))
        open_try(page)
        address, past = page.url, page.evaluate("history.length")
        answer_all(page, asked, E01 | {"saddle_numbness": False})
        expect_index(page, "58.5")
        assert page.url == address == f"{service.address}/try"
        assert page.evaluate("history.length") == past
        assert context.cookies() == []
        assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
        assert page.evaluate("indexedDB.databases()") == []
        assert page.evaluate("caches.keys()") == []
        assert page.evaluate("navigator.serviceWorker.getRegistrations()") == []
        assert seen.errors == []
        assert seen.foreign == []
    posts = {url for method, url, _ in calls if method != "GET"}
    assert posts == {f"{service.address}/assess"}
    known = r"/(try|questionnaire|model(/safety)?|routines(/[a-z0-9_]+/drawing\?v=\w+)?|assets/\w+/[\w./-]+)"
    for method, url, headers in calls:
        path = url.removeprefix(service.address)
        assert method == "POST" or re.fullmatch(known, path), path
        if path in ("/assess", "/questionnaire", "/model", "/model/safety", "/routines"):
            assert headers["accept-language"] == "en"


def test_the_page_is_light(chromium: Browser, service: Serving) -> None:
    with looking(chromium, service.address, DESK) as (context, page, _):
        devtools = context.new_cdp_session(page)
        devtools.send("Network.enable")
        sizes: list[float] = []
        devtools.on("Network.loadingFinished", lambda done: sizes.append(done["encodedDataLength"]))
        page.goto("/try", wait_until="networkidle")
        page.wait_for_selector("form.section")
        assert len(sizes) > 15, "every script was counted"
        assert 10_000 < sum(sizes) < WEIGHT, sum(sizes)


def test_a_key_is_asked_for_where_the_server_wants_one_and_is_not_kept(
    chromium: Browser, tmp_path: Path
) -> None:
    storage = {"data_dir": tmp_path / "data"}
    with serving(storage, tmp_path / "log", public=False) as private:
        key, other = (make_key_text(storage, "clinic", right) for right in ("assess", "batch"))
        with looking(chromium, private.address, DESK) as (context, page, seen):
            page.goto("/try")
            field = page.get_by_label("Key", exact=True)
            field.fill("wrong")
            assert find_barriers(page) == []
            shoot(page, "try-key")
            page.keyboard.press("Enter")
            expect(page.locator(".trouble")).to_contain_text("does not take this key")
            field.fill(other)
            page.keyboard.press("Enter")
            expect(page.locator(".trouble")).to_contain_text("something else")
            field.fill(key)
            page.keyboard.press("Enter")
            page.wait_for_selector("form.section")
            expect(page.locator("#section")).to_be_focused()
            go_to(page, 4)
            answer(page, "sitting_hours_per_day", 9)
            expect(page.locator(".result .bars")).to_contain_text("65 (45")
            page.wait_for_load_state("networkidle")
            drawing = page.locator(".screen .routine img").first
            assert drawing.evaluate("image => image.naturalWidth") > 0
            assert key not in page.url
            assert context.cookies() == []
            assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
            page.reload()
            expect(field).to_be_empty()
            assert seen.foreign == []


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (429, {"Retry-After": "7"}, "busy just now. Your answers are still here. Please wait 7"),
        (503, {}, "busy just now"),
        (500, {}, "cannot be reached"),
        (400, {}, "could not use these answers"),
        (0, {}, "cannot be reached"),
    ],
)
def test_when_there_is_no_result_that_is_said_kindly_and_asked_again(
    page: Page, status: int, headers: dict[str, str], said: str
) -> None:
    open_try(page)
    go_to(page, 4)
    answer(page, "sitting_hours_per_day", 9)
    fails = True

    def respond(route: Route) -> None:
        if not fails:
            route.continue_()
        elif status:
            route.fulfill(status=status, headers=headers, body="")
        else:
            route.abort()

    page.route("**/assess", respond)
    page.fill("#answer-usual_sitting_bout_minutes", "90")
    trouble = page.locator(".trouble")
    expect(trouble).to_contain_text(said)
    expect(page.locator(".result .bars")).to_contain_text("65 (45")
    page.set_viewport_size({"width": PHONE, "height": HEIGHTS[PHONE]})
    expect(trouble.get_by_role("button")).to_be_in_viewport()
    shoot(page, f"try-trouble-{status}")
    fails = False
    trouble.get_by_role("button").click()
    expect(page.locator(".trouble")).to_have_count(0)
    expect(page.locator("#answer-usual_sitting_bout_minutes")).to_have_value("90")


def test_a_page_that_cannot_load_its_questions_can_be_tried_again(page: Page) -> None:
    page.route("**/questionnaire", lambda route: route.abort(), times=1)
    page.goto("/try")
    page.locator(".trouble").get_by_role("button").click()
    page.wait_for_selector("form.section")


def test_what_the_server_refuses_is_shown_at_the_field_and_held_back(page: Page) -> None:
    sent = open_try(page)
    errors = [
        {"pointer": "/answers/runs", "code": "contradiction", "detail": "says something else"},
        {"pointer": "/answers", "code": "malformed", "detail": "is not all right"},
    ]
    problem = {"type": "", "title": "", "status": 422, "detail": "", "instance": ""}
    body = json.dumps({**problem, "request_id": "", "errors": errors})
    page.route(
        "**/assess",
        lambda route: (
            route.fulfill(status=422, content_type="application/problem+json", body=body)
            if "runs" in route.request.post_data_json["answers"]
            else route.continue_()
        ),
    )
    go_to(page, 4)
    answer(page, "sitting_hours_per_day", 9)
    go_to(page, 8)
    page.locator("#question-runs input[value='false']").check()
    expect(page.locator("#fault-runs")).to_contain_text("running at all says something else")
    expect(page.locator("#question-runs")).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".result .bars")).to_contain_text("65 (45")
    assert [request["answers"] for request in sent[-2:]] == [
        {"sitting_hours_per_day": 9, "runs": False},
        {"sitting_hours_per_day": 9},
    ]
    page.locator("#question-runs .back").click()
    expect(page.locator("#fault-runs")).to_be_empty()


def dawdle(route: Route) -> None:
    """Let a request on after a while."""
    sleep(0.15)
    route.continue_()


def test_only_the_newest_answers_are_shown_however_fast_they_come(page: Page) -> None:
    sent = open_try(page)
    go_to(page, 4)
    page.route("**/assess", dawdle)
    page.locator("#answer-sitting_hours_per_day").press_sequentially("10,25", delay=5)
    page.locator("#answer-sitting_hours_per_day").blur()
    expect(page.locator(".components li").first).to_contain_text("10.25 hours")
    assert sent[-1]["answers"] == {"sitting_hours_per_day": 10.25}
    assert len(sent) < 5, "requests do not queue up"


def test_every_routine_of_a_plan_is_drawn(page: Page, service: Serving) -> None:
    open_try(page)
    answer_all(page, Questionnaire(service), E01)
    drawn = page.locator(".screen .routine img")
    expect(drawn).to_have_count(page.locator(".screen .routine").count())
    page.wait_for_load_state("networkidle")
    for picture in drawn.all():
        assert picture.evaluate("image => image.naturalWidth") > 0
        title = picture.locator("xpath=../div/h4").inner_text()
        assert title in (picture.get_attribute("alt") or "")


def test_a_page_made_of_what_a_newer_server_says_is_still_readable(page: Page) -> None:
    def renew(route: Route) -> None:
        answered: dict[str, Any] = route.fetch().json()
        answered["index"].update(level="quite_low", level_low="quite_low", level_high="quite_low")
        answered["habits"][0].update(evidence_grade="very_fine", new_field=1)
        route.fulfill(json=answered)

    def draft(route: Route) -> None:
        route.fulfill(json={**route.fetch().json(), "translation_reviewed": False})

    page.route("**/assess", renew)
    page.route("**/model", draft)
    open_try(page)
    expect(page.locator(".note").first).to_contain_text("draft that nobody has reviewed")
    go_to(page, 4)
    answer(page, "sitting_hours_per_day", 9)
    expect(page.locator(".result .index")).to_contain_text("open")
    page.locator(".reason summary").first.click()
    expect(page.locator(".reason dd").first).to_have_text("very fine")


def list_names(words: dict[str, Any], prefix: str = "") -> set[str]:
    """The names of all texts; those for one and for more have one name."""
    names: set[str] = set()
    for name, text in words.items():
        if isinstance(text, dict) and "other" not in text:
            names |= list_names(text, f"{prefix}{name}.")
        else:
            names.add(f"{prefix}{name}")
    return names


def test_the_page_says_nothing_but_its_words_and_uses_all_of_them() -> None:
    words = tomllib.loads((PAGES / "words" / "en" / "try.toml").read_text("utf-8"))
    scripts = [path.read_text("utf-8") for path in (PAGES / "assets" / "try").glob("*.js")]
    names, text = list_names(words), "\n".join(scripts)
    said = set(re.findall(r'"([a-z_]+(?:\.[a-z_]+)*)"', text))
    groups = set(re.findall(r"say\(`(\w+)\.\$", text) + re.findall(r'nameValue\("(\w+)"', text))
    assert groups == {"score", "short", "trouble", "plan", "levels", "grades", "claims"}
    unsaid = {name for name in names - said if name.partition(".")[0] not in groups}
    assert unsaid == {"title", "without"}, "the template says these two"
    assert set(re.findall(r'\bsay\(\s*"([\w.]+)"', text)) <= names
    for script in scripts:
        bare = re.sub(r"\$\{[^{}]*\}", "", re.sub(r"/\*.*?\*/", "", script, flags=re.DOTALL))
        assert not re.findall(r">\s*([A-Za-z]+ [a-z]+[^<$`=]*)<", bare)


def test_every_value_that_the_api_may_give_has_a_name() -> None:
    words = tomllib.loads((PAGES / "words" / "en" / "try.toml").read_text("utf-8"))
    schemas = json.loads((ROOT / "openapi" / "openapi.json").read_text("utf-8"))["components"]
    for group, kind in [
        ("levels", "LevelId"),
        ("grades", "EvidenceGrade"),
        ("claims", "ClaimVerdict"),
        ("score", "ScoreStatus"),
        ("short", "ScoreStatus"),
    ]:
        assert set(words[group]) == set(schemas["schemas"][kind]["enum"]), group
