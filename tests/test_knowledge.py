"""The knowledge endpoints: enough to draw the form, and every number with what it rests on."""

from typing import Any

from conftest import Call
from people import MODEL


def test_the_questionnaire_is_enough_to_draw_the_form(call: Call) -> None:
    form = call("GET", "/questionnaire").json()
    assert [section["id"] for section in form["sections"]] == [
        *("about", "red_flags", "conditions", "symptoms"),
        *(habit.id for habit in MODEL.habits),
        "plan",
    ]
    asked = [
        (section["part"], question)
        for section in form["sections"]
        for question in section["questions"]
    ]
    in_answers = [question["id"] for part, question in asked if part == "answers"]
    assert in_answers == list(MODEL.questions)
    assert len({question["id"] for _, question in asked}) == len(asked)
    for part, question in asked:
        assert question["ask"].endswith("?")
        match question["answer"]:
            case "number" | "whole_number":
                assert question["minimum"] < question["maximum"]
                assert question["unit"]
                assert question["unit_text"]
            case "choice" | "several":
                assert all(option["id"] and option["label"] for option in question["options"])
        assert (question["assumed"] is not None) == (part == "plan")
        for gate in question["asked_only_if"]:
            assert gate in in_answers
        sent = {"answers": {}, part: {question["id"]: question["example"]}}
        assert call("POST", "/assess", json=sent).status_code == 200
        everything = {"answers": {}, part: {question["id"]: None}}
        assert call("POST", "/assess", json=everything).status_code == 200


def test_the_bounds_of_the_form_are_the_bounds_of_the_service(call: Call) -> None:
    for question in MODEL.questions.values():
        if question.minimum is None or question.maximum is None:
            continue
        edge = 1 if question.answer == "whole_number" else 0.001
        tried = {
            question.minimum: 200,
            question.maximum: 200,
            question.minimum - edge: 422,
            question.maximum + edge: 422,
        }
        for value, status in tried.items():
            sent = int(value) if question.answer == "whole_number" else value
            response = call("POST", "/assess", json={"answers": {question.id: sent}})
            assert response.status_code == status, (question.id, value)


def test_the_model_tells_its_limits_and_what_it_left_out(call: Call) -> None:
    told = call("GET", "/model").json()
    assert told["validation_status"] == "not_validated"
    assert told["digest"] == MODEL.digest
    assert {note["id"] for note in told["notes"]} >= {
        "left_out_weekly_jumps",
        "left_out_workload_ratio",
    }
    assert {limit["id"] for limit in told["limits"]} >= {
        "not_validated",
        "adults_only",
        "self_report",
    }
    assert sum(habit["weight"] for habit in told["habits"]) == 100
    assert [habit["id"] for habit in told["habits"] if habit["sets_floor"]] == [
        "prolonged_sitting",
        "heavy_running",
    ]


def test_every_number_of_a_habit_has_sources_or_a_reason(call: Call) -> None:
    sources = {entry["id"] for entry in call("GET", "/model/sources").json()["sources"]}
    for habit in MODEL.habits:
        told = call("GET", f"/model/habits/{habit.id}").json()
        assert told["evidence"]["grade"] == habit.evidence.grade
        for component in told["components"]:
            points = component["curve"]["points"] if component["curve"] else []
            for part in [component, *points, component["never_more_than"], component["factor"]]:
                if part is not None:
                    assert part["sources"] or part["reason"]
        assert set(cited(told)) <= sources


def test_the_catalogue_lists_every_routine_and_tells_it_in_full(call: Call) -> None:
    listed = call("GET", "/routines").json()["routines"]
    assert [entry["id"] for entry in listed] == [routine.id for routine in MODEL.routines]
    assert len(listed) == 26
    for entry in listed:
        told = call("GET", f"/routines/{entry['id']}").json()
        assert told["title"] == entry["title"]
        assert list(told["targets"]) == entry["habits"]
        assert bool(told["steps"]) != bool(told["parts"])
        assert set(cited(told)) <= set(MODEL.sources)
        for part in (told, told["dose"], *told["parts"]):
            assert part["sources"] or part["reason"]
    assert call("GET", "/routines/handstand").status_code == 404


def test_the_articles_massage_is_told_as_the_article_has_it(call: Call) -> None:
    told = call("GET", "/routines/psoas_self_massage").json()
    assert [part["id"] for part in told["parts"]] == [
        "locate",
        "setup",
        "ball",
        "settle",
        "breathe",
    ]
    claims = {claim["id"]: claim["verdict"] for claim in told["claims"]}
    assert claims["eases_pain"] == "unsupported"
    assert told["evidence"]["grade"] == "expert_opinion"
    assert {"deep_abdominal_pressure", "prone"} <= set(told["tags"])


def test_the_safety_screen_is_told_with_its_grounds(call: Call) -> None:
    told = call("GET", "/model/safety").json()
    assert len(told["red_flags"]) == 22
    assert len(told["conditions"]) == 26
    assert [action for action, what in told["actions"].items() if what["withholds_plan"]] == [
        "emergency",
        "same_day",
    ]
    assert "clinician" in told["sign_off"]
    sources = {entry["id"] for entry in call("GET", "/model/sources").json()["sources"]}
    for part in (*told["red_flags"], *told["conditions"]):
        assert part["sources"] or part["reason"]
        assert set(part["sources"]) <= sources


def test_the_background_gives_each_claim_a_verdict_and_a_grade(call: Call) -> None:
    told = call("GET", "/model/psoas").json()
    assert [topic["id"] for topic in told["topics"]] == [
        "what_and_where",
        "why_it_matters",
        "what_weakens_it",
        "benefits_of_massage",
        "does_massage_work",
    ]
    claims = {claim["id"]: claim for topic in told["topics"] for claim in topic["claims"]}
    assert all(claim["grade"] and claim["verdict"] and claim["note"] for claim in claims.values())
    verdicts = {claim["verdict"] for claim in claims.values()}
    assert verdicts > {"unsupported", "contradicted"}


def cited(part: Any) -> list[str]:
    """Every source id in a JSON document."""
    if isinstance(part, list):
        return [source for item in part for source in cited(item)]
    if not isinstance(part, dict):
        return []
    here = [source for name, value in part.items() if name == "sources" for source in value]
    return here + [source for value in part.values() for source in cited(value)]


def test_every_source_is_used_and_says_how_closely_it_was_read(call: Call) -> None:
    for entry in call("GET", "/model/sources").json()["sources"]:
        assert entry["source"]["read"] in ("abstract", "number_from_memory")
        assert entry["source"]["reference"]
        assert entry["source"]["finding"]


def test_grades_and_weights_are_those_of_the_model_page() -> None:
    expected = {
        "prolonged_sitting": (35, "low", "uncertain"),
        "slouching": (15, "very_low", "unsupported"),
        "fetal_sleeping": (10, "expert_opinion", "expert_opinion_only"),
        "one_sided_loading": (15, "very_low", "unsupported"),
        "heavy_running": (25, "moderate", "contradicted"),
    }
    found = {
        habit.id: (habit.index.weight, habit.evidence.grade, habit.psoas_claim.verdict)
        for habit in MODEL.habits
    }
    assert found == expected
