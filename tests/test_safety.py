"""Safety comes first: what the screen says, and what it keeps out of every plan."""

from typing import Any

import pytest
from brute import ASSESSOR
from conftest import Call
from hypothesis import given
from hypothesis import strategies as st
from people import CLEARED, EQUIPMENT, MODEL, sheets

from rules.advice import Plan, PlannedRoutine
from rules.assessment import Sheet
from rules.safety import ACTIONS

ROUTINES = {routine.id: routine for routine in MODEL.routines}
FLAGS = {flag.id: flag.action for flag in MODEL.safety.red_flags}
CONDITIONS = {condition.id: condition for condition in MODEL.safety.conditions}
DEEP, GENTLE = "deep_abdominal_pressure", "gentle_abdominal_pressure"
URGENCY = ["none", "review", "same_day", "emergency"]
GATING = [name for name, condition in CONDITIONS.items() if DEEP in condition.blocks]


def shown(plan: Plan) -> list[PlannedRoutine]:
    """Every routine of a plan."""
    massage = [plan["self_massage"]] if plan["self_massage"] else []
    return plan["exercises"] + plan["habit_changes"] + massage


def tags_of(plan: Plan) -> set[str]:
    """Every tag of every routine of a plan."""
    return {tag for routine in shown(plan) for tag in ROUTINES[routine["routine_id"]].tags}


@given(sheets())
def test_the_most_urgent_answer_decides_and_only_all_no_clears(sheet: Sheet) -> None:
    safety = ASSESSOR.assess(sheet)["safety"]
    yes = [name for name in FLAGS if sheet.red_flags.get(name)]
    most = max((URGENCY.index(FLAGS[name]) for name in yes), default=0)
    assert safety["action"] == URGENCY[most]
    assert safety["flags"] == yes
    assert safety["unanswered_flags"] == [n for n in FLAGS if sheet.red_flags.get(n) is None]
    assert safety["cleared"] == all(sheet.red_flags.get(name) is False for name in FLAGS)
    assert safety["self_care_allowed"] == (most < 2)
    if safety["action"] == "none" and not safety["cleared"]:
        assert safety["text"] == MODEL.safety.not_cleared
    else:
        assert safety["text"] == MODEL.safety.actions[safety["action"]].text


@given(sheets(), st.sampled_from([name for name in FLAGS if FLAGS[name] != "review"]))
def test_emergency_and_same_day_give_no_routine_in_any_combination(sheet: Sheet, flag: str) -> None:
    plan = ASSESSOR.assess(sheet._replace(red_flags={**sheet.red_flags, flag: True}))["plan"]
    assert plan["kind"] == "withheld"
    assert not shown(plan)
    assert not plan["left_out"]
    assert plan["five_more_minutes"] is None


@given(sheets())
def test_a_blocked_tag_never_appears(sheet: Sheet) -> None:
    tags = tags_of(ASSESSOR.assess(sheet)["plan"])
    for name, condition in CONDITIONS.items():
        if sheet.conditions.get(name):
            assert tags.isdisjoint(condition.blocks), name
    if any(sheet.red_flags.get(name) for name in FLAGS):
        assert tags.isdisjoint({DEEP, GENTLE, "running"})


@given(sheets())
def test_an_open_gate_question_keeps_pressure_on_the_belly_out(sheet: Sheet) -> None:
    tags = tags_of(ASSESSOR.assess(sheet)["plan"])
    flags_cleared = all(sheet.red_flags.get(name) is False for name in FLAGS)
    for tag in (DEEP, GENTLE):
        gates = [name for name, condition in CONDITIONS.items() if tag in condition.blocks]
        gates_cleared = all(sheet.conditions.get(name) is False for name in gates)
        if tag in tags:
            assert flags_cleared
            assert gates_cleared
    if DEEP in tags:
        assert sheet.plan["deep_pressure_opt_in"] is True
        assert all(sheet.conditions.get(name) is not None for name in CONDITIONS)


@given(sheets())
def test_a_caution_is_on_every_routine_that_earns_one(sheet: Sheet) -> None:
    for routine in shown(ASSESSOR.assess(sheet)["plan"]):
        tags = ROUTINES[routine["routine_id"]].tags
        earned = {
            text
            for name, condition in CONDITIONS.items()
            if sheet.conditions.get(name)
            for tag, text in condition.cautions.items()
            if tag in tags
        }
        told = {text for text in routine["cautions"] if not text.startswith("Not answered yet")}
        assert told == earned
        assert routine["stop_if"] == list(ROUTINES[routine["routine_id"]].stop_if)


@given(sheets())
def test_no_score_and_no_wish_changes_the_screen(sheet: Sheet) -> None:
    assert (
        ASSESSOR.assess(sheet)["safety"]
        == ASSESSOR.assess(sheet._replace(answers={}, plan={}, symptoms={}))["safety"]
    )


OPTED_IN = Sheet(
    {"sitting_hours_per_day": 10, "runs": False},
    **CLEARED,
    plan={
        "deep_pressure_opt_in": True,
        "minutes_per_day": 30,
        "equipment": [option.id for option in EQUIPMENT.options],
    },
)


def left_out(plan: Plan, routine: str) -> dict[str, Any]:
    return next(dict(entry) for entry in plan["left_out"] if entry["routine_id"] == routine)


def test_the_cleared_person_who_opted_in_gets_the_massage() -> None:
    assessment = ASSESSOR.assess(OPTED_IN)
    assert assessment["safety"]["cleared"]
    assert assessment["plan"]["self_massage"]


@pytest.mark.parametrize("name", [*FLAGS, *CONDITIONS])
@pytest.mark.parametrize("how", ["absent", "null"])
def test_taking_back_one_answer_takes_the_massage_and_names_the_answer(name: str, how: str) -> None:
    part = "red_flags" if name in FLAGS else "conditions"
    answers = {**getattr(OPTED_IN, part), name: None}
    if how == "absent":
        del answers[name]
    plan = ASSESSOR.assess(OPTED_IN._replace(**{part: answers}))["plan"]
    assert plan["self_massage"] is None
    entry = left_out(plan, "psoas_self_massage")
    assert entry["reason"] == "gate_unanswered"
    asked = (*MODEL.safety.red_flags, *MODEL.safety.conditions)
    label = next(question.label for question in asked if question.id == name)
    assert entry["detail"].endswith(f"Not answered yet: {label}.")


@pytest.mark.parametrize("name", [*FLAGS, *GATING])
def test_one_yes_takes_the_massage_and_says_why(name: str) -> None:
    part = "red_flags" if name in FLAGS else "conditions"
    sheet = OPTED_IN._replace(**{part: {**getattr(OPTED_IN, part), name: True}})
    plan = ASSESSOR.assess(sheet)["plan"]
    assert plan["self_massage"] is None
    if plan["kind"] != "withheld":
        flagged = name in FLAGS
        expected = "blocked_by_red_flag" if flagged else "blocked_by_condition"
        assert left_out(plan, "psoas_self_massage")["reason"] == expected


OTHERS = [name for name in CONDITIONS if name not in GATING]


@pytest.mark.parametrize("name", OTHERS)
def test_a_condition_that_gates_nothing_must_still_be_answered_by_who_asks(name: str) -> None:
    conditions = {**CLEARED["conditions"], name: None}
    asked = ASSESSOR.assess(OPTED_IN._replace(conditions=conditions))["plan"]
    entry = left_out(asked, "psoas_self_massage")
    assert entry["reason"] == "gate_unanswered"
    assert entry["detail"].endswith(f"Not answered yet: {CONDITIONS[name].label}.")
    wishes = {**OPTED_IN.plan, "deep_pressure_opt_in": False}
    not_asked = ASSESSOR.assess(OPTED_IN._replace(conditions=conditions, plan=wishes))["plan"]
    assert left_out(not_asked, "psoas_self_massage")["reason"] == "not_opted_in"


def test_conditions_that_gate_nothing_may_be_answered_yes() -> None:
    for name, massage in {"intrauterine_device": True, "cannot_get_on_floor": False}.items():
        conditions = {**CLEARED["conditions"], name: True}
        plan = ASSESSOR.assess(OPTED_IN._replace(conditions=conditions))["plan"]
        assert bool(plan["self_massage"]) is massage
        if plan["self_massage"]:
            text = CONDITIONS[name].cautions["deep_abdominal_pressure"]
            assert plan["self_massage"]["cautions"] == [text]


def test_light_pressure_names_the_open_conditions_that_concern_it() -> None:
    conditions = {**CLEARED["conditions"], "endometriosis_or_ovarian_cyst": None}
    others = [name for name in ROUTINES if name != "gentle_supine_release"]
    sheet = OPTED_IN._replace(
        conditions=conditions, plan={**OPTED_IN.plan, "excluded_routine_ids": others}
    )
    (gentle,) = ASSESSOR.assess(sheet)["plan"]["exercises"]
    label = CONDITIONS["endometriosis_or_ovarian_cyst"].label
    assert gentle["cautions"][0].startswith(f"Not answered yet: {label}.")


def test_not_opting_in_is_said_only_when_nothing_else_is_in_the_way() -> None:
    plan = {**OPTED_IN.plan, "deep_pressure_opt_in": False}
    cleared = ASSESSOR.assess(OPTED_IN._replace(plan=plan))["plan"]
    assert left_out(cleared, "psoas_self_massage")["reason"] == "not_opted_in"
    unanswered = ASSESSOR.assess(OPTED_IN._replace(plan=plan, red_flags={}))["plan"]
    assert left_out(unanswered, "psoas_self_massage")["reason"] == "gate_unanswered"


def test_many_open_questions_are_counted_not_listed() -> None:
    plan = ASSESSOR.assess(OPTED_IN._replace(red_flags={}))["plan"]
    detail = left_out(plan, "psoas_self_massage")["detail"]
    assert detail.endswith("and 19 more.")


def test_pain_at_the_front_of_the_hip_keeps_the_running_trial_out() -> None:
    runner = {"runs": True, "running_km_per_week": 70, "sitting_hours_per_day": 4}
    sheet = OPTED_IN._replace(answers=runner, symptoms={"pain_sites": ["low_back", "groin"]})
    entry = left_out(ASSESSOR.assess(sheet)["plan"], "run_cadence_trial")
    assert entry["reason"] == "pain_site"
    assert entry["detail"] == "Left out because of pain in the groin."


def test_actions_are_told_from_the_most_urgent_to_the_least(call: Call) -> None:
    """A client that cannot reach the service for a while goes by this order."""
    told = list(call("GET", "/model/safety").json()["actions"])
    assert told == list(reversed(ACTIONS))
