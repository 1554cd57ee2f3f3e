"""The index along many tries at once: each stands in the place of one habit's score, the other scores held."""

from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np

from rules import formula
from rules.definitions import Model
from rules.sweep import Array, Sweep

TRIES = Sweep({})


def index_along(
    model: Model, held: Sequence[int], tried: Sequence[Array], scored: Sequence[bool]
) -> Array:
    """The index in tenths for every try of the first habit, then for those of the second, and so on.

    `held` are the scores of the model's habits in tenths, `scored` whether each counts, and `tried`
    the scores that take each one's place. All are worked out in one go, because many small arrays
    cost more than a large one.
    """
    ends = [0, *accumulate(map(len, tried))]
    if not ends[-1]:
        return np.empty(0)
    scores: list[Array | int] = []
    for score, tries, (first, last) in zip(held, tried, pairwise(ends), strict=True):
        if first == last:
            scores.append(score)
            continue
        along = np.empty(ends[-1])
        along.fill(score)
        along[first:last] = tries
        scores.append(along)
    index: Array = formula.index_tenths(TRIES, model, scores, scored)
    return index
