"""What would help: the answers that would each lower the index if it alone were changed."""

from collections.abc import Sequence

import numpy as np

from rules import formula
from rules.advice import Lever
from rules.definitions import Model
from rules.explanation import fill_in, ready_phrase, show_number
from rules.habits import Tenths
from rules.index_along import index_along
from rules.outlook import Moved, Outlook, put_answer, tell_change
from rules.person import Person
from rules.words import Words

NOBODY = Person({})


class LeverFinder:
    """A model's levers with their words, made ready."""

    def __init__(self, model: Model, words: Words) -> None:
        self._model, self._say = model, words.change.lever
        self._says = {name: ready_phrase(question) for name, question in model.questions.items()}

    def find(
        self, habits: Sequence[Tenths], index: Tenths, outlooks: Sequence[Outlook]
    ) -> list[Lever]:
        """For each lever that lowers the index, the nearest answer that lowers it as far as it can.

        The greatest drop comes first, ties in the order of the questions.
        """
        if index.score is None:
            return []
        then = index_along(
            self._model,
            [habit.score or 0 for habit in habits],
            [outlook.moved_tenths for outlook in outlooks],
            [habit.score is not None for habit in habits],
        )
        levers: list[Lever] = []
        first = 0
        for move in (move for outlook in outlooks for move in outlook.moved):
            last = first + len(move.answers)
            lowest = then[
                last - 1
            ]  # a better answer never gives a higher index: the limit's is lowest
            if lowest < index.score:
                nearest = int(np.argmax(then[first:last] == lowest))
                levers.append(self._put(move, nearest, index.score, float(lowest)))
            first = last
        levers.sort(key=lambda lever: lever["index_then"])
        return levers

    def _put(self, move: Moved, place: int, index_tenths: int, lowest: float) -> Lever:
        now = formula.in_points(NOBODY, index_tenths)
        then = formula.in_points(NOBODY, lowest)
        text = tell_change(self._say, move, place, self._says)
        return {
            "answer": move.question.id,
            "now": put_answer(move.now),
            "change_to": put_answer(move.answers[place]),
            "index_now": now,
            "index_then": then,
            "text": fill_in(text, index_now=show_number(now), index_then=show_number(then)),
        }
