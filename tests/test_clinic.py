"""The clinician's page: from a file on the desk to scores and rejects, with real presses of keys and buttons."""

import gzip
import hashlib
import json
import os
import re
import signal
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import polars as pl
import pytest
from backports import zstd
from browser import DESK, PHONE, Scheme, Seen, find_barriers, looking, shoot
from clinic import make_key_text
from conftest import SOAK
from playwright.sync_api import Browser, Locator, Page, Route, expect
from serving import Serving, name_command, name_settings, psoas, serving
from xlsxwriter import Workbook  # type: ignore[import-untyped]

pytest_plugins = ["browsing"]
expect.set_options(timeout=20_000)

PEOPLE = """record_id,sitting_hours_per_day,usual_siting_bout_minutes,runs,saddle_numbness,slouch,seat
A-1,9,90,no,no,240,1
A-2,26,30,no,no,60,2
A-3,7.5,20,no,yes,120,3
A-4,6,45,no,,7777,1
A-5,5,,perhaps,no,30,2
"""
"""Five people; two rows cannot be scored, one calls for help, one column is misspelt."""
LONGEST_TASK = 1_000
"""Milliseconds for which the page may do nothing else; a page that reads a file whole is away for far longer."""
WATCH_TASKS = """
window.longest = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.longest = Math.max(window.longest, entry.duration);
}).observe({entryTypes: ["longtask"]});
"""


class Desk(NamedTuple):
    """A running service, and a key for it."""

    address: str
    key: str
    storage: dict[str, Any]
    pid: int


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A service with a tenant that may send files."""
    folder = tmp_path_factory.mktemp("clinic")
    storage = {"data_dir": folder / "data"}
    key = make_key_text(storage, "clinic", "batch")
    with serving(storage, folder / "log") as running:
        yield Desk(running.address, key, storage, running.process.pid)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(PEOPLE)
    return path


@contextmanager
def visiting(
    chromium: Browser, desk: Desk, width: int = DESK, scheme: Scheme = "light", key: str = ""
) -> Iterator[tuple[Page, Seen]]:
    """The page with a key given; at the end it must have said nothing to the console and to nobody else."""
    with looking(chromium, desk.address, width, scheme) as (context, page, seen):
        page.add_init_script(WATCH_TASKS)
        page.goto("/clinic", wait_until="networkidle")
        give_key(page, key or desk.key)
        expect(page.get_by_text("Your key works.", exact=True).last).to_be_visible()
        yield page, seen
        assert seen.errors == []
        assert seen.foreign == []
        assert desk.key not in "".join(seen.requests)
        stored: Any = page.evaluate("localStorage.length + sessionStorage.length")
        assert stored == 0
        assert context.cookies() == []


def give_key(page: Page, key: str) -> None:
    page.get_by_label("Key", exact=True).fill(key)
    page.get_by_role("button", name="Use this key").click()


def choose(page: Page, path: Path) -> None:
    """Choose a file and wait for its columns."""
    page.locator("#file").set_input_files(path)
    expect(page.get_by_role("heading", name="Its columns")).to_be_visible()


def drop(page: Page, name: str, content: str) -> None:
    """Drop a file on the page, as the browser tells of it."""
    page.evaluate(
        """([name, content]) => {
          const data = new DataTransfer();
          data.items.add(new File([content], name));
          const zone = document.querySelector(".drop");
          zone.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
        }""",
        [name, content],
    )


def row(page: Page, column: str) -> Locator:
    """The row of a column in the table of columns."""
    cell = page.get_by_role("rowheader", name=column, exact=True)
    return page.locator("table.columns tr").filter(has=cell)


def map_by_hand(page: Page, column: str, question: str, **said: str) -> None:
    """Say which question a column answers, and how its cells are read."""
    row(page, column).get_by_role("button", name=f"Map by hand: {column}").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("The question").select_option(question)
    if "unit" in said:
        dialog.get_by_label("Its numbers are in").select_option(said["unit"])
    if "missing" in said:
        dialog.get_by_label("Signs for").fill(said["missing"])
    for n, value in enumerate(said.get("values", "").split(",") if "values" in said else ()):
        dialog.get_by_label(f"Value {n + 1} in your file").fill(value)
    dialog.get_by_role("button", name="Use it").click()
    expect(dialog).to_have_count(0)
    expect(row(page, column)).to_contain_text("as you said")


def score(page: Page) -> None:
    """Send the file and wait for what came of it."""
    page.get_by_role("button", name="Score this file").click()
    expect(page.get_by_role("heading", name="What came of it")).to_be_visible(timeout=60_000)


def save(page: Page, press: Callable[[], None], to: Path) -> Path:
    """Take a download away."""
    with page.expect_download() as downloading:
        press()
    path = to / downloading.value.suggested_filename
    downloading.value.save_as(path)
    return path


def take(page: Page, what: str, to: Path, kind: str = "csv") -> Path:
    """Download scores or rejects as a kind of file."""
    page.get_by_label(f"Kind of file for: {what}").select_option(kind)
    button = page.get_by_role("button", name=f"Download: {what}")
    return save(page, button.click, to)


def check(page: Page, width: int, name: str) -> None:
    """See that nothing keeps people out, and leave a picture."""
    shoot(page, name)
    assert find_barriers(page) == []
    across: Any = page.evaluate("document.documentElement.scrollWidth")
    assert across <= width, "the page is wider than the screen"


def test_nhanes_is_scored_with_three_columns_mapped_by_hand(
    chromium: Browser, desk: Desk, real_data: Path, tmp_path: Path
) -> None:
    nhanes = real_data / "nhanes_2017_2020.csv"
    with visiting(chromium, desk) as (page, _):
        choose(page, nhanes)
        expect(page.get_by_role("button", name="Score this file")).to_be_disabled()
        refused = "7777, 9999"
        map_by_hand(page, "PAD680", "sitting_hours_per_day", unit="min/d", missing=refused)
        map_by_hand(page, "SLD012", "sleep_hours_per_night")
        map_by_hand(page, "PAD645", "moderate_minutes_per_week", unit="min/d", missing=refused)
        expect(row(page, "PAD680")).to_contain_text("minutes a day")
        mapping = save(page, page.get_by_role("button", name="Save the mapping").click, tmp_path)
        assert mapping.name == "mapping.toml"
        check(page, DESK, "clinic-nhanes-mapped")
        score(page)
        check(page, DESK, "clinic-nhanes-result")
        scores = take(page, "Scores", tmp_path)
        rejects = take(page, "Rows to correct", tmp_path)

    ours, expected = pl.read_csv(nhanes, infer_schema=False), tmp_path / "expected.csv"
    said = psoas({}, "score", str(nhanes), str(expected), "--map", str(mapping))
    assert said.exit_code == 0, said.output
    assert scores.read_bytes() == expected.read_bytes()
    assert rejects.read_bytes() == (tmp_path / "expected.rejects.csv").read_bytes()
    good, bad = (pl.read_csv(path, infer_schema=False) for path in (scores, rejects))
    assert bad.height > 0
    assert good.height + bad.height == ours.height == 9_693
    assert good["psoas_prolonged_sitting_score"].null_count() < good.height


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_every_stage_is_open_to_everybody(
    chromium: Browser, desk: Desk, people: Path, width: int, scheme: Scheme
) -> None:
    def look(stage: str) -> None:
        check(page, width, f"clinic-{stage}-{width}-{scheme}")

    with visiting(chromium, desk, width, scheme) as (page, _):
        look("1-key")
        choose(page, people)
        look("2-columns")
        row(page, "seat").get_by_role("button", name="Map by hand: seat").click()
        page.get_by_role("dialog").get_by_label("The question").select_option("lumbar_support")
        look("3-values")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        map_by_hand(page, "slouch", "slouched_hours_per_day", unit="min/d", missing="7777")
        map_by_hand(page, "seat", "lumbar_support", values="1,2,3")
        page.get_by_text(re.compile("questions that no column answers")).first.click()
        look("4-mapped")
        score(page)
        look("5-result")
        page.get_by_role("button", name="Erase it from the server").click()
        look("6-erasing")
        page.get_by_role("dialog").get_by_role("button", name="Erase it").click()
        expect(page.get_by_text("The file and its results are erased.").last).to_be_visible()
        look("7-erased")


def test_what_came_of_it_is_told_with_those_to_look_at_first(
    chromium: Browser, desk: Desk, people: Path, tmp_path: Path
) -> None:
    with visiting(chromium, desk) as (page, _):
        choose(page, people)
        row(page, "usual_siting_bout_minutes").get_by_role("button", name="Yes").click()
        expect(row(page, "usual_siting_bout_minutes")).to_contain_text("as you said")
        score(page)
        first = page.locator(".safety li").first
        expect(first).to_contain_text("Emergency: help is needed at once: 1 row")
        expect(first).to_contain_text("Please get help now")
        assert page.locator("h3").first.inner_text() == "Look at these rows first"
        expect(page.get_by_text("5 rows = 3 scored + 2 to correct")).to_be_visible()
        levels = page.locator("table.levels tbody tr").first
        numbers = [int(cell) for cell in levels.locator("td.number").all_inner_texts()]
        assert sum(numbers) == 3
        told = levels.get_by_role("img").get_attribute("aria-label")
        assert told
        assert sum(map(int, re.findall(r"\d+", told))) == 3
        expect(page.get_by_role("row", name=re.compile("outside the bounds"))).to_be_visible()
        for kind in ("csv", "ndjson", "parquet", "xlsx"):
            scores = take(page, "Scores", tmp_path, kind)
            assert scores.suffix == f".{kind}"
            readers: dict[str, Callable[..., pl.DataFrame]] = {
                "csv": pl.read_csv,
                "ndjson": pl.read_ndjson,
                "parquet": pl.read_parquet,
                "xlsx": pl.read_excel,
            }
            assert readers[kind](scores)["record_id"].to_list() == ["A-1", "A-3", "A-4"]


def test_a_misspelt_column_is_accepted_by_one_press_and_taken_back(
    chromium: Browser, desk: Desk, people: Path
) -> None:
    with visiting(chromium, desk) as (page, _):
        choose(page, people)
        misspelt = row(page, "usual_siting_bout_minutes")
        expect(misspelt).to_contain_text("Did you mean that?")
        misspelt.get_by_role("button", name="Yes, it is: usual_siting_bout_minutes answers").click()
        expect(misspelt).to_contain_text("as you said")
        misspelt.get_by_role("button", name="Undo").click()
        expect(misspelt).to_contain_text("Did you mean that?")


def test_all_suggestions_are_accepted_together(chromium: Browser, desk: Desk) -> None:
    with visiting(chromium, desk) as (page, _):
        drop(page, "people.csv", "Sitting hours per day,run,colour\n9,no,red\n")
        page.get_by_role("button", name="Yes to all 2 suggestions").click()
        expect(page.get_by_text("3 columns: 2 answering a question.").last).to_be_visible()
        expect(row(page, "run")).to_contain_text("as you said")


def test_of_very_many_columns_the_first_are_listed_until_more_are_wanted(
    chromium: Browser, desk: Desk
) -> None:
    names = [f"column {n}" for n in range(400)]
    with visiting(chromium, desk) as (page, _):
        drop(page, "wide.csv", ",".join(["runs", *names]) + "\n")
        expect(page.get_by_text("401 columns: 1 answering a question.").last).to_be_visible()
        assert page.locator("table.columns tbody tr").count() == 150
        page.get_by_role("button", name="Show the other 251 columns").click()
        expect(page.locator("table.columns tbody tr")).to_have_count(401)


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".zst", zstd.compress)])
def test_a_compressed_file_is_scored(
    chromium: Browser, desk: Desk, tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / f"people.csv{suffix}"
    noise = hashlib.shake_256(b"chance").hexdigest(400_000)  # so that its beginning is a part of it
    path.write_bytes(pack(f"{PEOPLE}A-6,8,20,no,no,{noise},1\n".encode()))
    assert path.stat().st_size > 256 * 1024
    with visiting(chromium, desk) as (page, _):
        choose(page, path)
        expect(row(page, "runs")).to_contain_text("running at all")
        score(page)
        expect(page.get_by_text("6 rows = 4 scored + 2 to correct")).to_be_visible()


def test_a_file_that_fails_on_the_way_is_told_and_can_be_erased(
    chromium: Browser, desk: Desk, tmp_path: Path
) -> None:
    path = tmp_path / "endless.csv"
    path.write_text('sitting_hours_per_day,remark\n8,"' + "x" * 26_000_000)
    with visiting(chromium, desk) as (page, _):
        choose(page, path)
        page.get_by_role("button", name="Score this file").click()
        expect(page.get_by_role("heading", name="This file could not be scored")).to_be_visible()
        expect(page.get_by_text("which no row of a questionnaire is")).to_be_visible()
        check(page, DESK, "clinic-failed")
        page.get_by_role("button", name="Erase it from the server").click()
        page.get_by_role("dialog").get_by_role("button", name="Erase it").click()
        expect(page.get_by_text("The file and its results are erased.").last).to_be_visible()


def test_a_saved_mapping_is_dropped_and_used_again(
    chromium: Browser, desk: Desk, people: Path, tmp_path: Path
) -> None:
    with visiting(chromium, desk) as (page, _):
        choose(page, people)
        map_by_hand(page, "seat", "lumbar_support", values="1,2,3")
        saved = save(page, page.get_by_role("button", name="Save the mapping").click, tmp_path)
        page.get_by_role("button", name="Take all of it back").click()
        expect(row(page, "seat")).to_contain_text("Goes through")
        drop(page, saved.name, saved.read_text())
        expect(row(page, "seat")).to_contain_text("as you said")
        row(page, "seat").get_by_role("button", name="Change").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_label("Value 2 in your file")).to_have_value("2")
        expect(dialog.get_by_label("What value 2 means")).to_have_value("sometimes")
        dialog.get_by_role("button", name="Cancel").click()
        worked_out = '[questions.slouched_hours_per_day]\nsql = """\nslouch / 60\n"""\n'
        drop(page, "other.toml", worked_out)
        expect(row(page, "slouch")).to_contain_text("Used to work out")
        page.get_by_role("button", name="Take all of it back").click()
        expect(row(page, "slouch")).to_contain_text("Goes through")


def test_mappings_that_cannot_be_used_are_told_with_their_places(
    chromium: Browser, desk: Desk, people: Path
) -> None:
    with looking(chromium, desk.address) as (_, page, _):
        page.goto("/clinic")
        give_key(page, desk.key)
        drop(page, "early.toml", "[questions]")
        expect(page.get_by_role("alert")).to_contain_text("choose the file with the people first")
        choose(page, people)
        alert = page.get_by_role("alert")
        drop(page, "none.toml", "this is [no TOML")
        expect(alert).to_contain_text("not TOML")
        drop(page, "wrong.toml", '[questions.runs]\ncolumn = "seat"\nunit = "min"\n')
        expect(alert).to_contain_text("running at all: unit and factor are for questions")
        drop(page, "other.toml", '[questions.runs]\ncolumn = "elsewhere"\n')
        expect(alert).to_contain_text("columns that the file does not have: elsewhere")
        expect(row(page, "seat")).to_contain_text("Goes through")


def test_a_file_that_is_no_mapping_takes_nothing_back(
    chromium: Browser, desk: Desk, people: Path
) -> None:
    with looking(chromium, desk.address) as (_, page, _):
        page.goto("/clinic")
        give_key(page, desk.key)
        choose(page, people)
        map_by_hand(page, "seat", "lumbar_support", values="1,2,3")
        drop(page, "project.toml", '[project]\nname = "other"\n')
        expect(page.get_by_role("alert")).to_contain_text("project")
        expect(row(page, "seat")).to_contain_text("as you said")


def test_a_factor_of_a_mapping_that_was_dropped_is_kept_when_something_else_is_changed(
    chromium: Browser, desk: Desk, people: Path, tmp_path: Path
) -> None:
    with visiting(chromium, desk) as (page, _):
        choose(page, people)
        drop(
            page, "m.toml", '[questions.slouched_hours_per_day]\ncolumn = "slouch"\nfactor = 0.05\n'
        )
        expect(row(page, "slouch")).to_contain_text("as you said")
        row(page, "slouch").get_by_role("button", name="Change").click()
        page.get_by_role("dialog").get_by_label("Signs for").fill("7777")
        page.get_by_role("dialog").get_by_role("button", name="Use it").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
        saved = save(page, page.get_by_role("button", name="Save the mapping").click, tmp_path)
        said = tomllib.loads(saved.read_text())["questions"]["slouched_hours_per_day"]
        assert said == {"column": "slouch", "factor": 0.05, "missing": [7777]}


def test_columns_may_be_called_anything(chromium: Browser, desk: Desk) -> None:
    odd = ["constructor", "toString", "__proto__", "<img src=x onerror=alert(1)>"]
    with visiting(chromium, desk) as (page, _):
        drop(page, "<b>odd</b>.csv", ",".join(["runs", *odd]) + "\n")
        for name in odd:
            expect(row(page, name)).to_contain_text("Goes through as it is")
        map_by_hand(page, "__proto__", "sitting_hours_per_day")
        expect(page.locator(".chosen")).to_contain_text("<b>odd</b>.csv")


def test_the_focus_stays_at_the_column_that_something_was_said_about(
    chromium: Browser, desk: Desk, people: Path
) -> None:
    with visiting(chromium, desk) as (page, _):
        choose(page, people)
        misspelt = row(page, "usual_siting_bout_minutes")
        misspelt.get_by_role("button", name="Yes").press("Enter")
        expect(misspelt.get_by_role("button", name="Change")).to_be_focused()
        misspelt.get_by_role("button", name="Undo").press("Enter")
        expect(misspelt.get_by_role("button", name="Yes")).to_be_focused()
        map_by_hand(page, "seat", "lumbar_support", values="1,2,3")
        expect(row(page, "seat").get_by_role("button", name="Change")).to_be_focused()


def test_another_key_takes_what_was_said_about_columns_along_and_nothing_else(
    chromium: Browser, desk: Desk, people: Path
) -> None:
    other = make_key_text(desk.storage, "neighbour", "batch")
    with visiting(chromium, desk) as (page, _):
        choose(page, people)
        map_by_hand(page, "seat", "lumbar_support", values="1,2,3")
        page.get_by_role("button", name="Use another key").click()
        expect(page.get_by_label("Key", exact=True)).to_be_focused()
        expect(page.locator("table")).to_have_count(0)
        give_key(page, other)
        expect(row(page, "seat")).to_contain_text("as you said")
        score(page)
        page.get_by_role("button", name="Use another key").click()
        expect(page.locator("#result")).to_have_count(0)
        give_key(page, desk.key)
        expect(row(page, "seat")).to_contain_text("as you said")
        expect(page.locator("#result")).to_have_count(0)


def test_a_key_with_signs_that_no_key_has_is_told_as_unknown(chromium: Browser, desk: Desk) -> None:
    with looking(chromium, desk.address) as (_, page, _):
        page.goto("/clinic")
        give_key(page, f"{desk.key[:12]}\N{HORIZONTAL ELLIPSIS}")
        expect(page.get_by_role("alert")).to_contain_text("not known here")


def test_what_fails_on_the_way_to_results_is_told_or_asked_again(
    chromium: Browser, desk: Desk, people: Path
) -> None:
    with looking(chromium, desk.address) as (_, page, _):
        page.goto("/clinic")
        give_key(page, desk.key)
        choose(page, people)
        page.route("**/summary", lambda route: route.abort(), times=2)
        score(page)
        alert = page.get_by_role("alert")
        one = re.compile("/batches/[^/]+$")
        page.route(one, lambda route: route.abort(), times=1)
        page.get_by_role("button", name="Erase it from the server").click()
        page.get_by_role("dialog").get_by_role("button", name="Erase it").click()
        expect(alert).to_contain_text("cannot be reached")
        expect(page.locator("#result")).to_be_visible()
        page.get_by_role("button", name="Score another file").click()
        page.route(one, lambda route: route.abort(), times=1)
        page.get_by_role("button", name="Open the file sent on").first.click()
        expect(alert).to_contain_text("cannot be reached")
        assert find_barriers(page) == []
        page.get_by_role("button", name="Open the file sent on").first.click()
        expect(page.locator("#result")).to_be_visible()
        expect(alert).to_have_count(0)


def test_of_two_sheets_the_one_that_was_chosen_last_is_shown(
    chromium: Browser, desk: Desk, tmp_path: Path
) -> None:
    path = tmp_path / "three.xlsx"
    with Workbook(path) as book:
        for name in ("first", "second", "third"):
            book.add_worksheet(name).write_column(0, 0, [f"column of the {name}", 1])
    with visiting(chromium, desk) as (page, _):
        choose(page, path)
        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)

        page.route("**/batches/columns?sheet=second", hold)
        page.get_by_label("Sheet").select_option("second")
        page.get_by_label("Sheet").select_option("third")
        expect(row(page, "column of the third")).to_be_visible()
        with page.expect_response("**/batches/columns?sheet=second"):
            held[0].continue_()
        page.wait_for_timeout(200)
        expect(row(page, "column of the third")).to_be_visible()


def test_files_that_cannot_be_read_are_told_kindly(
    chromium: Browser, desk: Desk, people: Path, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.xlsx"
    damaged.write_bytes(b"PK\x03\x04 canary")
    with looking(chromium, desk.address) as (_, page, _):
        page.goto("/clinic")
        give_key(page, desk.key)
        page.locator("#file").set_input_files(damaged)
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("cannot be read as a spreadsheet; it may be damaged")
        assert "canary" not in page.content()
        drop(page, "letter.docx", "canary")
        expect(alert).to_contain_text("What kind of file this is cannot be told from its name")
        assert find_barriers(page) == []
        choose(page, people)
        expect(alert).to_have_count(0)


def test_a_wrong_key_is_told_and_the_right_one_goes_on(
    chromium: Browser, desk: Desk, people: Path
) -> None:
    narrow = make_key_text(desk.storage, "clinic", "records")
    with looking(chromium, desk.address) as (_, page, _):
        page.goto("/clinic")
        page.locator("#file").set_input_files(people)
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("Please give your key first")
        give_key(page, desk.key[:-1] + ("a" if desk.key[-1] != "a" else "b"))
        expect(alert).to_contain_text("not known here")
        give_key(page, narrow)
        expect(alert).to_contain_text("the scope batch")
        assert find_barriers(page) == []
        shoot(page, "clinic-wrong-key")
        give_key(page, desk.key)
        expect(page.get_by_role("heading", name="Its columns")).to_be_visible()
        expect(alert).to_have_count(0)


def test_a_key_that_may_not_read_the_questions_still_scores_what_is_recognised(
    chromium: Browser, people: Path, tmp_path: Path
) -> None:
    storage = {"data_dir": tmp_path / "data"}
    key = make_key_text(storage, "clinic", "batch")
    with (
        serving(storage, tmp_path / "log", public=False) as closed,
        looking(chromium, closed.address) as (_, page, _),
    ):
        page.goto("/clinic")
        give_key(page, key)
        choose(page, people)
        expect(page.get_by_role("alert")).to_contain_text("the scopes assess and batch")
        expect(page.get_by_role("button", name="Map by hand: seat")).to_be_disabled()
        score(page)
        expect(page.get_by_text("5 rows = 3 scored + 2 to correct")).to_be_visible()


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until something has the focus."""
    for _ in range(80):
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} cannot be reached by keyboard")


def test_keys_alone_lead_from_the_file_to_its_results(
    chromium: Browser, desk: Desk, people: Path
) -> None:
    with looking(chromium, desk.address) as (_, page, seen):
        page.goto("/clinic", wait_until="networkidle")
        tab_to(page, "#key")
        page.keyboard.insert_text(desk.key)
        page.keyboard.press("Enter")
        expect(page.get_by_text("Your key works.", exact=True).last).to_be_visible()
        tab_to(page, "#file")
        with page.expect_file_chooser() as choosing:
            page.keyboard.press("Space")
        choosing.value.set_files(people)
        expect(page.locator("#columns")).to_be_focused()
        tab_to(page, "[aria-label^='Yes, it is']")
        page.keyboard.press("Enter")
        expect(row(page, "usual_siting_bout_minutes")).to_contain_text("as you said")
        tab_to(page, "#send")
        page.keyboard.press("Enter")
        expect(page.locator("#result")).to_be_focused(timeout=60_000)
        assert seen.errors == []


def test_a_closed_page_goes_on_where_it_was(chromium: Browser, desk: Desk, people: Path) -> None:
    key = make_key_text(desk.storage, "later", "batch")
    with visiting(chromium, desk, key=key) as (page, _):
        expect(page.get_by_text("There are none on this server")).to_be_visible()
        choose(page, people)
        score(page)
    with visiting(chromium, desk, PHONE, key=key) as (page, _):
        page.get_by_role("button", name=re.compile("^Open the file sent on")).click()
        expect(page.get_by_text("5 rows = 3 scored + 2 to correct")).to_be_visible()
        page.get_by_role("button", name="Score another file").click()
        expect(page.get_by_text("Drop a file here")).to_be_visible()
    with visiting(chromium, desk) as (page, _):
        assert page.locator("#recent").count() == 1
        mine = httpx.get(
            f"{desk.address}/batches", headers={"Authorization": f"Bearer {key}"}
        ).json()
        assert len(mine["items"]) == 1


def test_a_server_that_is_killed_and_started_again_goes_on(
    chromium: Browser, tmp_path: Path
) -> None:
    storage = {"data_dir": tmp_path / "data"}
    key, path = make_key_text(storage, "clinic", "batch"), tmp_path / "large.csv"
    write_large(path, 20)
    with (
        serving(storage, tmp_path / "log") as first,
        looking(chromium, first.address) as (_, page, _),
    ):
        page.goto("/clinic")
        give_key(page, key)
        choose(page, path)
        page.get_by_role("button", name="Score this file").click()
        expect(page.get_by_role("heading", name="Being scored")).to_be_visible()
        first.kill()
        expect(page.locator(".notice")).to_contain_text("Nothing is lost")
        shoot(page, "clinic-away")
        assert find_barriers(page) == []
        with starting_again(first, storage):
            result = page.get_by_role("heading", name="What came of it")
            expect(result).to_be_visible(timeout=90_000)
            expect(page.locator(".notice")).to_have_count(0)


@contextmanager
def starting_again(killed: Serving, storage: dict[str, Any]) -> Iterator[None]:
    """The service at the address at which it was killed."""
    port = killed.address.rpartition(":")[2]
    process = subprocess.Popen(
        name_command("", "serve", "--host", "127.0.0.1", "--port", port),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=name_settings(storage),
        start_new_session=True,
    )
    service = Serving(process, killed.address)
    try:
        service.wait()
        yield
    finally:
        service.kill()


def test_a_sheet_of_a_spreadsheet_is_chosen(chromium: Browser, desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "two.xlsx"
    with Workbook(path) as book:
        book.add_worksheet("notes").write_column(0, 0, ["written by", "somebody"])
        sheet = book.add_worksheet("people")
        sheet.write_column(0, 0, ["sitting_hours_per_day", 9])
        sheet.write_column(0, 1, ["runs", "no"])
    with visiting(chromium, desk) as (page, _):
        choose(page, path)
        expect(page.get_by_role("button", name="Score this file")).to_be_disabled()
        page.get_by_label("Sheet").select_option("people")
        expect(row(page, "runs")).to_contain_text("running at all")
        score(page)
        expect(page.get_by_text("1 row = 1 scored + 0 to correct")).to_be_visible()


def write_large(path: Path, megabytes: int) -> None:
    """A file of people of so many megabytes."""
    header = "record_id,sitting_hours_per_day,runs,remark\n"
    block = "".join(f"A-{n},8,no,{'x' * 80}\n" for n in range(10_000))
    with path.open("w") as stream:
        stream.write(header)
        for _ in range(megabytes * 1_000_000 // len(block) + 1):
            stream.write(block)


@pytest.mark.parametrize("megabytes", [20, 200] if SOAK else [20])
def test_a_large_file_does_not_freeze_the_page(
    chromium: Browser, desk: Desk, tmp_path: Path, megabytes: int
) -> None:
    path = tmp_path / "large.csv"
    write_large(path, megabytes)
    with visiting(chromium, desk) as (page, seen):
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        choose(page, path)
        looks = [url for url in seen.requests if url.endswith("/batches/columns")]
        assert len(looks) == 1
        page.get_by_role("button", name="Score this file").click()
        expect(page.get_by_role("progressbar")).to_be_visible()
        expect(page.locator("#batch, #result").first).to_be_visible(timeout=120_000)
        longest: Any = page.evaluate("window.longest")
        metrics = session.send("Performance.getMetrics")["metrics"]
        heap = next(one["value"] for one in metrics if one["name"] == "JSHeapUsedSize")
        assert longest < LONGEST_TASK
        assert heap < 20_000_000
        erase = page.get_by_role("button", name=re.compile("erase it|Erase it from the server"))
        erase.first.click()
        page.get_by_role("dialog").get_by_role("button", name="Erase it").click()
        expect(page.get_by_text("The file and its results are erased.").last).to_be_visible()


def test_an_upload_can_be_stopped_and_leaves_nothing(
    chromium: Browser, desk: Desk, tmp_path: Path
) -> None:
    key = make_key_text(desk.storage, "stopping", "batch")
    path = tmp_path / "large.csv"
    write_large(path, 20)
    with looking(chromium, desk.address) as (_, page, _):
        page.goto("/clinic")
        give_key(page, key)
        choose(page, path)
        with standing_still(desk):
            page.get_by_role("button", name="Score this file").click()
            page.get_by_role("button", name="Stop sending").click()
            expect(page.get_by_role("alert")).to_contain_text("What has not arrived whole")
        expect(page.get_by_text("There are none on this server")).to_be_visible()
        headers = {"Authorization": f"Bearer {key}"}
        assert httpx.get(f"{desk.address}/batches", headers=headers).json()["items"] == []
        assert find_barriers(page) == []


@contextmanager
def standing_still(desk: Desk) -> Iterator[None]:
    """Let the service take in nothing more for a while, as over a line that is stuck."""
    os.kill(desk.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(desk.pid, signal.SIGCONT)


def test_the_page_says_which_files_the_server_takes(desk: Desk) -> None:
    text = httpx.get(f"{desk.address}/clinic").text
    block = re.search(r'id="facts">(.*?)</script>', text, re.DOTALL)
    assert block
    facts = json.loads(block[1])
    assert {one["name"] for one in facts["formats"]} == {"csv", "ndjson", "parquet", "xlsx"}
    assert facts["encodings"] == {".gz": "gzip", ".zst": "zstd"}
