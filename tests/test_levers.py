"""What would help, proved by trying the other answers one by one."""

from typing import Any

from brute import ASSESSOR, bends, levers_of, near, score, steps, towards_limit
from conftest import SOAK, many
from hypothesis import given
from people import E01, MODEL, people

from rules.advice import Lever, NearestLevel
from rules.assessment import Sheet
from rules.questions import Answer, Question


def tries(question: Question, now: Answer, claimed: list[Answer], full: bool) -> list[Answer]:
    """The answers to try from the present one to the limit, the nearest first."""
    ahead = towards_limit(question, now)
    if full:
        return ahead
    marks = [float(answer) for answer in claimed if isinstance(answer, int | float)]
    return near(ahead, [*bends(question), *marks])


def check_levers(answers: dict[str, Answer], full: bool) -> None:
    """Each lever brings the lowest index there is, by the nearest answer; and none is missing."""
    _, index = score(answers)
    told = {lever["answer"]: lever for lever in assess(answers)["levers"]}
    if index.score is None:
        assert not told
        return
    found: dict[str, int] = {}
    for question in levers_of(answers):
        now = answers[question.id]
        lever = told.get(question.id)
        claimed = [lever["change_to"]] if lever else []
        ways = tries(question, now, claimed, full)
        then = [score({**answers, question.id: way})[1].score or 0 for way in ways]
        if not then or min(then) >= index.score:
            assert lever is None
            continue
        assert lever
        assert lever["now"] == now
        assert lever["index_now"] == index.score / 10
        assert lever["index_then"] == min(then) / 10
        assert lever["change_to"] == ways[then.index(min(then))]
        found[question.id] = min(then)
    assert list(told) == sorted(found, key=lambda name: found[name])


def check_nearest(answers: dict[str, Answer], full: bool) -> None:
    """Each change is the smallest that brings the habit to a lower level; and none is missing."""
    tenths, _ = score(answers)
    told = {(near["habit"], near["answer"]): near for near in assess(answers)["nearest_levels"]}
    found = set()
    for place, habit in enumerate(MODEL.habits):
        own = tenths[place].score
        for question in levers_of(answers):
            if question not in habit.scored_questions or own is None:
                continue
            nearest = told.get((habit.id, question.id))
            claimed = [nearest["change_to"]] if nearest else []
            for way in tries(question, answers[question.id], claimed, full):
                then = score({**answers, question.id: way})[0][place].score or 0
                if level(then) != level(own) and then < own:
                    assert nearest
                    assert (nearest["change_to"], nearest["level"]) == (way, level(then))
                    found.add((habit.id, question.id))
                    break
    assert set(told) == found


def level(tenths: int) -> str:
    return [name for start, name in MODEL.level_starts if tenths >= start][-1]


def assess(answers: dict[str, Answer]) -> Any:
    return ASSESSOR.assess(Sheet(answers))


@many(500)
@given(people())
def test_levers_and_nearest_levels_near_every_bend(answers: dict[str, Answer]) -> None:
    check_levers(answers, full=False)
    check_nearest(answers, full=False)


@many(200 if not SOAK else 20)
@given(people(complete=True))
def test_levers_and_nearest_levels_on_every_step(answers: dict[str, Answer]) -> None:
    check_levers(answers, full=True)
    check_nearest(answers, full=True)


def test_the_worked_example() -> None:
    told = assess(E01)
    levers: dict[str, Lever] = {lever["answer"]: lever for lever in told["levers"]}
    bout = levers["usual_sitting_bout_minutes"]
    assert (bout["now"], bout["change_to"]) == (90, 30)
    assert (bout["index_now"], bout["index_then"]) == (58.5, 37.6)
    assert bout["text"] == (
        "Usual time seated before getting up: sitting bouts of 30 minutes instead of sitting bouts "
        "of 90 minutes would bring the index from 58.5 to 37.6."
    )
    nearest: NearestLevel = told["nearest_levels"][0]
    assert (nearest["answer"], nearest["change_to"]) == ("sitting_hours_per_day", 7.7)
    assert nearest["level"] == "high"


def test_an_answer_off_the_grid_moves_to_the_grid() -> None:
    told = assess({**E01, "sitting_hours_per_day": 7.73})["nearest_levels"]
    first = next(n for n in told if n["answer"] == "sitting_hours_per_day")
    assert first["now"] == 7.73
    assert first["change_to"] * 10 == round(first["change_to"] * 10)


def test_an_answer_past_its_limit_is_no_lever() -> None:
    told = assess({**E01, "sitting_hours_per_day": 3, "moderate_minutes_per_week": 400})
    named = {entry["answer"] for entry in told["levers"] + told["nearest_levels"]}
    assert not named & {"sitting_hours_per_day", "moderate_minutes_per_week"}


def test_every_step_is_a_plain_decimal() -> None:
    for question in MODEL.questions.values():
        if question.resolution:
            assert list(question.every_answer) == steps(question)
