"""The plan in words: what was chosen and why, and one reason for each routine that was not."""

from collections.abc import Sequence
from typing import NamedTuple

from rules.admission import Admission, leave_out
from rules.advice import DoseToDo, LeftOut, MoreMinutes, Plan, PlannedRoutine
from rules.choosing import Chooser
from rules.definitions import Model
from rules.explanation import fill_in, join_list, name_inside, round_points, start_sentence
from rules.routines import Dose, Routine
from rules.words import DoseWords, PlanKind, Words


class Calls(NamedTuple):
    """What a person's scores call for, by habit in the model's order."""

    needs: Sequence[float]
    """A habit's weight as a share of 1 times its score; 0 where it calls for nothing."""
    gave: Sequence[Sequence[tuple[str, str]]]
    """Its components that gave points, the most first, with the answers behind them in words."""
    scored: Sequence[bool]
    """Whether the habit has a score."""
    has_index: bool
    """Whether the index has a score."""


class Circumstances(NamedTuple):
    """What a plan must fit."""

    admission: Admission
    equipment: frozenset[str]
    minutes: int
    """Minutes a day there are."""


class Shown(NamedTuple):
    """The routines of a plan."""

    exercises: Sequence[PlannedRoutine] = ()
    habit_changes: Sequence[PlannedRoutine] = ()
    self_massage: PlannedRoutine | None = None


class Planner:
    """A model's routines and words, made ready."""

    def __init__(self, model: Model, words: Words) -> None:
        self._model, self._say, self._list = model, words.plan, words.list
        self._chooser = Chooser(model)
        self._habits = [habit.id for habit in model.habits]
        self._routines = {routine.id: routine for routine in model.routines}
        self._doses = {r.id: put_dose(words.plan.dose, r.dose) for r in model.routines}
        say = words.plan.left_out
        self._no_need = {r.id: leave_out(r, "no_need", say.no_need) for r in model.routines}
        self._no_score = {r.id: leave_out(r, "no_need", say.no_score) for r in model.routines}
        self._worth_less = {
            r.id: leave_out(
                r,
                "worth_less",
                say.massage_too_long if r.slot == "self_massage" else say.worth_less,
            )
            for r in model.routines
        }
        self._equipment = model.planner.by_id["equipment"].option_phrases

    def withhold(self, minutes: int) -> Plan:
        """No plan, because safety comes first."""
        return self._put("withheld", self._say.kinds["withheld"], minutes, Shown(), [])

    def plan(self, calls: Calls, fit: Circumstances) -> Plan:
        """The plan for what a person's scores call for, under their circumstances."""
        needed = {name for name, need in zip(self._habits, calls.needs, strict=True) if need}
        scored = {name for name, score in zip(self._habits, calls.scored, strict=True) if score}
        if not needed:
            return self._maintain(calls.has_index, scored, fit)
        candidates = [
            routine
            for routine in self._model.routines
            if routine.id not in fit.admission.left_out and not needed.isdisjoint(routine.targets)
        ]
        choice = self._chooser.choose(calls.needs, candidates, fit.equipment, fit.minutes)
        massage = choice.self_massage
        chosen = [*choice.exercises, *choice.habit_changes, *([massage] if massage else [])]
        put = {r.id: self._put_routine(r, self._tell_why(r, calls), fit) for r in chosen}
        more: MoreMinutes = {
            "value_gain": round_points(choice.gain),
            "exercises": [routine.id for routine in choice.with_more],
        }
        shown = Shown(
            [put[routine.id] for routine in choice.exercises],
            [put[routine.id] for routine in choice.habit_changes],
            put[massage.id] if massage else None,
        )
        text = self._say.kinds["routines"] if put else self._say.nothing_fits
        left_out = self._leave_out(set(put), needed, scored, fit)
        return self._put("routines", text, fit.minutes, shown, left_out, more)

    def _maintain(self, has_index: bool, scored: set[str], fit: Circumstances) -> Plan:
        """One good routine for those whom no habit calls for any, once enough is answered to say so."""
        walk = self._routines[self._model.planner.rule.maintain_with]
        exercises = []
        if has_index and walk.id not in fit.admission.left_out:
            exercises = [self._put_routine(walk, self._say.why_maintain, fit)]
        shown = {routine["routine_id"] for routine in exercises}
        left_out = self._leave_out(shown, set(), scored, fit)
        kind: PlanKind = "maintain" if has_index else "not_enough_answers"
        text = self._say.nothing_needed if has_index and not exercises else self._say.kinds[kind]
        return self._put(kind, text, fit.minutes, Shown(exercises), left_out)

    def _tell_why(self, routine: Routine, calls: Calls) -> str:
        """Which answers gave the points that a routine is about, and which other habits it is for.

        A habit of which it is about a certain component comes first, then the neediest one.
        """
        told = []
        for habit, need, gave in zip(self._model.habits, calls.needs, calls.gave, strict=True):
            if need and habit.id in routine.targets:
                about = routine.targets[habit.id]
                direct = next((text for part, text in gave if part in about), None)
                told.append((direct is None, -need, direct or gave[0][1], habit))
        told.sort(key=lambda entry: entry[:2])
        why = start_sentence(told[0][2]) + "."
        if others := [name_inside(habit) for *_, habit in told[1:]]:
            also = fill_in(self._say.why_also, habits=join_list(self._list, others))
            why = f"{why} {also}"
        return why

    def _leave_out(
        self, shown: set[str], needed: set[str], scored: set[str], fit: Circumstances
    ) -> list[LeftOut]:
        """One reason for every routine that is not shown."""
        barred = fit.admission.left_out
        return [
            barred.get(routine.id) or self._tell_left_out(routine, needed, scored, fit)
            for routine in self._model.routines
            if routine.id not in shown
        ]

    def _tell_left_out(
        self, routine: Routine, needed: set[str], scored: set[str], fit: Circumstances
    ) -> LeftOut:
        """Why a routine that is admitted was not chosen."""
        say = self._say.left_out
        if needed.isdisjoint(routine.targets):
            known = self._no_need if scored.issuperset(routine.targets) else self._no_score
            return known[routine.id]
        if routine.slot != "habit_change" and routine.minutes > fit.minutes:
            minutes, budget = str(routine.minutes), str(fit.minutes)
            detail = fill_in(say.over_budget, minutes=minutes, budget=budget)
            return leave_out(routine, "over_budget", detail)
        if routine.not_beside and routine.not_beside in fit.equipment:
            detail = fill_in(say.offered_another, equipment=self._equipment[routine.not_beside])
            return leave_out(routine, "worth_less", detail)
        return self._worth_less[routine.id]

    def _put_routine(self, routine: Routine, why: str, fit: Circumstances) -> PlannedRoutine:
        return {
            "routine_id": routine.id,
            "title": routine.title,
            "minutes": routine.minutes,
            "purpose": routine.purpose,
            "why": why,
            "steps": routine.told,
            "dose": self._doses[routine.id],
            "cautions": fit.admission.cautions.get(routine.id, []),
            "stop_if": list(routine.stop_if),
            "evidence_grade": routine.evidence.grade,
            "sources": list(routine.evidence.sources),
        }

    def _put(
        self,
        kind: PlanKind,
        text: str,
        minutes: int,
        shown: Shown,
        left_out: list[LeftOut],
        more: MoreMinutes | None = None,
    ) -> Plan:
        massage = shown.self_massage
        used = [*shown.exercises, massage] if massage else shown.exercises
        return {
            "kind": kind,
            "text": text,
            "intended_use": self._model.intended_use,
            "minutes_per_day": minutes,
            "minutes_used": sum(routine["minutes"] for routine in used),
            "exercises": list(shown.exercises),
            "habit_changes": list(shown.habit_changes),
            "self_massage": massage,
            "left_out": left_out,
            "five_more_minutes": more,
        }


def put_dose(say: DoseWords, dose: Dose) -> DoseToDo:
    """A dose with its words: “3 times, holding for 30 seconds, on each side, 5 sessions a week”."""
    sets, reps, sessions = str(dose.sets), str(dose.reps), str(dose.sessions_per_week)
    parts = []
    if dose.sets > 1:
        several = dose.reps > 1
        parts.append(fill_in(say.sets_of_reps, reps=reps) if several else say.sets)
    elif dose.reps > 1:
        parts.append(fill_in(say.reps, reps=reps))
    if dose.hold_seconds:
        parts.append(fill_in(say.hold, seconds=str(dose.hold_seconds)))
    parts += [say.per_side] if dose.per_side else []
    parts.append(say.once_a_week if dose.sessions_per_week == 1 else say.times_a_week)
    made = fill_in(start_sentence(", ".join(parts)), sets=sets, sessions=sessions)
    return {
        "sets": dose.sets,
        "reps": dose.reps,
        "hold_seconds": dose.hold_seconds,
        "per_side": dose.per_side,
        "sessions_per_week": dose.sessions_per_week,
        "text": dose.text or made,
    }
