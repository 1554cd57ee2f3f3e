"""`/try`: the questionnaire filled in by people, by mouse and by keys, on a desk and on a phone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import DESK, PHONE, Scheme, Seen, find_barriers, looking, shoot
from people import E01
from playwright.sync_api import Browser, Page, Route, expect
from serving import Serving, serving
from trying import (
    Questionnaire,
    answer,
    answer_all,
    count_pages,
    expect_index,
    go_to,
    open_try,
    press_answer,
    press_to,
    read_band,
)

pytest_plugins = ["browsing"]

EMERGENCY = "saddle_numbness"


@pytest.fixture(scope="module")
def asked(service: Serving) -> Questionnaire:
    return Questionnaire(service)


@pytest.fixture
def desk(chromium: Browser, service: Serving) -> Iterator[tuple[Page, Seen]]:
    """A window on a desk; whatever a test did, nothing was in error and nothing was asked of elsewhere."""
    with looking(chromium, service.address, DESK) as (_, page, seen):
        yield page, seen
        assert seen.errors == []
        assert seen.foreign == []


def test_keys_alone_lead_from_the_first_tab_to_the_result(
    desk: tuple[Page, Seen], asked: Questionnaire
) -> None:
    page, _ = desk
    open_try(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    for place, section in enumerate(asked.sections):
        expect(page.locator("#section")).to_contain_text(section["name"])
        if place:
            assert page.evaluate("document.activeElement.id") == "section"
        for question in section["questions"]:
            if question["id"] in E01:
                press_answer(page, question, E01[question["id"]])
        if section["id"] in ("red_flags", "conditions"):
            press_to(page, ".deny button")
            page.keyboard.press("Enter")
        press_to(page, ".ways button:last-child")
        page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "result"
    expect_index(page, "58.5, high")
    expect(page.locator(".safety")).to_contain_text("No warning sign was reported")
    press_to(page, ".plan .routine summary")
    page.keyboard.press("Enter")
    expect(page.locator(".plan .routine details[open] li").first).to_be_visible()
    press_to(page, ".rest > p > button")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_a_filled_in_form_and_its_result_keep_nobody_out(
    chromium: Browser, service: Serving, asked: Questionnaire, width: int, scheme: Scheme
) -> None:
    name = f"try-{width}-{scheme}"
    with looking(chromium, service.address, width, scheme) as (_, page, seen):
        open_try(page)
        shoot(page, f"{name}-1-open")
        answer_all(page, asked, {"sitting_hours_per_day": 9, "usual_sitting_bout_minutes": 90})
        page.fill("#answer-driving_hours_per_day", "99")
        page.locator("#answer-driving_hours_per_day").blur()
        check_look(page, f"{name}-2-begun", width)
        answer_all(page, asked, E01)
        expect_index(page, "58.5, high")
        for folded in page.locator(".rest summary").all():
            folded.click()
        check_look(page, f"{name}-3-whole", width)
        answer_all(page, asked, {EMERGENCY: True})
        expect(page.locator(".safety.urgent")).to_be_visible()
        check_look(page, f"{name}-4-emergency", width)
        assert seen.errors == []
        assert seen.foreign == []


def check_look(page: Page, name: str, width: int) -> None:
    """Look at the page as it is now, once its pictures have come to rest."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)
    shoot(page, name)
    across: Any = page.evaluate("document.documentElement.scrollWidth")
    assert across <= width, "the page is wider than the screen"
    assert find_barriers(page) == []


def test_what_is_touched_on_a_phone_is_large_enough(
    chromium: Browser, service: Serving, asked: Questionnaire
) -> None:
    with looking(chromium, service.address, PHONE) as (_, page, _seen):
        open_try(page)
        for place in range(len(asked.sections)):
            go_to(page, place)
            for folded in page.locator("form.section summary").all():
                folded.click()
            touched = page.locator(".desk button:visible, .option:visible, .typed input, summary")
            for control in touched.all():
                box = control.bounding_box()
                assert box, control
                assert box["height"] >= 44, (control.inner_text(), box)


def test_running_questions_are_left_out_once_somebody_does_not_run(
    desk: tuple[Page, Seen], asked: Questionnaire
) -> None:
    page, _ = desk
    sent = open_try(page)
    distance = page.locator("#question-running_km_per_week")
    answer_all(page, asked, {"running_km_per_week": 20})
    assert sent[-1]["answers"] == {"running_km_per_week": 20}
    answer(page, "runs", False)
    expect(distance).to_have_count(0)
    assert sent[-1]["answers"] == {"runs": False}
    answer(page, "runs", True)
    expect(distance.locator("input")).to_have_value("20")
    assert sent[-1]["answers"] == {"runs": True, "running_km_per_week": 20}
    expect(page.locator(".fault:visible")).to_have_count(0)


def test_an_emergency_comes_before_everything_and_holds_routines_and_levers_back(
    desk: tuple[Page, Seen], asked: Questionnaire
) -> None:
    page, _ = desk
    open_try(page)
    answer_all(page, asked, E01)
    expect(page.locator(".plan .routine")).not_to_have_count(0)
    expect(page.locator("#levers")).to_have_count(1)
    go_to(page, asked.find_section(EMERGENCY))
    answer(page, EMERGENCY, True)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Please get help now")
    expect(alert).to_contain_text(asked.questions[EMERGENCY]["label"])
    expect(alert).to_be_in_viewport()
    assert page.evaluate(
        """() => document.querySelector('[role=alert]').compareDocumentPosition(
            document.querySelector('.desk')) & Node.DOCUMENT_POSITION_FOLLOWING"""
    )
    for gone in (".routine", "#levers", ".next"):
        expect(page.locator(gone)).to_have_count(0)
    expect(page.locator(".plan")).to_contain_text("No routines are shown now")
    assert "58.5" in page.locator(".result .index").inner_text()
    page.locator(f"#question-{EMERGENCY} .back").click()
    expect(alert).to_be_empty()
    expect(page.locator(".plan .routine")).not_to_have_count(0)


@pytest.mark.parametrize("server", ["away", "slow"])
def test_a_sign_is_told_by_its_rule_while_the_server_gives_no_result(
    chromium: Browser, service: Serving, asked: Questionnaire, server: str
) -> None:
    with looking(chromium, service.address, PHONE) as (_, page, seen):
        open_try(page)
        answer_all(page, asked, E01)
        waiting: list[Route] = []
        gives_results = False

        def respond(route: Route) -> None:
            if gives_results:
                route.continue_()
            elif server == "slow":
                waiting.append(route)
            else:
                route.abort()

        page.route("**/assess", respond)
        go_to(page, asked.find_section(EMERGENCY))
        page.locator("#question-not_improving_6_weeks input[value=true]").check()
        expect(page.locator(".safety.notice")).to_contain_text("within two weeks")
        page.locator(f"#question-{EMERGENCY} input[value=true]").check()
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("Please get help now")
        expect(alert).to_contain_text(asked.questions[EMERGENCY]["label"])
        expect(alert).to_be_in_viewport()
        assert find_barriers(page) == []
        shoot(page, f"try-sign-{server}")
        for gone in (".routine", ".plan", "#levers", ".next"):
            expect(page.locator(gone)).to_have_count(0)
        page.emulate_media(media="print")
        expect(page.locator(".paper .first")).to_contain_text("Please get help now")
        page.emulate_media(media="screen")
        gives_results = True
        for route in waiting:
            route.continue_()
        if server == "away":
            page.locator(".trouble button").click()
        expect(page.locator(".plan")).to_contain_text("No routines are shown now")
        expect(alert).to_contain_text("Please get help now")
        assert seen.foreign == []


def test_a_plan_that_knows_nothing_of_a_circumstance_is_not_shown(
    chromium: Browser, service: Serving, asked: Questionnaire
) -> None:
    with looking(chromium, service.address) as (_, page, _seen):
        open_try(page)
        answer_all(page, asked, E01)
        expect(page.locator(".screen .plan")).to_be_visible()
        page.route("**/assess", lambda route: route.abort())
        go_to(page, asked.find_section("pregnant"))
        page.locator("#question-pregnant input[value=true]").check()
        expect(page.locator(".trouble")).to_contain_text("cannot be reached")
        expect(page.locator(".routine")).to_have_count(0)
        page.unroute("**/assess")
        page.locator(".trouble button").press("Enter")
        expect(page.locator(".screen .plan")).to_be_visible()
        expect(page.locator("#result")).to_be_focused()


def test_the_text_about_safety_is_not_read_out_again_after_every_answer(
    desk: tuple[Page, Seen], asked: Questionnaire
) -> None:
    page, _ = desk
    open_try(page)
    first, second, *_ = (question["id"] for question in asked.sections[1]["questions"])
    answer_all(page, asked, {first: False})
    left = page.locator(".safety button").inner_text()
    page.evaluate(
        """() => {
          window.read = 0;
          const count = () => { window.read += 1; };
          const all = {subtree: true, childList: true, characterData: true};
          for (const live of document.querySelectorAll(".safety [role]"))
            new MutationObserver(count).observe(live, all);
        }"""
    )
    answer_all(page, asked, {second: False})
    expect(page.locator(".safety button")).not_to_have_text(left)
    assert page.evaluate("window.read") == 0
    answer_all(page, asked, {EMERGENCY: True})
    expect(page.get_by_role("alert")).to_contain_text("Please get help now")
    assert page.evaluate("window.read") > 0


def test_on_a_page_in_another_language_warnings_are_marked_as_english(
    chromium: Browser, tmp_path: Path
) -> None:
    storage = {"data_dir": tmp_path / "data"}
    with serving(storage, tmp_path / "log", unreviewed_languages="es") as spanish:
        asked = Questionnaire(spanish)
        with looking(chromium, spanish.address, locale="es") as (_, page, seen):
            open_try(page)
            assert page.evaluate("document.documentElement.lang") == "es"
            go_to(page, asked.find_section("sitting_hours_per_day"))
            page.fill("#answer-sitting_hours_per_day", "9")
            go_to(page, asked.find_section(EMERGENCY))
            safety = page.locator(".safety .first")
            expect(safety).to_contain_text("Not every safety question")
            expect(safety).to_have_attribute("lang", "en")
            sign = page.get_by_text(asked.questions[EMERGENCY]["ask"])
            expect(sign).to_have_attribute("lang", "en")
            expect(page.locator("#section span")).to_have_attribute("lang", "en")
            stops = page.locator(".screen .routine ul")
            expect(stops.first).to_have_attribute("lang", "en")
            go_to(page, asked.find_section("sitting_hours_per_day"))
            sitting = page.locator("#question-sitting_hours_per_day label")
            expect(sitting).to_have_attribute("lang", "es")
            shoot(page, "try-spanish")
            assert seen.errors == []


def test_no_to_all_is_about_what_is_open_and_every_answer_can_be_changed_or_taken_back(
    desk: tuple[Page, Seen], asked: Questionnaire
) -> None:
    page, _ = desk
    sent = open_try(page)
    flags = [question["id"] for question in asked.sections[1]["questions"]]
    yes, other = "not_improving_6_weeks", flags[3]
    answer_all(page, asked, {yes: True})
    assert sent[-1] == {"answers": {}, "red_flags": {yes: True}}, "what is open is not sent"
    with page.expect_response("**/assess"):
        page.locator(".deny button").click()
    assert sent[-1]["red_flags"] == {flag: flag == yes for flag in flags}
    expect(page.locator(".question")).to_have_count(len(flags))
    expect(page.locator(".deny")).to_have_count(0)
    with page.expect_response("**/assess"):
        page.locator(f"#question-{other} .back").click()
    assert other not in sent[-1]["red_flags"]
    assert page.evaluate("document.activeElement.name") == other
    expect(page.locator(f"#question-{other} :checked")).to_have_count(0)
    expect(page.locator(".safety button")).to_contain_text("still open")


def test_several_things_are_chosen_or_none_of_them_or_left_open(
    desk: tuple[Page, Seen], asked: Questionnaire
) -> None:
    page, _ = desk
    sent = open_try(page)
    box = "#question-equipment input[value='{}']"
    answer_all(page, asked, {"equipment": "mat"})
    answer(page, "equipment", "chair")
    assert sent[-1]["plan"] == {"equipment": ["chair", "mat"]}
    answer(page, "equipment", "")
    assert sent[-1]["plan"] == {"equipment": []}
    expect(page.locator(box.format("mat"))).not_to_be_checked()
    answer(page, "minutes_per_day", 10)
    with page.expect_response("**/assess"):
        page.locator(box.format("")).uncheck()
    assert sent[-1]["plan"] == {"minutes_per_day": 10}


def test_what_cannot_be_used_is_pointed_out_kindly_and_never_sent(
    desk: tuple[Page, Seen], asked: Questionnaire
) -> None:
    page, _ = desk
    sent = open_try(page)
    go_to(page, asked.find_section("carry_load_kg"))
    field = page.locator("#answer-carry_load_kg")
    fault = page.locator("#fault-carry_load_kg")
    for typed, said in [
        ("999", "0 to 80 kilograms"),
        ("-1", "0 to 80 kilograms"),
        ("a lot", "Please write a number"),
        ("1.000", "two ways"),
    ]:
        field.fill(typed)
        field.blur()
        expect(fault).to_contain_text(said)
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_value(typed)
    assert sent == []
    answer(page, "carry_load_kg", "7,5")
    assert sent[-1]["answers"] == {"carry_load_kg": 7.5}
    expect(fault).to_be_empty()
    expect(field).to_have_attribute("aria-invalid", "false")
    field.fill("75 kg")
    field.blur()
    expect(page.locator(".result")).to_contain_text("with your first answer")
    go_to(page, 0)
    page.fill("#answer-age_years", "42.5")
    page.locator("#answer-age_years").blur()
    expect(page.locator("#fault-age_years")).to_contain_text("whole number: 18 to 110 years")


def test_the_interval_narrows_as_answers_come_and_the_next_question_is_a_step_away(
    desk: tuple[Page, Seen], asked: Questionnaire
) -> None:
    page, _ = desk
    open_try(page)
    answer_all(page, asked, {"sitting_hours_per_day": 9})
    widths = [high - low for low, high in [read_band(page)]]
    page.locator(".next button").click()
    named = page.evaluate("document.activeElement.name")
    assert named in E01
    answer(page, named, E01[named])
    expect(page.locator(".narrow span")).to_contain_text("narrowed it by")
    for habit in ("slouched", "fetal", "one_leg", "runs"):
        answer_all(page, asked, {name: E01[name] for name in E01 if name.startswith(habit)})
        low, high = read_band(page)
        widths.append(high - low)
    answer_all(page, asked, E01)
    expect_index(page, "58.5, high")
    expect(page.locator(".next")).to_contain_text("decided: high")
    assert widths == sorted(widths, reverse=True), widths
    assert widths[0] > widths[-1] > 0


def test_before_any_answer_the_questions_themselves_are_printed(desk: tuple[Page, Seen]) -> None:
    page, _ = desk
    open_try(page)
    page.emulate_media(media="print")
    expect(page.locator("form.section")).to_be_visible()


@pytest.mark.parametrize("safety", ["left open", "no to all", "an emergency"])
def test_it_prints_on_one_page(desk: tuple[Page, Seen], asked: Questionnaire, safety: str) -> None:
    page, _ = desk
    open_try(page)
    answer_all(page, asked, E01)
    if safety == "no to all":  # the longest plan there is: with the self-massage
        for part in (1, 2):
            go_to(page, part)
            page.locator(".deny button").click()
        answer_all(page, asked, {"minutes_per_day": 120, "deep_pressure_opt_in": True})
        go_to(page, asked.find_section("equipment"))
        for box in page.locator("#question-equipment input:not([value=''])").all():
            box.check()
        answer_all(page, asked, {"runs": True, "running_km_per_week": 60})
        expect(page.locator(".plan")).to_contain_text("Self-massage")
    elif safety == "an emergency":
        answer_all(page, asked, {EMERGENCY: True})
    page.wait_for_load_state("networkidle")
    assert count_pages(page.pdf(prefer_css_page_size=True)) == 1
    page.emulate_media(media="print")
    shoot(page, f"try-paper-{safety.replace(' ', '-')}")
    paper = page.locator(".paper")
    expect(paper).to_contain_text(page.evaluate("new Date().getFullYear().toString()"))
    expect(paper.locator("svg")).to_have_count(6)
    expect(paper.locator(".routine")).to_have_count(page.locator(".screen .routine").count())
    expect(page.locator("form.section")).to_be_hidden()
