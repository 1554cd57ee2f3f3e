"""The guides: what they say runs, and every number in them is the service's."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from operator import add, mul, neg, pos, sub, truediv
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from browser import DESK, PHONE, Scheme, find_barriers, looking, shoot
from conftest import ROOT, Call
from playwright.sync_api import Browser, Locator, Page
from serving import Serving

from api.pages.guides import ORDER

pytest_plugins = ["browsing"]

DOCS = ROOT / "docs"
FENCE = re.compile(r"^```(\w[^\n]*)?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
OPERATIONS: Mapping[type[ast.AST], Callable[..., float]] = {
    ast.Add: add,
    ast.Sub: sub,
    ast.Mult: mul,
    ast.Div: truediv,
    ast.USub: neg,
    ast.UAdd: pos,
}
SIGNS = str.maketrans(
    {"\N{MINUS SIGN}": "-", "\N{MULTIPLICATION SIGN}": "*", "\N{DIVISION SIGN}": "/"}
)
"""Signs as they are printed, and as they are typed."""


def read_guide(name: str) -> str:
    return (DOCS / f"{name}.md").read_text("utf-8")


def read_blocks(name: str) -> list[tuple[str, str]]:
    """The fenced blocks of a guide: their kind and text."""
    return [(kind or "", text) for kind, text in FENCE.findall(read_guide(name))]


def is_part(shown: object, whole: object) -> bool:
    """Whether what is shown is a part of the whole; entries of a list may be left out, but keep their order."""
    if isinstance(shown, dict) and isinstance(whole, dict):
        return all(name in whole and is_part(part, whole[name]) for name, part in shown.items())
    if isinstance(shown, list) and isinstance(whole, list):
        rest = iter(whole)
        return (shown != [] or whole == []) and all(
            any(is_part(part, entry) for entry in rest) for part in shown
        )
    return shown == whole and isinstance(shown, bool) == isinstance(whole, bool)


def test_a_part_is_told_from_what_is_no_part() -> None:
    whole = {"a": [{"b": 1, "c": 2}, {"b": 3}], "d": [], "e": None}
    parts = '{} {"a":[{"b":3}]} {"a":[{"c":2},{"b":3}]} {"d":[]} {"e":null}'
    others = '{"a":[]} {"a":[{"b":3},{"b":1}]} {"d":[1]} {"f":null} {"e":false} {"a":[{"b":true}]}'
    assert all(is_part(json.loads(shown), whole) for shown in parts.split())
    assert not any(is_part(json.loads(shown), whole) for shown in others.split())


@pytest.mark.parametrize("name", ORDER)
def test_a_page_shows_neither_comments_nor_marks_of_markdown(call: Call, name: str) -> None:
    text = re.sub(
        r"<pre.*?</pre>|<code>.*?</code>", "", call("GET", f"/guides/{name}").text, flags=re.DOTALL
    )
    for mark in ("&lt;!--", "**", "](", "```", "| --", "|--"):
        assert mark not in text, mark


# What a mobile app is told


def run_curl(text: str, service: Serving, folder: Path) -> str:
    """What a block of commands writes."""
    return subprocess.run(
        ["bash", "-euc", text],
        cwd=folder,
        env={"SERVICE": service.address, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_every_call_of_the_mobile_guide_runs_and_gives_what_is_shown(
    service: Serving, tmp_path: Path
) -> None:
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    said, calls, compared = "", 0, 0
    for kind, text in read_blocks("mobile-app"):
        if kind == "sh" and text.startswith("SERVICE="):
            assert text == "SERVICE=http://127.0.0.1:8000\n"
        elif kind == "sh":
            said = run_curl(text, service, tmp_path)
            calls += text.count("curl ")
        elif kind == "json":
            assert is_part(json.loads(text), json.loads(said)), text
            compared += 1
        else:
            assert (kind, text) == ("text", said)
            compared += 1
    assert calls >= 6
    assert compared >= 6
    for name in ("questions.json", "questions.etag"):
        assert (tmp_path / name).stat().st_size


def test_the_mobile_guide_names_every_kind_of_answer_and_every_part(call: Call) -> None:
    text = read_guide("mobile-app")
    sections = call("GET", "/questionnaire").json()["sections"]
    kinds = {question["answer"] for section in sections for question in section["questions"]}
    for name in kinds | {section["part"] for section in sections}:
        assert f"`{name}`" in text, name


def test_the_statuses_of_the_mobile_guide_are_those_of_the_description(call: Call) -> None:
    told = {int(status) for status in re.findall(r"\b(4\d\d|5\d\d)\b", read_guide("mobile-app"))}
    operation = call("GET", "/openapi.json").json()["paths"]["/assess"]["post"]
    described = {int(status) for status in operation["responses"] if status.startswith(("4", "5"))}
    assert described <= told


def test_a_routine_in_the_list_may_name_its_drawing(call: Call) -> None:
    routines = call("GET", "/routines").json()["routines"]
    drawings = [routine["drawing"] for routine in routines]
    assert any(drawings)
    for address in filter(None, drawings[:3]):
        assert call("GET", address).headers["content-type"].startswith("image/svg+xml")


# A score by pencil


def read_pencil() -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    """The answers of the guide, and its sums by part and line, signs as they are typed."""
    (text,) = (text for kind, text in read_blocks("understand-a-score") if kind == "live pencil")
    parts = [part.splitlines() for part in text.translate(SIGNS).strip().split("\n\n")]
    (title, *lines), *others = parts
    assert title == "Answers"
    answers = dict(line.strip().split(" = ") for line in lines)
    sums = {
        title: dict(cast("tuple[str, str]", line.strip().split(": ")) for line in lines)
        for title, *lines in others
    }
    return {name: json.loads(answer) for name, answer in answers.items()}, sums


def work_out(text: str) -> float:
    """A sum as it is written with a pencil."""

    def value(node: ast.AST) -> float:
        if isinstance(node, ast.Constant):
            return float(cast("float", node.value))
        if isinstance(node, ast.UnaryOp):
            return OPERATIONS[type(node.op)](value(node.operand))
        assert isinstance(node, ast.BinOp)
        return OPERATIONS[type(node.op)](value(node.left), value(node.right))

    return value(ast.parse(text.translate(SIGNS).strip(), mode="eval").body)


def take_result(line: str) -> float:
    """The result of a sum, after working it out."""
    written, result = line.rsplit(" = ", 1)
    assert work_out(written) == pytest.approx(work_out(result), abs=1e-9), line
    return work_out(result)


def test_every_sum_of_the_pencil_is_what_the_service_says(call: Call) -> None:
    answers, sums = read_pencil()
    got = call("POST", "/assess", json={"answers": answers}).json()
    assert got["index"]["status"] == "complete"
    for habit in got["habits"]:
        lines = dict(sums.pop(habit["name"]))
        names = call("GET", f"/model/habits/{habit['id']}").json()["components"]
        for component, named in zip(habit["components"], names, strict=True):
            assert take_result(lines.pop(named["name"])) == component["points"]
        written = [work_out(part) for part in re.findall(r"(?:^|[-+] ?)[\d.]+", lines["Score"])]
        points = [component["points"] for component in habit["components"]]
        assert written[: len(points)] == points
        assert take_result(lines.pop("Score")) == habit["score"]
        assert not lines
    index = sums.pop("Index")
    assert not sums
    check_index(index, got, call("GET", "/model").json())


def check_index(lines: dict[str, str], got: dict[str, Any], model: dict[str, Any]) -> None:
    mean = sum(habit["weight"] * habit["score"] for habit in got["habits"]) / 100
    products = [f"{habit['weight']:g} * {habit['score']:g}" for habit in got["habits"]]
    assert lines["Mean"].startswith(f"({' + '.join(products)}) / 100 =")
    assert take_result(lines["Mean"]) == pytest.approx(mean)
    setting = {habit["id"] for habit in model["habits"] if habit["sets_floor"]}
    highest = max(habit["score"] for habit in got["habits"] if habit["id"] in setting)
    margin = model["index"]["margin_below_floor"]
    assert lines["Floor"].startswith(f"{highest:g} - {margin:g} =")
    assert take_result(lines["Floor"]) == highest - margin
    assert float(lines["Index, the greater of the two"]) == got["index"]["score"]


def test_the_words_around_the_sums_are_right_as_well(call: Call) -> None:
    text = read_guide("understand-a-score")
    answers, _ = read_pencil()
    got = call("POST", "/assess", json={"answers": answers}).json()
    for habit in got["habits"]:
        link = f"**[{habit['name']}](/model/habits/{habit['id']}): {habit['score']:g}.**"
        assert link in text
        weight = f"{habit['weight']:g} for "
        assert weight in text
    del answers["usual_sitting_bout_minutes"]
    sitting = call("POST", "/assess", json={"answers": answers}).json()["habits"][0]
    for end in ("low", "high", "score"):
        row = re.search(rf"^\| `{end}` \| ([^|]*) \|", text, re.MULTILINE)
        assert row
        assert take_result(row[1]) == sitting[end]
    assert (sitting["level_low"], sitting["level_high"]) == ("high", "very_high")
    for level in call("GET", "/model").json()["levels"]:
        assert re.search(rf"(Below 25 is|from {level['from']:g}) `{level['id']}`", text)


def test_a_script_takes_the_answers_out_of_the_page(call: Call) -> None:
    page = call("GET", "/guides/understand-a-score").text
    assert '<div class="live" data-live="pencil"><pre' in page
    words = re.search(r'<script type="application/json" id="words">(.*?)</script>', page)
    assert words
    assert json.loads(words[1])["level"]["very_high"]


def read_row(row: Locator) -> tuple[str, float]:
    """What a line of the live sums says, and its number."""
    cells = row.locator("> *")
    number = cells.nth(1).inner_text().split()[0].translate(SIGNS)
    return cells.nth(0).inner_text(), float(number)


def check_live_sums(page: Page, got: dict[str, Any]) -> None:
    """Whether the page shows the points, sums and scores of an assessment."""
    for habit in got["habits"]:
        card = page.locator(f"[data-habit={habit['id']}]")
        rows = [read_row(row) for row in card.locator("[data-component]").all()]
        assert rows == [(part["text"], part["points"]) for part in habit["components"] or []]
        if habit["score"] is not None:
            assert read_row(card.locator("[data-sum=score]"))[1] == habit["score"]
        if habit["low"] != habit["high"]:
            assert f"between {habit['low']:g} and {habit['high']:g}" in card.inner_text()
    index = page.locator("[data-habit=index]")
    if got["index"]["score"] is None:
        assert "No index yet" in index.inner_text()
        return
    sums = {
        name: read_row(index.locator(f"[data-sum={name}]")) for name in ("mean", "floor", "index")
    }
    for name in ("mean", "floor"):
        written, number = sums[name]
        assert work_out(written.splitlines()[-1]) == pytest.approx(number, abs=0.0006)
    assert sums["index"][1] == got["index"]["score"]
    assert max(sums["mean"][1], sums["floor"][1]) == pytest.approx(sums["index"][1], abs=0.051)


@pytest.mark.parametrize(("width", "scheme"), [(PHONE, "dark"), (DESK, "light")])
def test_the_live_sums_follow_each_change_and_agree_with_the_service(
    chromium: Browser, service: Serving, width: int, scheme: Scheme
) -> None:
    answers, _ = read_pencil()

    def assess() -> dict[str, Any]:
        answered = httpx.post(f"{service.address}/assess", json={"answers": answers})
        return cast("dict[str, Any]", answered.json())

    with looking(chromium, service.address, width, scheme) as (_, page, seen):
        page.goto("/guides/understand-a-score")
        status = page.get_by_role("status")
        status.get_by_text("Index 58.5, high.").wait_for()
        check_live_sums(page, assess())
        hours = page.get_by_label("hours of sitting", exact=True)
        hours.fill("6.3")
        answers["sitting_hours_per_day"] = 6.3
        index = assess()["index"]["score"]
        status.get_by_text(f"Index {index:g},").wait_for()
        check_live_sums(page, assess())
        page.get_by_label("Support for the small of the back").select_option(label="Not answered")
        del answers["lumbar_support"]
        page.locator("[data-habit=slouching]").get_by_text("It lies between").wait_for()
        check_live_sums(page, assess())
        shoot(page, f"pencil-changed-{width}-{scheme}")
        assert find_barriers(page) == []
        page.get_by_role("button", name="Take all answers away").click()
        status.get_by_text("Index between 0 and 100.").wait_for()
        answers.clear()
        check_live_sums(page, assess())
        page.get_by_role("button", name="Put her answers back").click()
        status.get_by_text("Index 58.5, high.").wait_for()
        assert hours.input_value() == "9"
        across: Any = page.evaluate("document.documentElement.scrollWidth")
        assert across <= width
        assert seen.errors == []
        assert seen.foreign == []


def test_the_live_sums_ask_running_questions_of_runners_and_mark_what_does_not_fit(
    chromium: Browser, service: Serving
) -> None:
    with looking(chromium, service.address, PHONE) as (_, page, seen):
        page.goto("/guides/understand-a-score")
        status = page.get_by_role("status")
        status.get_by_text("Index 58.5, high.").wait_for()
        distance = page.get_by_label("Weekly running distance")
        assert distance.count() == 0
        page.get_by_label("Running at all").select_option(label="Yes")
        distance.fill("400")
        status.get_by_text("please look at the marked answers").wait_for()
        assert distance.get_attribute("aria-invalid") == "true"
        named = (distance.get_attribute("aria-describedby") or "").split()
        described = " ".join(page.locator(f"#{hint}").inner_text() for hint in named)
        assert "must be a number of kilometres a week, 0 to 300" in described
        shoot(page, "pencil-fault")
        distance.fill("70")
        page.locator("[data-habit=heavy_running] [data-component=volume]").get_by_text(
            "gave 40 points"
        ).wait_for()
        assert distance.get_attribute("aria-invalid") == "false"
        assert all("422" in error for error in seen.errors)
        page.route("**/assess", lambda route: route.abort())
        distance.fill("60")
        status.get_by_text("The service could not be asked just now.").wait_for()


def test_a_decimal_comma_is_a_decimal_comma_in_the_live_sums(
    chromium: Browser, service: Serving
) -> None:
    with looking(chromium, service.address) as (_, page, seen):
        page.goto("/guides/understand-a-score")
        status = page.get_by_role("status")
        status.get_by_text("Index 58.5, high.").wait_for()
        hours = page.get_by_label("hours of sitting", exact=True)
        hours.press("Control+a")
        hours.press_sequentially("1,5")
        sitting = page.locator("[data-habit=prolonged_sitting] [data-component=volume]")
        sitting.get_by_text("1.5 hours").wait_for()
        hours.fill("nine")
        page.get_by_text("This needs to be a number.").wait_for()
        assert hours.get_attribute("aria-invalid") == "true"
        assert seen.errors == []


def test_without_scripts_the_sums_are_there_to_be_read(chromium: Browser, service: Serving) -> None:
    with looking(chromium, service.address, java_script_enabled=False) as (_, page, _seen):
        page.goto("/guides/understand-a-score")
        sums = page.locator(".live pre").inner_text().translate(SIGNS)
        assert "15 * (8 - 4) + 5 * (9 - 8) = 65" in sums


# Answers that are kept in FHIR


@pytest.fixture(scope="module")
def fhir() -> dict[str, str]:
    """The answers, the script and the result in the guide, as text."""
    blocks = read_blocks("fhir")
    sent, shown = (text for kind, text in blocks if kind == "json")
    (script,) = (text for kind, text in blocks if kind == "python")
    return {"sent": sent, "shown": shown, "script": script}


def run_script(
    script: str, response: object, service: Serving, folder: Path
) -> subprocess.CompletedProcess[str]:
    (folder / "assess_response.py").write_text(script, "utf-8")
    (folder / "response.json").write_text(json.dumps(response), "utf-8")
    return subprocess.run(
        [sys.executable, "assess_response.py", service.address, "response.json"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_script_turns_a_response_into_an_observation(
    fhir: dict[str, str], service: Serving, tmp_path: Path
) -> None:
    done = run_script(fhir["script"], json.loads(fhir["sent"]), service, tmp_path)
    assert done.returncode == 0, done.stderr
    observation = json.loads(done.stdout)
    assert is_part(json.loads(fhir["shown"]), observation)
    answers = {
        "sitting_hours_per_day": 9,
        "usual_sitting_bout_minutes": 90,
        "slouched_hours_per_day": 4,
        "lumbar_support": "never",
        "runs": False,
    }
    body = {"answers": answers, "red_flags": {"saddle_numbness": False}}
    got = httpx.post(f"{service.address}/assess", json=body).json()
    numbers = {
        part["code"]["coding"][0]["code"]: part.get("valueQuantity", {}).get("value")
        for part in observation["component"]
    }
    for habit in got["habits"]:
        assert numbers[habit["id"]] == habit["score"]
        assert numbers[f"{habit['id']}_low"] == habit["low"]
        assert numbers[f"{habit['id']}_high"] == habit["high"]
    assert (numbers["index_low"], numbers["index_high"]) == (
        got["index"]["low"],
        got["index"]["high"],
    )
    assert got["safety"]["text"] in done.stderr
    assert got["safety"]["text"] in observation["note"][0]["text"]
    assert ("valueQuantity" in observation) != ("dataAbsentReason" in observation)


def test_the_script_tells_an_index_where_there_is_one(
    fhir: dict[str, str], service: Serving, tmp_path: Path
) -> None:
    answers, _ = read_pencil()
    kinds = {bool: "valueBoolean", int: "valueInteger", float: "valueDecimal"}
    items = [
        {
            "linkId": name,
            "answer": [
                {"valueCoding": {"code": answer}}
                if isinstance(answer, str)
                else {kinds[type(answer)]: answer}
            ],
        }
        for name, answer in answers.items()
    ]
    sites = [{"valueCoding": {"code": code}} for code in ("groin", "thigh")]
    nested = {"linkId": "text-of-yours", "answer": [{"valueString": "yes", "item": items[2:]}]}
    several = {"linkId": "pain_sites", "answer": sites}
    response = {
        "resourceType": "QuestionnaireResponse",
        "status": "amended",
        "item": [*items[:2], nested, several],
    }
    done = run_script(fhir["script"], response, service, tmp_path)
    assert done.returncode == 0, done.stderr
    observation = json.loads(done.stdout)
    assert observation["valueQuantity"]["value"] == 58.5
    assert observation["interpretation"][0]["coding"][0]["code"] == "high"
    assert "passed over: text-of-yours" in done.stderr


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"valueDecimal": 25}, "sitting_hours_per_day: must be a number of hours a day, 0 to 20"),
        ({"valueQuantity": {"value": 90, "code": "min"}}, "the unit must be h/d"),
        ({"valueString": "eight"}, "sitting_hours_per_day: must be a number"),
    ],
)
def test_the_script_names_what_does_not_fit(
    fhir: dict[str, str], service: Serving, tmp_path: Path, item: dict[str, Any], said: str
) -> None:
    items = [{"linkId": "sitting_hours_per_day", "answer": [item]}]
    done = run_script(fhir["script"], {"status": "completed", "item": items}, service, tmp_path)
    assert done.returncode == 1
    assert said in done.stderr
    assert not done.stdout


def test_the_script_leaves_a_response_alone_that_does_not_count(
    fhir: dict[str, str], service: Serving, tmp_path: Path
) -> None:
    response = json.loads(fhir["sent"]) | {"status": "entered-in-error"}
    done = run_script(fhir["script"], response, service, tmp_path)
    assert done.returncode == 1
    assert not done.stdout
