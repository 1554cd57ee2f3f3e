"""What to ask next: how narrow each open question is sure to leave the index, once it is answered."""

from collections.abc import Sequence

from rules import formula
from rules.advice import NextQuestions
from rules.definitions import Model
from rules.habits import Tenths
from rules.index_along import index_along
from rules.outlook import Outlook
from rules.person import NOBODY
from rules.trails import find_stretches


def find_next_questions(
    model: Model,
    habits: Sequence[Tenths],
    index: Tenths,
    is_decided: bool,
    outlooks: Sequence[Outlook],
) -> NextQuestions:
    """The open questions, those first that are sure to leave the least; ties in the order to ask them."""
    width_now = index.high - index.low
    is_last = sum(len(outlook.open_questions) for outlook in outlooks) == 1
    left = {} if is_last else _find_widths(model, habits, outlooks)
    left_unless_found = 0 if is_last else width_now  # the last answer leaves nothing open
    widths = [
        (question.id, left.get(question.id, left_unless_found))
        for outlook in outlooks
        for question in outlook.open_questions
    ]
    widths.sort(key=lambda entry: entry[1])
    shown_now = formula.in_points(NOBODY, width_now)
    return {
        "stop": is_decided,
        "questions": [
            {
                "answer": name,
                "width_now": shown_now,
                "width_left_at_most": formula.in_points(NOBODY, width),
            }
            for name, width in widths
        ],
    }


def _find_widths(
    model: Model, habits: Sequence[Tenths], outlooks: Sequence[Outlook]
) -> dict[str, int]:
    """The greatest width in tenths that may be left, of the questions whose answers change an interval."""
    everyone = [True] * len(habits)
    lows, highs = [habit.low for habit in habits], [habit.high for habit in habits]
    low = index_along(model, lows, [outlook.ends[0] for outlook in outlooks], everyone)
    high = index_along(model, highs, [outlook.ends[1] for outlook in outlooks], everyone)
    widths = high - low
    opened = [way for outlook in outlooks for way in outlook.opened]
    stretches = find_stretches(len(way.answers) for way in opened)
    return {
        way.question.id: int(widths[stretch].max())
        for way, stretch in zip(opened, stretches, strict=True)
    }
