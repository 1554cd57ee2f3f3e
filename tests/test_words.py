"""What scores say: the sentences for a person, as they would be read aloud."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from brute import ASSESSOR
from hypothesis import given
from people import MODEL, sheets
from reading import read_aloud

from rules.assessment import Assessor, Sheet
from rules.grounds import Definition


@pytest.mark.parametrize(
    ("answers", "habit", "said"),
    [
        ({}, "heavy_running", "It needs your answer on this first: running at all."),
        ({"runs": True}, "heavy_running", "It needs your answer on this first: weekly running distance."),
        ({"slouched_hours_per_day": 0}, "slouching", "Nothing you answered added points."),
        ({"sitting_hours_per_day": 6, "usual_sitting_bout_minutes": 32}, "prolonged_sitting", "(1 point)"),
        ({"sitting_hours_per_day": 9, "sitting_hours_source": "device"}, "prolonged_sitting", "sitting for 9 hours a day by a device's count (45 points)"),
        ({"runs": True, "running_km_per_week": 40}, "heavy_running", "Overload is another matter"),
    ],
)  # fmt: skip
def test_comments_say_it_as_a_person_would(
    assessor: Assessor, answers: dict[str, Any], habit: str, said: str
) -> None:
    scored = next(h for h in assessor.assess(Sheet(answers))["habits"] if h["id"] == habit)
    assert said in scored["lay_comment"]


@pytest.mark.parametrize(
    ("answers", "component", "said"),
    [
        ({"slouched_hours_per_day": 0}, "seat_and_screen", "Not answered: support for the small of the back and height of the screen. With the other answers it makes no difference."),
        ({"slouched_hours_per_day": 2}, "seat_and_screen", "Not answered yet: support for the small of the back and height of the screen. Nothing is counted here; the interval shows what it could change."),
        ({"slouched_hours_per_day": 1, "lumbar_support": "never", "screen_position": "above"}, "seat_and_screen", "No support for the small of the back and a screen above eye level gave 10 points: no more than 10 for each hour of sitting slumped."),
        ({"slouched_hours_per_day": 0, "lumbar_support": "never"}, "seat_and_screen", "No support for the small of the back gave no points."),
        ({"runs": False, "running_injury_last_12_months": True}, "previous_injury", "Not running gave no points."),
        ({"sitting_hours_per_day": 6, "moderate_minutes_per_week": 0, "vigorous_minutes_per_week": 300}, "activity_credit", "300 minutes a week of vigorous activity took off 20 points, of at most 20."),
        ({"sitting_hours_per_day": 6, "moderate_minutes_per_week": 0, "vigorous_minutes_per_week": 0}, "activity_credit", "No moderate activity and no vigorous activity took nothing off."),
        ({"sitting_hours_per_day": 1.004}, "volume", "Sitting for 1 hour a day gave no points."),
    ],
)  # fmt: skip
def test_components_say_what_gave_their_points(
    assessor: Assessor, answers: dict[str, Any], component: str, said: str
) -> None:
    parts = [
        part for h in assessor.assess(Sheet(answers))["habits"] for part in h["components"] or []
    ]
    assert said in [part["text"] for part in parts if part["id"] == component]


FRIGHTENING = re.compile(
    r"risk of|at risk|damag|danger|harm|dangerous|weak psoas|probab|likelihood|a disease|suffer|"
    r"must not|never ever|warning!|you are ill|degenerat|wear and tear|bad posture|should not",
    re.IGNORECASE,
)


@given(sheets())
def test_no_assessment_frightens_or_foretells(sheet: Sheet) -> None:
    body: Any = ASSESSOR.assess(sheet)
    told = FRIGHTENING.findall(read_aloud(body))
    assert not told


def test_no_text_of_the_model_frightens() -> None:
    told = [text for part in (MODEL.safety, MODEL.routines) for text in texts(part)]
    assert len(told) > 400
    assert [text for text in told if FRIGHTENING.search(text)] == []


def texts(part: object) -> Iterator[str]:
    """Every text that people read in a part of the model; grounds are for those who review it."""
    if isinstance(part, Definition):
        for name, value in part:
            if name not in ("reason", "suspect", "note"):
                yield from texts(value)
    elif isinstance(part, tuple):
        for item in part:
            yield from texts(item)
    elif isinstance(part, Mapping):
        for item in part.values():
            yield from texts(item)
    elif isinstance(part, str):
        yield part


def test_every_sentence_of_an_assessment_is_whole() -> None:
    for sheet in (Sheet({}), Sheet({"sitting_hours_per_day": 9, "runs": True})):
        told = read_aloud(dict(ASSESSOR.assess(sheet)))
        assert "{" not in told
        assert "  ." not in told
        assert not re.search(r"\.\.|,\.| ,", told)
