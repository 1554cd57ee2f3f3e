"""What to ask next, proved by giving every answer that could be given."""

from collections.abc import Sequence

from brute import ASSESSOR, bends, is_asked, near, score, steps
from conftest import SOAK, many
from hypothesis import given
from people import MODEL, people

from rules.assessment import Sheet
from rules.questions import Answer, Question


def open_questions(answers: dict[str, Answer]) -> list[Question]:
    """The scored questions that are asked and unanswered, in the order to ask them."""
    return [
        question
        for question in MODEL.questions.values()
        if question.is_scored and answers.get(question.id) is None and is_asked(question, answers)
    ]


def width(answers: dict[str, Answer]) -> int:
    _, index = score(answers)
    return index.high - index.low


def check(answers: dict[str, Answer], full: bool) -> None:
    """No answer leaves more than is told, and with every answer tried one leaves just that."""
    told = ASSESSOR.assess(Sheet(answers))["next_questions"]
    _, index = score(answers)
    assert told["stop"] == (level(index.low) == level(index.high))
    left = {entry["answer"]: entry["width_left_at_most"] for entry in told["questions"]}
    asked = open_questions(answers)
    assert set(left) == {question.id for question in asked}
    order = [question.id for question in asked]
    assert list(left) == sorted(left, key=lambda name: (left[name], order.index(name)))
    assert all(entry["width_now"] == width(answers) / 10 for entry in told["questions"])
    for question in asked:
        every: Sequence[Answer] = steps(question)
        tried = every if full else near(every, bends(question))
        widths = [width({**answers, question.id: answer}) / 10 for answer in tried]
        assert max(widths) <= left[question.id]
        if full or len(tried) == len(every):
            assert max(widths) == left[question.id]


def level(tenths: int) -> int:
    return sum(tenths >= start for start, _ in MODEL.level_starts)


@many(500)
@given(people())
def test_no_answer_leaves_more_than_is_told(answers: dict[str, Answer]) -> None:
    check(answers, full=False)


@many(20 if SOAK else 200)
@given(people())
def test_some_answer_leaves_just_what_is_told(answers: dict[str, Answer]) -> None:
    check(answers, full=True)


def test_nothing_answered_asks_for_the_core_of_the_heaviest_habit_first() -> None:
    told = ASSESSOR.assess(Sheet({}))["next_questions"]
    assert not told["stop"]
    first = told["questions"][0]
    assert first["answer"] == "sitting_hours_per_day"
    assert first["width_left_at_most"] < first["width_now"] == 100


def test_running_questions_are_not_asked_of_those_who_do_not_run() -> None:
    running = {q.id for q in MODEL.questions.values() if q.asked_only_if}
    for runs, expected in ((False, set()), (True, running), (None, running)):
        told = ASSESSOR.assess(Sheet({"runs": runs}))["next_questions"]
        assert {entry["answer"] for entry in told["questions"]} & running == expected


def test_what_tells_nothing_without_the_core_answer_comes_last() -> None:
    told = ASSESSOR.assess(Sheet({"runs": False}))["next_questions"]["questions"]
    assert told[0]["answer"] == "sitting_hours_per_day"
    assert told[0]["width_left_at_most"] < told[0]["width_now"]
    core = {habit.core.id for habit in MODEL.habits}
    others = [entry for entry in told if entry["answer"] not in core]
    assert all(entry["width_left_at_most"] == entry["width_now"] for entry in others)
