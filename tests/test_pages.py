"""Every page of our own: nothing from elsewhere, no error, one strict policy, and open to everybody."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from browser import DESK, PHONE, Scheme, find_barriers, looking, shoot
from conftest import Call, caller, make_app
from playwright.sync_api import Browser
from serving import Serving, serving

from api.pages.assets import POLICY, read_assets
from api.pages.guides import ORDER

pytest_plugins = ["browsing"]

GUIDES = [f"/guides/{name}" for name in ORDER]
OWN = ["/", "/try", "/clinic", "/guides", *GUIDES]
PAGES = [*OWN, "/docs"]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_the_same_strict_policy_and_no_inline_script(call: Call, path: str) -> None:
    response = call("GET", path)
    assert response.status_code == 200
    assert response.headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-language"] == "en"
    assert 'lang="en"' in response.text
    for script in re.findall(r"<script\b[^>]*>", response.text):
        assert "src=" in script or 'type="application/json"' in script
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", response.text)
    assert not re.search(r"""(src|href)=["']?(https?:)?//(?!127\.0\.0\.1)""", response.text)


@pytest.mark.parametrize("path", PAGES)
def test_what_a_page_names_is_there_and_kept_for_ever(call: Call, path: str) -> None:
    named = re.findall(r'(?:src|href)="(/assets/[^"]+)"', call("GET", path).text)
    assert named
    for address in named:
        response = call("GET", address)
        assert response.status_code == 200, address
        assert "immutable" in response.headers["cache-control"]
        assert response.headers["content-security-policy"] == POLICY
        other = call("GET", re.sub(r"/assets/[^/]+", "/assets/another", address))
        assert other.status_code == 200
        assert other.headers["cache-control"] == "no-store"


def test_what_is_no_asset_is_not_found(call: Call) -> None:
    for name in ("nothing.js", "../frame.py", "vendor/swagger-ui/LICENSE"):
        assert call("GET", f"/assets/{read_assets().digest}/{name}").status_code == 404
    for address in ("/guides/nothing", "/guides/files/nothing.toml", "/guides/../pyproject.toml"):
        assert call("GET", address).status_code == 404


LINK = re.compile(r'(?:href|src)="([^"]*)"')


@pytest.mark.parametrize("path", PAGES)
def test_every_link_leads_somewhere(call: Call, path: str) -> None:
    text = call("GET", path).text
    for address in LINK.findall(text):
        target, _, anchor = address.partition("#")
        if target.startswith(("https://", "http://")):
            continue  # leads to elsewhere; that nothing is loaded from there is tested above
        assert not target or target.startswith("/"), f"{address} depends on where it stands"
        found = call("GET", target) if target else None
        assert found is None or found.status_code in (200, 401), address
        if anchor:
            assert f'id="{anchor}"' in (found.text if found else text), address


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("path", OWN)
def test_a_page_shows_itself_without_error_foreign_request_or_barrier(
    chromium: Browser, service: Serving, path: str, width: int, scheme: Scheme
) -> None:
    with looking(chromium, service.address, width, scheme) as (_, page, seen):
        page.goto(path, wait_until="networkidle")
        shoot(page, f"page{path.replace('/', '-')}-{width}-{scheme}")
        assert seen.errors == []
        assert seen.foreign == []
        across: Any = page.evaluate("document.documentElement.scrollWidth")
        assert across <= width, "the page is wider than the screen"
        assert find_barriers(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_the_reference_shows_every_operation_and_tries_one(
    chromium: Browser, service: Serving, width: int, scheme: Scheme
) -> None:
    document = httpx.get(f"{service.address}/openapi.json").json()
    operations = sum(len(path) for path in document["paths"].values())
    with looking(chromium, service.address, width, scheme) as (_, page, seen):
        page.goto("/docs", wait_until="networkidle")
        page.wait_for_selector(".opblock")
        assert page.locator(".opblock").count() == operations
        block = page.locator("#operations-assess-assess")
        block.locator(".opblock-summary-control").click()
        block.locator(".btn.execute").click()
        answer = block.locator(".live-responses-table tbody .response-col_status").first
        answer.wait_for()
        shoot(page, f"docs-{width}-{scheme}")
        assert answer.inner_text().startswith("200")
        assert seen.errors == []
        assert seen.foreign == []


@pytest.mark.parametrize("path", OWN)
def test_large_letters_do_not_make_a_page_wider_than_a_phone(
    chromium: Browser, service: Serving, path: str
) -> None:
    with looking(chromium, service.address, PHONE) as (context, page, _):
        large = {"fontSizes": {"standard": 32}}
        context.new_cdp_session(page).send("Page.setFontSizes", large)
        page.goto(path, wait_until="networkidle")
        shoot(page, f"page{path.replace('/', '-')}-large")
        across: Any = page.evaluate("document.documentElement.scrollWidth")
        assert across <= PHONE


def test_what_is_english_on_a_page_in_another_language_says_so(
    chromium: Browser, tmp_path: Path
) -> None:
    storage = {"data_dir": tmp_path / "data"}
    with (
        serving(storage, tmp_path / "log", unreviewed_languages="es") as spanish,
        looking(chromium, spanish.address, locale="es") as (_, page, _),
    ):
        for path, english in [
            ("/guides", ".guides"),
            ("/guides/operate", ".guide"),
            ("/docs", "#reference"),
        ]:
            page.goto(path)
            assert page.locator("html").get_attribute("lang") == "es"
            assert page.locator(english).get_attribute("lang") == "en"
        page.goto("/guides/understand-a-score")
        page.locator(".pencil-now").wait_for()
        sums = page.locator("[data-live=pencil]")
        assert sums.get_attribute("lang") == "es"
        assert sums.locator("details div").get_attribute("lang") == "en"


def test_what_warns_people_is_marked_as_english_while_its_translation_is_a_draft() -> None:
    spanish = caller(make_app(unreviewed_languages=("es",)))
    for path in OWN:
        page = spanish("GET", path, headers={"Accept-Language": "es"})
        assert '<html lang="es" data-warnings="en">' in page.text, path
        assert page.headers["content-language"] == "es, en"
