"""The plan: the best of all sets that may be shown, proved by looking at every one."""

from typing import Any

from brute import ASSESSOR, RULE, best, every_set, need
from conftest import SOAK, many
from hypothesis import given
from hypothesis import strategies as st
from people import CLEARED, MODEL, sheets

from rules.advice import Plan
from rules.assessment import Sheet

ROUTINES = {routine.id: routine for routine in MODEL.routines}
SAFETY_REASONS = ("blocked_by_red_flag", "blocked_by_condition", "gate_unanswered", "not_opted_in")
NOT_ADMITTED = {*SAFETY_REASONS, "pain_site", "excluded", "missing_equipment"}


def ids(planned: list[Any]) -> list[str]:
    """The ids of planned routines."""
    return [routine["routine_id"] for routine in planned]


def with_minutes(sheet: Sheet, minutes: int) -> Sheet:
    return sheet._replace(plan={**sheet.plan, "minutes_per_day": minutes})


@many(2_000)
@given(sheets(), st.integers(0, 120))
def test_the_plan_is_the_best_there_is(sheet: Sheet, minutes: int) -> None:
    """Every budget from 0 to 120 in the long proof; a drawn one and some others otherwise."""
    assessment = ASSESSOR.assess(sheet)
    if assessment["plan"]["kind"] != "routines":
        return
    scores = {habit["id"]: habit["score"] for habit in assessment["habits"]}
    needs = {habit.id: need(habit.id, scores) for habit in MODEL.habits}
    reasons = {entry["routine_id"]: entry["reason"] for entry in assessment["plan"]["left_out"]}
    candidates = [
        routine
        for routine in MODEL.routines
        if reasons.get(routine.id) not in NOT_ADMITTED
        and any(needs[habit] for habit in routine.targets)
    ]
    slots = {
        slot: [routine for routine in candidates if routine.slot == slot]
        for slot in ("exercise", "habit_change", "self_massage")
    }
    exercises = every_set(slots["exercise"], RULE.most_exercises, needs)
    changes = every_set(slots["habit_change"], RULE.most_habit_changes, needs)
    equipment = sheet.plan.get("equipment") or ()
    massages = [m for m in slots["self_massage"] if m.not_beside not in equipment]
    massages.sort(key=lambda massage: RULE.self_massage.index(massage.id))
    for budget in range(121) if SOAK else {minutes, 0, 4, 5, 9, 10, 14, 15, 120}:
        plan = ASSESSOR.assess(with_minutes(sheet, budget))["plan"]
        massage = massages[0] if massages and massages[0].minutes <= budget else None
        taken = massage.minutes if massage else 0
        chosen = best(exercises, budget - taken)
        if massage and not chosen[3]:
            massage, taken, chosen = None, 0, best(exercises, budget)
        more = best(exercises, min(budget + 5, 120) - taken)
        assert sorted(ids(plan["exercises"])) == chosen[3]
        assert sorted(ids(plan["habit_changes"])) == best(changes)[3]
        shown_massage = plan["self_massage"]
        assert (shown_massage and shown_massage["routine_id"]) == (massage and massage.id)
        told = plan["five_more_minutes"]
        assert told
        assert sorted(told["exercises"]) == more[3]
        assert abs(told["value_gain"] - float(chosen[0] - more[0])) <= 0.005 + 1e-9
        for shown in (plan["exercises"], plan["habit_changes"]):
            alone = [every_set([ROUTINES[name]], 1, needs)[0][0] for name in ids(shown)]
            assert sorted(zip(alone, ids(shown), strict=True)) == list(
                zip(alone, ids(shown), strict=True)
            )


@given(sheets())
def test_every_routine_is_shown_or_left_out_with_a_reason(sheet: Sheet) -> None:
    plan = ASSESSOR.assess(sheet)["plan"]
    massage = [plan["self_massage"]] if plan["self_massage"] else []
    shown = ids(plan["exercises"] + plan["habit_changes"] + massage)
    left_out = ids(plan["left_out"])
    if plan["kind"] == "withheld":
        assert not shown
        assert not left_out
    else:
        assert sorted(shown + left_out) == sorted(ROUTINES)
    assert all(entry["detail"] for entry in plan["left_out"])
    minutes = sum(ROUTINES[name].minutes for name in ids(plan["exercises"] + massage))
    assert plan["minutes_used"] == minutes
    assert minutes <= plan["minutes_per_day"] or plan["kind"] == "maintain"
    assert plan["intended_use"] == MODEL.intended_use
    if massage:
        assert plan["exercises"]


@given(sheets())
def test_the_reason_given_is_the_first_that_holds(sheet: Sheet) -> None:
    assessment = ASSESSOR.assess(sheet)
    scores = {habit["id"]: habit["score"] for habit in assessment["habits"]}
    for entry in assessment["plan"]["left_out"]:
        assert entry["reason"] == first_reason(sheet, entry["routine_id"], scores)


def first_reason(sheet: Sheet, name: str, scores: dict[str, Any]) -> str:  # noqa: C901, PLR0911
    """The first reason against a routine, in the order of the published list."""
    routine, plan = ROUTINES[name], sheet.plan
    abdominal = {"deep_abdominal_pressure", "gentle_abdominal_pressure"} & set(routine.tags)
    flags = [sheet.red_flags.get(flag.id) for flag in MODEL.safety.red_flags]
    if True in flags and (abdominal or "running" in routine.tags):
        return "blocked_by_red_flag"
    answered = {c.id: sheet.conditions.get(c.id) for c in MODEL.safety.conditions}
    if any(answered[c.id] and set(c.blocks) & set(routine.tags) for c in MODEL.safety.conditions):
        return "blocked_by_condition"
    gating = [answered[c.id] for c in MODEL.safety.conditions if abdominal & set(c.blocks)]
    opted_in = plan.get("deep_pressure_opt_in")
    if abdominal and None in flags + gating:
        return "gate_unanswered"
    if "deep_abdominal_pressure" in abdominal and opted_in and None in answered.values():
        return "gate_unanswered"
    if "deep_abdominal_pressure" in abdominal and not opted_in:
        return "not_opted_in"
    if set(routine.blocked_by_pain_sites) & set(sheet.symptoms.get("pain_sites") or ()):
        return "pain_site"
    if name in (plan.get("excluded_routine_ids") or ()):
        return "excluded"
    usual = ["bed", "chair", "cushion", "mat", "pillow", "wall_or_sofa"]
    at_hand = plan.get("equipment")
    if not set(routine.equipment) <= set(usual if at_hand is None else at_hand):
        return "missing_equipment"
    if not any(need(habit, scores) for habit in routine.targets):
        return "no_need"
    minutes = plan.get("minutes_per_day")
    if routine.slot != "habit_change" and routine.minutes > (15 if minutes is None else minutes):
        return "over_budget"
    return "worth_less"


SITTER = {
    "sitting_hours_per_day": 9,
    "usual_sitting_bout_minutes": 90,
    "slouched_hours_per_day": 0,
    "fetal_hours_per_night": 0,
    "one_leg_standing_hours_per_day": 0,
    "runs": False,
}


def plan_for(answers: dict[str, Any], cleared: bool = False, **wishes: Any) -> Plan:
    """The plan for answers and wishes, with every safety question answered no or none answered."""
    return ASSESSOR.assess(Sheet(answers, **(CLEARED if cleared else {}), plan=wishes))["plan"]


def test_who_opted_in_and_was_cleared_gets_the_massage_beside_an_exercise() -> None:
    wishes = {"equipment": ["massage_ball", "mat"], "deep_pressure_opt_in": True}
    plan = plan_for(SITTER, cleared=True, **wishes, minutes_per_day=15)
    assert plan["self_massage"]
    assert plan["self_massage"]["routine_id"] == "psoas_self_massage"
    assert plan["self_massage"]["steps"][0].startswith("Find the psoas")
    assert len(plan["self_massage"]["steps"]) == 5
    assert plan["minutes_used"] <= 15
    assert ids(plan["exercises"])


def test_the_massage_is_dropped_rather_than_shown_alone() -> None:
    wishes = {"equipment": ["massage_ball", "mat"], "deep_pressure_opt_in": True}
    plan = plan_for(SITTER, cleared=True, **wishes, minutes_per_day=10)
    assert plan["self_massage"] is None
    assert ids(plan["exercises"])
    reasons = {entry["routine_id"]: entry for entry in plan["left_out"]}
    assert reasons["psoas_self_massage"]["reason"] == "worth_less"
    assert "never suggested alone" in reasons["psoas_self_massage"]["detail"]


def test_the_rigid_tool_is_only_for_those_without_a_ball() -> None:
    wishes = {"deep_pressure_opt_in": True, "minutes_per_day": 20}
    with_both = plan_for(
        SITTER, cleared=True, equipment=["massage_ball", "mat", "pso_rite"], **wishes
    )
    assert with_both["self_massage"]
    assert with_both["self_massage"]["routine_id"] == "psoas_self_massage"
    without = plan_for(SITTER, cleared=True, equipment=["pso_rite", "mat"], **wishes)
    assert without["self_massage"]
    assert without["self_massage"]["routine_id"] == "pso_rite_release"
    reasons = {entry["routine_id"]: entry for entry in with_both["left_out"]}
    assert reasons["pso_rite_release"]["reason"] == "worth_less"
    assert "do not have a soft massage ball" in reasons["pso_rite_release"]["detail"]


def test_unanswered_equipment_is_what_homes_have_and_an_empty_list_is_none() -> None:
    assumed = {entry["routine_id"]: entry["reason"] for entry in plan_for(SITTER)["left_out"]}
    assert assumed["psoas_march"] == "missing_equipment"
    assert assumed.get("glute_bridge") != "missing_equipment"
    none = {e["routine_id"]: e for e in plan_for(SITTER, equipment=[])["left_out"]}
    assert none["glute_bridge"]["reason"] == "missing_equipment"
    assert none["glute_bridge"]["detail"] == "It needs a mat."


def test_who_has_nothing_to_report_may_keep_walking() -> None:
    nothing = {**SITTER, "sitting_hours_per_day": 2}
    plan = plan_for(nothing, minutes_per_day=0)
    assert plan["kind"] == "maintain"
    assert ids(plan["exercises"]) == ["walk_progressive"]
    assert plan["minutes_used"] == 10
    excluded = plan_for(nothing, excluded_routine_ids=["walk_progressive"])
    assert excluded["kind"] == "maintain"
    assert excluded["exercises"] == []
    assert "walking" not in excluded["text"]


def test_too_few_answers_give_no_plan_but_one_high_score_does() -> None:
    assert plan_for({})["kind"] == "not_enough_answers"
    assert plan_for({"sitting_hours_per_day": 3})["kind"] == "not_enough_answers"
    assert plan_for({"sitting_hours_per_day": 9})["kind"] == "routines"


def test_a_plan_in_which_nothing_fits_says_so() -> None:
    plan = plan_for(SITTER, excluded_routine_ids=list(ROUTINES))
    assert plan["kind"] == "routines"
    assert plan["text"].startswith("None of the routines fits just now.")
    assert {entry["reason"] for entry in plan["left_out"]} == {"excluded", "gate_unanswered"}


def test_an_unanswered_habit_is_not_called_low() -> None:
    told = {e["routine_id"]: e for e in plan_for({"sitting_hours_per_day": 9})["left_out"]}
    assert told["run_session_cap"]["reason"] == "no_need"
    assert told["run_session_cap"]["detail"].startswith("Not enough is answered yet")
    told = {entry["routine_id"]: entry for entry in plan_for(SITTER)["left_out"]}
    assert told["run_session_cap"]["detail"].startswith("None of the habits it is for")


def test_the_reason_names_the_component_that_the_routine_is_about() -> None:
    plan = plan_for(SITTER)
    whys = {r["routine_id"]: r["why"] for r in plan["exercises"] + plan["habit_changes"]}
    assert whys["sit_break_30"] == (
        "Sitting bouts of 90 minutes gave 22.5 points for prolonged sitting."
    )
    assert whys["walk_progressive"] == (
        "Sitting for 9 hours a day gave 65 points for prolonged sitting."
    )
    slumped = plan_for({**SITTER, "slouched_hours_per_day": 6, "fetal_hours_per_night": 6})
    whys = {r["routine_id"]: r["why"] for r in slumped["exercises"] + slumped["habit_changes"]}
    assert whys["walk_progressive"] == (
        "Sitting for 9 hours a day gave 65 points for prolonged sitting. "
        "This routine is also meant for slouching and fetal sleeping."
    )
    assert whys["posture_variation"] == (
        "Sitting slumped for 6 hours a day gave 50 points for slouching. "
        "This routine is also meant for prolonged sitting."
    )


def test_doses_are_said_in_words() -> None:
    plan = plan_for(SITTER, minutes_per_day=120)
    shown = {r["routine_id"]: r["dose"]["text"] for r in plan["exercises"] + plan["habit_changes"]}
    assert shown["walk_progressive"] == "3 days a week to begin with, 5 days a week in time"
    assert shown["sit_break_30"] == "About 10 times a day, 5 days a week"
    stretch = plan_for(SITTER, excluded_routine_ids=["walk_progressive", "breathing_90_90"])
    text = {r["routine_id"]: r["dose"]["text"] for r in stretch["exercises"]}
    assert "3 times, holding for 30 seconds, on each side, 5 sessions a week" in text.values()
