"""The safety screen: what the answered red flags call for, and whether everything was ruled out.

Three-valued: yes, no and unanswered. Only yes raises the action and only no clears; no score has a
say in it, and nothing switches it off.
"""

from typing import NamedTuple

from rules.advice import SafetyAdvice
from rules.formula import Carrier, Condition, NamingCarrier, Value
from rules.person import Person
from rules.safety import ACTIONS, ActionId, Safety


def action_of(carrier: NamingCarrier, safety: Safety) -> Value:
    """The most urgent action that a red flag answered yes calls for."""
    place: Value = 0
    for action, flags in safety.flags_by_action.items():
        called_for = carrier.any_of([carrier.is_answered(flag, True) for flag in flags])
        place = carrier.where(called_for, ACTIONS.index(action), place)
    return carrier.pick(place, ACTIONS)


def is_cleared(carrier: Carrier, safety: Safety) -> Condition:
    """Whether every red flag is answered no."""
    return carrier.all_of([carrier.is_answered(flag, False) for flag in safety.flag_ids])


class Screening(NamedTuple):
    """One person's answers to the safety questions, sorted by what they say."""

    action: ActionId
    cleared: bool
    flags: tuple[str, ...]
    """Red flags answered yes."""
    open_flags: tuple[str, ...]
    """Red flags not answered."""
    conditions: tuple[str, ...]
    """Conditions answered yes."""
    open_conditions: tuple[str, ...]
    """Conditions not answered."""


def screen(person: Person, safety: Safety) -> Screening:
    """Sort one person's answers to the safety questions."""
    answer, flags, conditions = person.answer, safety.flag_ids, safety.condition_ids
    return Screening(
        action_of(person, safety),
        is_cleared(person, safety),
        tuple([flag for flag in flags if answer(flag)]),
        tuple([flag for flag in flags if answer(flag) is None]),
        tuple([condition for condition in conditions if answer(condition)]),
        tuple([condition for condition in conditions if answer(condition) is None]),
    )


def tell_screening(safety: Safety, screening: Screening) -> SafetyAdvice:
    """What the screen calls for, as callers get it; “no warning sign” is only said when all were answered no."""
    action = safety.actions[screening.action]
    says_nothing = screening.action == ACTIONS[0] and not screening.cleared
    return {
        "action": screening.action,
        "text": safety.not_cleared if says_nothing else action.text,
        "cleared": screening.cleared,
        "self_care_allowed": not action.withholds_plan,
        "flags": list(screening.flags),
        "unanswered_flags": list(screening.open_flags),
    }
