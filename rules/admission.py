"""Which routines a person may be shown at all: the first reason against each, and what to mind with the others."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from rules.advice import LeftOut
from rules.definitions import Model
from rules.explanation import fill_in, join_list
from rules.routines import Routine
from rules.screening import Screening
from rules.words import LeftOutReason, Words

NAMED = 3
"""Safety questions that are named when several are open."""


class Wishes(NamedTuple):
    """What a person has, wants, and where it hurts."""

    equipment: frozenset[str]
    excluded: frozenset[str]
    opted_in: bool
    pain_sites: frozenset[str]


class Admission(NamedTuple):
    """What a person may be shown."""

    left_out: Mapping[str, LeftOut]
    """The routines that are not admitted, with the reason."""
    cautions: Mapping[str, list[str]]
    """What to mind, by routine; none for most."""


Reason = tuple[LeftOutReason, str]


class Door(NamedTuple):
    """What is looked at before a routine is admitted, made ready."""

    routine: Routine
    tags: frozenset[str]
    equipment: frozenset[str]
    is_gated: bool
    """Whether it stays shut until everything that speaks against it is answered no."""
    needs_opt_in: bool
    gates: frozenset[str]
    """The conditions that keep it shut until they are answered no."""


class Doorkeeper:
    """A model's rules of admission, made ready.

    Most people share their safety answers and equipment with others, so the last decisions are kept.
    """

    KEPT = 256

    def __init__(self, model: Model, words: Words) -> None:
        safety = model.safety
        self._words, self._safety = words, safety
        self._doors = [self._ready_door(routine) for routine in model.routines]
        self._labels = {part.id: part.label for part in (*safety.red_flags, *safety.conditions)}
        self._conditions = {condition.id: condition for condition in safety.conditions}
        self._equipment = model.planner.by_id["equipment"].option_phrases
        self._sites = model.symptoms.by_id["pain_sites"].option_phrases
        self.admit: Callable[[Screening, Wishes], Admission] = lru_cache(self.KEPT)(self._admit)

    def _ready_door(self, routine: Routine) -> Door:
        gates = [gate for gate in self._safety.gates if gate.tag in routine.tags]
        return Door(
            routine,
            frozenset(routine.tags),
            frozenset(routine.equipment),
            bool(gates),
            any(gate.needs_opt_in for gate in gates),
            frozenset(c.id for gate in gates for c in self._safety.gated_by[gate.tag]),
        )

    def _admit(self, screening: Screening, wishes: Wishes) -> Admission:
        """The first reason against each routine, and the cautions for those that are admitted."""
        left_out: dict[str, LeftOut] = {}
        cautions: dict[str, list[str]] = {}
        answered_yes = bool(screening.flags or screening.conditions)
        for door in self._doors:
            routine, reason = door.routine, None
            if answered_yes or door.is_gated:
                reason = self._refuse_for_safety(door, screening, wishes.opted_in)
            if reason := reason or self._refuse(door, wishes):
                left_out[routine.id] = leave_out(routine, *reason)
            elif (screening.conditions or door.is_gated) and (
                advice := self._caution(door, screening)
            ):
                cautions[routine.id] = advice
        return Admission(left_out, cautions)

    def _refuse_for_safety(self, door: Door, screening: Screening, opted_in: bool) -> Reason | None:
        """The first reason of safety against a routine: a yes before what is not answered yet.

        Who asks for what needs asking says with it that every safety question is answered.
        """
        say = self._words.plan.left_out
        if screening.flags:
            blocked = self._safety.actions[screening.action].blocks
            if door.is_gated or not door.tags.isdisjoint(blocked):
                flags = self._name(screening.flags)
                return "blocked_by_red_flag", fill_in(say.blocked_by_red_flag, flags=flags)
        blocking = [
            name
            for name in screening.conditions
            if not door.tags.isdisjoint(self._conditions[name].blocks)
        ]
        if blocking:
            conditions = self._name(blocking)
            return "blocked_by_condition", fill_in(say.blocked_by_condition, conditions=conditions)
        if door.is_gated:
            asks_for_it = opted_in and door.needs_opt_in
            missing = [
                name for name in screening.open_conditions if asks_for_it or name in door.gates
            ]
            missing = [*screening.open_flags, *missing]
            if missing:
                named = self._name(missing)
                return "gate_unanswered", fill_in(say.gate_unanswered, open=named)
        return None

    def _refuse(self, door: Door, wishes: Wishes) -> Reason | None:
        """The first other reason against a routine."""
        say, routine = self._words.plan.left_out, door.routine
        if door.needs_opt_in and not wishes.opted_in:
            return "not_opted_in", say.not_opted_in
        if routine.blocked_by_pain_sites and (
            sites := [site for site in routine.blocked_by_pain_sites if site in wishes.pain_sites]
        ):
            named = self._join([self._sites[site] for site in sites])
            return "pain_site", fill_in(say.pain_site, sites=named)
        if routine.id in wishes.excluded:
            return "excluded", say.excluded
        if not door.equipment <= wishes.equipment:
            lacking = [it for it in routine.equipment if it not in wishes.equipment]
            named = self._join([self._equipment[it] for it in lacking])
            return "missing_equipment", fill_in(say.missing_equipment, equipment=named)
        return None

    def _caution(self, door: Door, screening: Screening) -> list[str]:
        """The advice of every condition answered yes that cautions one of the routine's tags.

        Beside a gated routine, the open conditions are named too that would leave it out or caution it.
        """
        advice = [
            text
            for name in screening.conditions
            for tag, text in self._conditions[name].cautions.items()
            if tag in door.tags
        ]
        if door.is_gated and (open_ := list(self._find_relevant(door, screening.open_conditions))):
            advice.append(fill_in(self._words.plan.open_caution, open=self._name(open_)))
        return list(dict.fromkeys(advice))

    def _find_relevant(self, door: Door, conditions: Sequence[str]) -> Iterator[str]:
        """Those conditions that block or caution one of a routine's tags."""
        for name in conditions:
            condition = self._conditions[name]
            if not door.tags.isdisjoint({*condition.blocks, *condition.cautions}):
                yield name

    def _name(self, ids: Sequence[str]) -> str:
        """Safety questions as a list; of many, the first few and how many more."""
        labels = [self._labels[name] for name in ids]
        if len(labels) <= NAMED:
            return self._join(labels)
        named = self._words.list.between.join(labels[:NAMED])
        return fill_in(self._words.plan.more, named=named, count=str(len(labels) - NAMED))

    def _join(self, parts: list[str]) -> str:
        return join_list(self._words.list, parts)


def leave_out(routine: Routine, reason: LeftOutReason, detail: str) -> LeftOut:
    """A routine that is not chosen, as callers get it."""
    return {"routine_id": routine.id, "reason": reason, "detail": detail}
