"""The guides: what they say runs, and every number in them is the service's."""

import ast
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from operator import add, mul, neg, pos, sub, truediv
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from browser import DESK, PHONE, Scheme, find_barriers, looking, shoot
from clinic import make_key_text
from conftest import ROOT, Call
from playwright.sync_api import Browser, Locator, Page
from redcap import Project
from serving import PSOAS, Serving, serving

from api.fhir.assessor import MOST_RESPONSES
from api.fhir.cards import INDICATORS
from api.pages.guides import ORDER

pytest_plugins = ["browsing"]

DOCS = ROOT / "docs"
FENCE = re.compile(r"^```(\w[^\n]*)?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NAMED = re.compile(
    r"(?:^Save this as `([\w.-]+)`(?:(?!^```).)*)?^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE
)
"""A fenced block, with the name of the file that it is to be saved as, where it is."""
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


def run_curl(text: str, service: Serving, folder: Path, **environment: str) -> str:
    """What a block of commands writes."""
    return subprocess.run(
        ["bash", "-euc", text],
        cwd=folder,
        env={"SERVICE": service.address, "PATH": os.environ["PATH"], **environment},
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


def run_guide(name: str, service: Serving, folder: Path, **environment: str) -> list[Any]:
    """Run a guide from its beginning to its end: what it says to save is saved, what it shows is compared.

    Gives what the commands answered.
    """
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    said, answers = "", []
    for file, kind, text in NAMED.findall(read_guide(name)):
        if kind == "sh" and text.startswith("SERVICE="):
            assert text == "SERVICE=http://127.0.0.1:8000\n"
        elif kind == "sh":
            said = run_curl(text, service, folder, **environment)
            answers.append(json.loads(said))
        elif file:
            (folder / file).write_text(text, "utf-8")
        elif kind == "json":
            assert is_part(json.loads(text), answers[-1]), text
        else:
            assert (kind, text) == ("text", said)
    return answers


def test_every_call_of_the_fhir_guide_runs_and_gives_what_is_shown(tmp_path: Path) -> None:
    storage = {"data_dir": tmp_path / "data"}
    key = make_key_text(storage, "clinic", "batch")
    with serving(storage, tmp_path / "log") as service:
        plain, newer, results, wrong, *bulk = run_guide("fhir", service, tmp_path, KEY=key)
    assert plain["resourceType"] == newer["resourceType"] == "Questionnaire"
    resources = [entry["resource"] for entry in results["entry"]]
    kinds = [resource["resourceType"] for resource in resources]
    assert kinds == ["Flag", "Observation", "RiskAssessment", *["Observation"] * 6]
    told = read_guide("fhir")
    for kind in {*kinds, wrong["resourceType"]}:
        assert f"`{kind}`" in told
    assert len(wrong["issue"]) == 2
    assert "CarePlan" not in kinds
    plan = next(one for one in resources if one["resourceType"] == "RiskAssessment")
    assert plan["mitigation"]
    assert not any(name.startswith("probability") for name in plan["prediction"][0])
    taken, files, flag, erased = bulk
    assert taken["issue"][0]["severity"] == erased["issue"][0]["severity"] == "information"
    assert files["output"][0]["url"].endswith(f"/fhir/bulk-output/{taken['id']}/Flag")
    assert {**flag, "id": ""} == {**resources[0], "id": ""}


def test_what_the_fhir_guide_says_beside_its_calls_is_so(call: Call) -> None:
    told = read_guide("fhir")
    for form in re.findall(r"`(psoas-risk[\w-]*)` (?:asks|and works|works)", told):
        assert call("GET", f"/fhir/Questionnaire/{form}").status_code == 200
    assert "`psoas-risk-scores`" in told
    forms = call("GET", "/fhir/Questionnaire").json()["entry"]
    assert {entry["resource"]["id"] for entry in forms} == {"psoas-risk", "psoas-risk-scores"}
    for address in (
        *("/fhir/CodeSystem/psoas-risk", "/fhir/CodeSystem/psoas-risk-faults"),
        "/fhir/metadata",
    ):
        assert f"`{address}`" in told
        assert call("GET", address).status_code == 200
    assert f"up to {MOST_RESPONSES} responses" in told


def test_every_call_of_the_guide_to_cards_runs_and_gives_what_is_shown(
    service: Serving, tmp_path: Path
) -> None:
    services, cards, status = run_guide("cds-hooks", service, tmp_path)
    assert "answers" in services["services"][0]["prefetch"]
    assert len(cards["cards"]) == 2
    assert status == 200
    told = read_guide("cds-hooks")
    assert set(re.findall(r"^\| `(\w+)` \|", told, re.MULTILINE)) == set(INDICATORS.values())
    for name in ("uuid", "summary", "indicator", "detail", "source", "links"):
        assert name in cards["cards"][0]
        assert f"`{name}`" in told, name
    calling = json.loads((tmp_path / "call.json").read_text("utf-8"))
    nothing = {**calling, "prefetch": {"answers": None}}
    address = f"{service.address}/cds-services/psoas-habits"
    assert httpx.post(address, json=nothing).json() == {"cards": []}
    calling["prefetch"]["answers"]["item"][0]["linkId"] = "unknown"
    first, last = httpx.post(address, json=calling).json()["cards"]
    assert first["indicator"] == cards["cards"][0]["indicator"]
    assert last["indicator"] == "info"


# Answers that are collected in REDCap


def test_every_command_of_the_redcap_guide_runs_and_says_what_is_shown(tmp_path: Path) -> None:
    said, compared = "", 0
    for file, kind, text in NAMED.findall(read_guide("redcap")):
        if kind == "sh":
            done = subprocess.run(
                ["bash", "-euc", text.replace(".venv/bin/psoas", str(PSOAS))],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=True,
            )
            said = done.stdout + done.stderr
        elif file:
            (tmp_path / file).write_text(text, "utf-8")
        else:
            assert kind == "text"
            assert text.strip() in said.replace("\r\n", "\n")
            compared += 1
    assert compared == 4
    with (tmp_path / "dictionary.csv").open(encoding="utf-8", newline="") as file:
        project = Project(file.read())
    assert len(project.take_in((tmp_path / "import.csv").read_text("utf-8"))) == 4


def test_the_redcap_guide_reads_an_export_as_it_says(call: Call) -> None:
    text, questions = read_guide("redcap"), call("GET", "/questionnaire").json()["sections"]
    asked = {one["id"]: one for section in questions for one in section["questions"]}
    for name in ("lumbar_support", "record_id", "pain_sites___groin", "psoas_safety_action"):
        assert f"`{name}`" in text
    assert f"`{asked['runs']['ask']}`" in text
    assert {"id": "always", "label": "Always"} in asked["lumbar_support"]["options"]
