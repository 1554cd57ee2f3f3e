"""Real answers that nobody here wrote, scored one by one; skipped without PSOAS_TEST_DATA."""

import csv
from pathlib import Path

from conftest import caller, make_app

from rules.assessment import Assessor, Sheet

REFUSED_OR_UNKNOWN = ("", "7777", "9999")


def test_reported_sitting_of_a_national_survey(real_data: Path, assessor: Assessor) -> None:
    """Minutes of sitting as published: a few are above the bound, some unknown, the others scored."""
    call = caller(make_app())
    counts = {"scored": 0, "unknown": 0, "above the bound": 0}
    with (real_data / "nhanes_2017_2020.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            minutes = row["PAD680"].removesuffix(".0")
            hours = None if minutes in REFUSED_OR_UNKNOWN else float(minutes) / 60
            if hours is not None and hours > 20:
                counts["above the bound"] += 1
                response = call(
                    "POST", "/assess", json={"answers": {"sitting_hours_per_day": hours}}
                )
                assert response.status_code == 422
                continue
            sitting = assessor.assess(Sheet({"sitting_hours_per_day": hours}))["habits"][0]
            counts["unknown" if hours is None else "scored"] += 1
            assert (sitting["score"] is None) == (hours is None)
            assert 0 <= sitting["low"] <= sitting["high"] <= 100
    assert counts["above the bound"] == 3
    assert sum(counts.values()) == 9693
    assert counts["unknown"] > 17
