"""What scores say: the sentences for a person, as they would be read aloud."""

from typing import Any

import pytest

from rules.assessment import Assessor


@pytest.mark.parametrize(
    ("answers", "habit", "said"),
    [
        ({}, "heavy_running", "It needs your answer on this first: running at all."),
        ({"runs": True}, "heavy_running", "It needs your answer on this first: weekly running distance."),
        ({"slouched_hours_per_day": 0}, "slouching", "Nothing you answered added points."),
        ({"sitting_hours_per_day": 6, "usual_sitting_bout_minutes": 32}, "prolonged_sitting", "(1 point)"),
        ({"sitting_hours_per_day": 9, "sitting_hours_source": "device"}, "prolonged_sitting", "sitting for 9 hours a day by a device's count (45 points)"),
        ({"runs": True, "running_km_per_week": 40}, "heavy_running", "Overload is another matter"),
    ],
)  # fmt: skip
def test_comments_say_it_as_a_person_would(
    assessor: Assessor, answers: dict[str, Any], habit: str, said: str
) -> None:
    scored = next(h for h in assessor.assess(answers)["habits"] if h["id"] == habit)
    assert said in scored["lay_comment"]


@pytest.mark.parametrize(
    ("answers", "component", "said"),
    [
        ({"slouched_hours_per_day": 0}, "seat_and_screen", "Not answered: support for the small of the back and height of the screen. With the other answers it makes no difference."),
        ({"slouched_hours_per_day": 2}, "seat_and_screen", "Not answered yet: support for the small of the back and height of the screen. Nothing is counted here; the interval shows what it could change."),
        ({"slouched_hours_per_day": 1, "lumbar_support": "never", "screen_position": "above"}, "seat_and_screen", "No support for the small of the back and a screen above eye level gave 10 points: no more than 10 for each hour of sitting slumped."),
        ({"slouched_hours_per_day": 0, "lumbar_support": "never"}, "seat_and_screen", "No support for the small of the back gave no points."),
        ({"runs": False, "running_injury_last_12_months": True}, "previous_injury", "Not running gave no points."),
        ({"sitting_hours_per_day": 1.004}, "volume", "Sitting for 1 hour a day gave no points."),
    ],
)  # fmt: skip
def test_components_say_what_gave_their_points(
    assessor: Assessor, answers: dict[str, Any], component: str, said: str
) -> None:
    parts = [part for h in assessor.assess(answers)["habits"] for part in h["components"] or []]
    assert said in [part["text"] for part in parts if part["id"] == component]
