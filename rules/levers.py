"""What would help: the answers that would each lower the index if it alone were changed."""

from collections.abc import Sequence

from rules import formula
from rules.advice import Lever
from rules.definitions import Model
from rules.explanation import fill_in, show_number
from rules.habits import Tenths
from rules.index_along import index_along
from rules.outlook import NONE, Moved, Outlook, put_answer, ready_change
from rules.person import NOBODY
from rules.trails import find_stretches
from rules.words import Words


class LeverFinder:
    """A model's levers with their words, made ready."""

    def __init__(self, model: Model, words: Words) -> None:
        self._model = model
        self._changes = {
            name: ready_change(words.change.lever, question)
            for name, question in model.questions.items()
            if question.lever_limit is not None
        }

    def find(
        self, habits: Sequence[Tenths], index: Tenths, outlooks: Sequence[Outlook]
    ) -> list[Lever]:
        """For each lever that lowers the index, the nearest answer that lowers it as far as it can.

        The greatest drop comes first, ties in the order of the questions.
        """
        if index.score is None:
            return []
        scores = [habit.score or 0 for habit in habits]
        scored = [habit.score is not None for habit in habits]
        helpful = [
            outlook
            if outlook.moved and self._can_lower(index.score, scores, scored, place)
            else None
            for place, outlook in enumerate(outlooks)
        ]
        then = index_along(
            self._model,
            scores,
            [outlook.moved_tenths if outlook else NONE for outlook in helpful],
            scored,
        )
        moved = [move for outlook in helpful if outlook for move in outlook.moved]
        stretches = find_stretches(move.steps for move in moved)
        levers: list[Lever] = []
        for move, stretch in zip(moved, stretches, strict=True):
            tried = then[stretch]
            lowest = tried[-1]  # the limit's: a better answer never gives a higher index
            if lowest < index.score:
                nearest = int((tried == lowest).argmax())
                levers.append(self._put(move, nearest, index.score, float(lowest)))
        levers.sort(key=lambda lever: lever["index_then"])
        return levers

    def _can_lower(
        self, index: int, scores: Sequence[int], scored: Sequence[bool], place: int
    ) -> bool:
        """Whether the index would be lower if one habit's score were 0, the others as they are."""
        without = [*scores[:place], 0, *scores[place + 1 :]]
        then: int = formula.index_tenths(NOBODY, self._model, without, scored)
        return then < index

    def _put(self, move: Moved, step: int, index_tenths: int, lowest: float) -> Lever:
        now = formula.in_points(NOBODY, index_tenths)
        then = formula.in_points(NOBODY, lowest)
        text = self._changes[move.question.id](move.now, move.answer(step))
        return {
            "answer": move.question.id,
            "now": put_answer(move.now),
            "change_to": put_answer(move.answer(step)),
            "index_now": now,
            "index_then": then,
            "text": fill_in(text, index_now=show_number(now), index_then=show_number(then)),
        }
