"""What every address does: problems, ETags, headers, health, and nothing open that was not asked for."""

import io
import json
from html import unescape

import pytest
from conftest import Call, caller, make_app
from people import MODEL

KNOWLEDGE = [
    "/",
    "/openapi.json",
    "/questionnaire",
    "/model",
    "/model/sources",
    *(f"/model/habits/{habit.id}" for habit in MODEL.habits),
]


@pytest.mark.parametrize("path", KNOWLEDGE)
def test_knowledge_is_sent_once(call: Call, path: str) -> None:
    first = call("GET", path)
    assert first.status_code == 200
    tag = first.headers["etag"]
    for sent in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = call("GET", path, headers={"If-None-Match": sent})
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["etag"] == tag
    assert call("GET", path, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("path", [*KNOWLEDGE, "/healthz", "/readyz"])
def test_every_response_names_model_and_request(call: Call, path: str) -> None:
    response = call("GET", path)
    assert response.headers["psoas-model"] == f"{MODEL.version}; digest={MODEL.digest}"
    assert response.headers["x-request-id"] == "example"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("POST", "/nowhere", 404),
        ("GET", "/assess/", 404),
        ("GET", "/redoc", 404),
        ("GET", "/model/habits/", 404),
        ("GET", "/model/habits/smoking", 404),
        ("GET", "/assess", 405),
        ("DELETE", "/questionnaire", 405),
        ("PUT", "/", 405),
    ],
)
def test_errors_of_the_framework_are_problems_too(
    call: Call, method: str, path: str, status: int
) -> None:
    response = call(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert set(problem) == {"type", "title", "status", "detail", "instance", "request_id"}
    assert problem["status"] == status
    assert problem["request_id"] == response.headers["x-request-id"] == "example"
    assert problem["instance"] == "urn:psoas-risk:request:example"
    if status == 405:
        assert response.headers["allow"] in ("POST", "GET, HEAD")


def test_a_path_is_never_logged_or_repeated(log: io.BytesIO) -> None:
    call = caller(make_app(log))
    for path in ("/canary-4711", "/model/habits/canary-4711", "/assess?weight=canary-4711"):
        assert "canary" not in call("GET", path).text
    assert b"canary" not in log.getvalue()
    routes = [json.loads(line)["route"] for line in log.getvalue().splitlines()]
    assert routes == [None, "/model/habits/{id}", "/assess"]


def test_health_and_readiness(call: Call) -> None:
    assert call("GET", "/healthz").json() == {"status": "ok"}
    assert call("GET", "/readyz").json() == {
        "status": "ready",
        "model": MODEL.version,
        "storage": "ready",
        "spool": "ready",
    }


def test_no_page_may_call_from_elsewhere_unless_configured() -> None:
    origin = {"Origin": "https://app.example"}
    asking = {**origin, "Access-Control-Request-Method": "POST"}
    closed = caller(make_app())
    assert "access-control-allow-origin" not in closed("GET", "/model", headers=origin).headers
    assert closed("OPTIONS", "/assess", headers=asking).status_code == 405
    assert "access-control-allow-origin" not in closed("POST", "/assess", headers=origin).headers
    opened = caller(make_app(cors_origins="https://app.example, https://other.example"))
    response = opened("GET", "/model", headers=origin)
    assert response.headers["access-control-allow-origin"] == "https://app.example"
    assert "Psoas-Model" in response.headers["access-control-expose-headers"]
    assert opened("OPTIONS", "/assess", headers=asking).status_code == 200
    assert opened("OPTIONS", "/assess", headers=asking).headers["x-request-id"] == "example"
    refused = opened(
        "OPTIONS", "/assess", headers={**asking, "Origin": "https://elsewhere.example"}
    )
    assert refused.status_code == 400
    assert refused.headers["content-type"] == "application/problem+json"
    stranger = {"Origin": "https://elsewhere.example"}
    assert "access-control-allow-origin" not in opened("GET", "/model", headers=stranger).headers


def test_the_front_page_loads_nothing_from_elsewhere(call: Call) -> None:
    response = call("GET", "/")
    assert response.headers["content-type"].startswith("text/html")
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
    page = response.text
    assert MODEL.version in page
    assert "{{" not in page
    assert "http://test/assess" in page
    named = call("GET", "/", headers={"Host": "a<b>.example:8123"}).text
    assert "a<b>" not in named
    assert "'http://$(id).example/assess'" in unescape(
        call("GET", "/", headers={"Host": "$(id).example"}).text
    )
    assert "https://" not in page
    for part in page.split('href="')[1:]:
        address = part.partition('"')[0]
        assert address.startswith("#") or call("GET", address).status_code == 200


def test_headers_that_nobody_needs_are_refused_before_anything_is_remembered_of_them(
    call: Call,
) -> None:
    for name in ("Accept-Language", "Accept-Encoding", "X-Request-Id"):
        refused = call("GET", "/questionnaire", headers={name: "canary-" * 5_000})
        assert refused.status_code == 400
        assert refused.headers["content-type"] == "application/problem+json"
        assert "canary" not in refused.text
        assert call("GET", "/questionnaire", headers={name: "canary-" * 4_000}).status_code == 200


@pytest.mark.parametrize("path", [*KNOWLEDGE, "/healthz", "/readyz"])
def test_head_gives_the_headers_of_get(call: Call, path: str) -> None:
    got, headed = call("GET", path), call("HEAD", path)
    assert headed.status_code == 200
    assert headed.content == b""
    assert dict(headed.headers) == dict(got.headers)


def test_two_lines_of_if_none_match_are_one_list(call: Call) -> None:
    tag = call("GET", "/model").headers["etag"]
    lines = [("If-None-Match", '"other"'), ("If-None-Match", tag)]
    assert call("GET", "/model", headers=lines).status_code == 304


def test_parameters_that_the_framework_refuses_are_problems_too() -> None:
    app = make_app()

    @app.get("/numbered/{number}")
    async def get_numbered(number: int) -> int:
        return number

    response = caller(app)("GET", "/numbered/canary")
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["errors"][0]["pointer"] == "/path/number"
    assert "canary" not in response.text


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
def test_an_assessment_is_sent_compressed_to_those_who_can_read_that(
    call: Call, encoding: str
) -> None:
    sent = {"answers": {"sitting_hours_per_day": 8}}
    plain = call("POST", "/assess", json=sent, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    told = call("POST", "/assess", json=sent, headers={"Accept-Encoding": encoding})
    assert told.headers["content-encoding"] == encoding
    assert told.headers["vary"] == "Accept-Encoding"
    assert told.json() == plain.json()
    assert int(told.headers["content-length"]) * 3 < int(plain.headers["content-length"])


def test_knowledge_is_sent_compressed_with_an_etag_of_its_own(call: Call) -> None:
    plain = call("GET", "/questionnaire", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    refused = call("GET", "/questionnaire", headers={"Accept-Encoding": "gzip;q=0"})
    assert "content-encoding" not in refused.headers
    zipped = call("GET", "/questionnaire", headers={"Accept-Encoding": "br, gzip;q=0.5"})
    assert zipped.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in zipped.headers["vary"]
    assert zipped.content == plain.content
    assert zipped.headers["etag"] != plain.headers["etag"]
    for etag in (plain.headers["etag"], zipped.headers["etag"], f"W/{zipped.headers['etag']}"):
        headers = {"If-None-Match": etag}
        assert call("GET", "/questionnaire", headers=headers).status_code == 304
