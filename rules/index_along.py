"""The index along many tries at once: each stands in the place of one habit's score, the other scores held."""

from collections.abc import Sequence

import numpy as np

from rules import formula
from rules.definitions import Model
from rules.sweep import TRIES, Array
from rules.trails import find_stretches


def index_along(
    model: Model, held: Sequence[int], tried: Sequence[Array], scored: Sequence[bool]
) -> Array:
    """The index in tenths for every try of the first habit, then for those of the second, and so on.

    `held` are the scores of the model's habits in tenths, `scored` whether each counts, and `tried`
    the scores that take each one's place. All are worked out in one go, because many small arrays
    cost more than a large one.
    """
    size = sum(map(len, tried))
    if not size:
        return np.empty(0)
    scores: list[Array | int] = []
    for score, tries, stretch in zip(held, tried, find_stretches(map(len, tried)), strict=True):
        if not len(tries):
            scores.append(score)
            continue
        along = np.full(size, score, dtype=float)
        along[stretch] = tries
        scores.append(along)
    index: Array = formula.index_tenths(TRIES, model, scores, scored)
    return index
