"""What a caller would rather have, by headers such as Accept."""

import pytest

from api.preferences import read_preferences


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("", []),
        (" , ;q=1", []),
        ("de", ["de"]),
        ("de-AT, en;q=0.5", ["de-at", "en"]),
        ("en;q=0.5, de;q=0.9", ["de", "en"]),
        ("en;q=0.5, de;q=0.5", ["en", "de"]),
        ("de;q=0, en", ["en"]),
        ("de;q=0.000, en;q=0.001", ["en"]),
        ("DE ; Q=0.3,fr ;q = nonsense, *", ["fr", "*", "de"]),
        ("a;q=7, b;q=-1, c;q=nan, d;q=0.2", ["a", "b", "c", "d"]),
    ],
)
def test_what_is_named_is_sorted_by_how_much_it_is_wanted(header: str, wanted: list[str]) -> None:
    assert [one.name for one in read_preferences(header)] == wanted


def test_what_else_is_said_of_it_is_kept() -> None:
    header = 'Application/JSON; FhirVersion="5.0" ; q=0.1; charset=utf-8, text/csv'
    csv, json = read_preferences(header)
    assert (csv.name, csv.parameters) == ("text/csv", {})
    assert json.name == "application/json"
    assert json.parameters == {"fhirversion": "5.0", "charset": "utf-8"}
