"""Drawings of the routines: one for each, drawn alike, safe to show, and kept for ever by who fetches them."""

import re
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from conftest import Call, caller, make_app
from people import MODEL

from rules.errors import ModelError
from rules.loading import PACKAGED_MODEL, load_model

IDS = [routine.id for routine in MODEL.routines]
SHAPES = {"svg", "title", "g", "path", "line", "polyline", "polygon", "circle", "ellipse", "rect"}


def test_every_routine_of_ours_has_a_drawing() -> None:
    assert set(MODEL.drawings) == set(IDS)


@pytest.mark.parametrize("name", IDS)
def test_a_drawing_is_plain_small_and_says_what_it_shows(name: str) -> None:
    text = MODEL.drawings[name]
    drawing = ET.fromstring(text)  # noqa: S314  # our own
    assert drawing.get("viewBox") == "0 0 320 240"
    assert len(text) < 6_000
    assert {re.sub(r"^\{.*\}", "", part.tag) for part in drawing.iter()} <= SHAPES
    for part in drawing.iter():
        assert not [key for key in part.attrib if key in ("style", "id") or key.startswith("on")]
        assert not any("url(" in value or "//" in value for value in part.attrib.values())
    title = drawing.find("{http://www.w3.org/2000/svg}title")
    assert title is not None
    assert title.text
    assert title.text.endswith(".") or " " in title.text


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("dead_bug.png", b"", "drawings/dead_bug.png: not a file the model knows"),
        ("dead_bug.svg", b"<svg>\xff</svg>", "drawings/dead_bug.svg: 'utf-8' codec can't decode"),
        ("dead_rug.svg", b"<svg/>", "drawings/dead_rug.svg: there is no such routine"),
    ],
)
def test_a_drawing_that_does_not_fit_is_refused_by_its_file(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    shutil.copytree(PACKAGED_MODEL, tmp_path, dirs_exist_ok=True)
    (tmp_path / "drawings" / name).write_bytes(content)
    with pytest.raises(ModelError) as caught:
        load_model(tmp_path)
    assert any(message in problem for problem in caught.value.problems), caught.value.problems


def test_list_and_detail_lead_to_the_drawing(call: Call) -> None:
    for routine in call("GET", "/routines").json()["routines"]:
        address = routine["drawing"]
        assert address == call("GET", f"/routines/{routine['id']}").json()["drawing"]
        answer = call("GET", address)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/svg+xml"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.text == MODEL.drawings[routine["id"]]
        etag = answer.headers["etag"]
        assert call("GET", address, headers={"If-None-Match": etag}).status_code == 304


def test_without_its_version_a_drawing_is_asked_for_again(call: Call) -> None:
    for address in ("/routines/dead_bug/drawing", "/routines/dead_bug/drawing?v=older"):
        assert "must-revalidate" in call("GET", address).headers["cache-control"]
    assert call("GET", "/routines/nothing/drawing").status_code == 404


def test_a_drawing_can_be_shown_where_everything_else_needs_a_key() -> None:
    call = caller(make_app(public=False))
    assert call("GET", "/routines/dead_bug").status_code == 401
    assert call("GET", "/routines/dead_bug/drawing").status_code == 200
