"""Change over time: split into answers and rules without a rest, and only claimed where nothing open could explain it."""

import json
from typing import Any

import pytest
from conftest import many
from hypothesis import assume, given
from hypothesis import strategies as st
from people import MODEL, people

from rules.assessment import Assessor, Sheet
from rules.comparison import ScoreInShort
from rules.trend import Told, compare_scores, find_direction, show_trend

ASSESSOR = Assessor(MODEL)
WORDS = MODEL.words.trend


def span(score: float | None, low: float, high: float) -> ScoreInShort:
    return {"score": score, "low": low, "high": high, "level": None, "status": "partial"}


def tell(name: str, answers: Any, shift: float = 0.0) -> Told:
    """An assessment that was told by rules which gave every score so many points more."""
    now = ASSESSOR.assess(Sheet(answers))
    then = json.loads(json.dumps(now))
    for scale in (then["index"], *then["habits"]):
        if scale["score"] is not None:
            scale["score"] += shift
    then["model"]["digest"] = f"of rules that give {shift} more"
    return Told(name, "2026-08-01T09:30:00.000Z", then, now, ())


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        (span(50, 50, 50), span(50, 50, 50), "unchanged"),
        (span(50, 50, 50), span(50.1, 50.1, 50.1), "higher"),
        (span(50, 50, 50), span(49.9, 49.9, 49.9), "lower"),
        (span(50, 40, 60), span(70, 60, 80), "no_change_shown"),  # they touch
        (span(50, 40, 60), span(70, 60.1, 80), "higher"),
        (span(70, 60.1, 80), span(50, 40, 60), "lower"),
        (span(50, 40, 60), span(50, 40, 60), "no_change_shown"),  # the same, but open
        (span(None, 0, 100), span(50, 50, 50), "no_change_shown"),
        (span(None, 0, 40), span(50, 50, 50), "higher"),  # without a score, but the ends are sure
    ],
)
def test_a_change_is_only_claimed_where_intervals_do_not_overlap(
    before: ScoreInShort, after: ScoreInShort, direction: str
) -> None:
    assert find_direction(before, after) == direction


@given(first=people(), second=people(), old=st.integers(-20, 20), new=st.integers(-20, 20))
@many(1000)
def test_the_parts_make_up_the_whole(first: Any, second: Any, old: int, new: int) -> None:
    trend = show_trend("p", [tell("a", first, old), tell("b", second, new)], WORDS)
    (change,) = trend["changes"]
    for one in (change["index"], *change["habits"]):
        parts = (one["answers_changed"], one["model_changed"])
        if one["difference"] is None:
            assert None in parts
            continue
        assert one["difference"] == pytest.approx(sum(part or 0 for part in parts), abs=1e-9)
        assert one["model_changed"] == pytest.approx(new - old, abs=1e-9)
        assert (WORDS.rules_changed in one["text"]) == (new != old)


@given(first=people(), second=people(), full=people(complete=True))
@many(1000)
def test_what_is_claimed_holds_however_the_open_questions_are_answered(
    first: Any, second: Any, full: Any
) -> None:
    """Both are completed with the same answers; a habit that was said to be lower must then be lower."""
    (change,) = show_trend("p", [tell("a", first), tell("b", second)], WORDS)["changes"]
    scores = []
    for given_answers in (first, second):
        try_all = {**full, **given_answers}
        assume(not ASSESSOR.find_contradictions(try_all))
        scores.append(ASSESSOR.assess(Sheet(try_all))["habits"])
    for habit, before, after in zip(change["habits"], *scores, strict=True):
        if habit["direction"] == "lower":
            assert (after["score"] or 0) < (before["score"] or 0)
        if habit["direction"] == "higher":
            assert (after["score"] or 0) > (before["score"] or 0)
        if habit["direction"] == "unchanged":
            assert after["score"] == before["score"]


def test_a_habit_that_is_new_has_no_difference() -> None:
    now = span(50, 50, 50)
    change = compare_scores(
        {"id": "slouching", "then": None, "now": now},
        {"id": "slouching", "then": now, "now": now},
        "Slouching",
        WORDS,
        same_rules=False,
    )
    assert change["difference"] is None
    assert change["model_changed"] is None
    assert change["answers_changed"] == 0
    assert change["direction"] == "unchanged"
