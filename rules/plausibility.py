"""Answers that do not fit together: some are pointed out, some refused; written once, for numbers or columns."""

import math
from collections.abc import Iterator

from rules.definitions import AnswerWarning, Contradiction
from rules.formula import Carrier, Condition, add_up

SLIP = 1e-9
"""What binary fractions may add to a total that is exactly at its number."""


def warns(carrier: Carrier, warning: AnswerWarning) -> Condition:
    """Whether a warning holds: all answers of its total given and above its number, or one that is reached."""
    if warning.above is None:
        reached = warning.any_at_least.items()
        holds = carrier.any_of([reaches(carrier, name, least) for name, least in reached])
    else:
        given = [carrier.is_given(question) for question in warning.total]
        parts = [carrier.given(question, 0) * times for question, times in warning.total.items()]
        holds = carrier.all_of([*given, add_up(parts) > warning.above + SLIP])
    if warning.unless is None:
        return holds
    return carrier.all_of([holds, carrier.none_of([carrier.is_answered(warning.unless, True)])])


def reaches(carrier: Carrier, question: str, least: float) -> Condition:
    """Whether a question is answered with at least so much."""
    return carrier.given(question, -math.inf) >= least


def contradicts(carrier: Carrier, rule: Contradiction) -> Condition:
    """Whether two answers cannot both be meant."""

    def conditions() -> Iterator[Condition]:
        yield carrier.is_answered(rule.at, rule.answered)
        beside = (carrier.given(question, 0) for question in rule.beside_above_zero)
        yield carrier.any_of(map(carrier.is_positive, beside))

    return carrier.all_of(conditions())
