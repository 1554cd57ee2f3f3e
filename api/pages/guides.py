"""The guides: the Markdown in `docs/`, made into pages."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

DOCS = Path(__file__).parent.parent.parent / "docs"
EXAMPLES = DOCS.parent / "examples" / "mappings"

ORDER = (
    "mobile-app",
    "score-a-spreadsheet",
    "many-machines",
    "understand-a-score",
    "three-people",
    "redcap",
    "fhir",
    "cds-hooks",
    "webhooks",
    "operate",
    "deploy",
    "clients",
)
"""The guides in the order in which to list them; each is a file in `docs/`."""

LIVE = "live "
"""How the info of a fenced block begins that a script makes alive; without scripts it is read as it stands."""

COMMENT = re.compile(r"^<!--.*?-->$", re.DOTALL | re.MULTILINE)


class Guide(NamedTuple):
    """A guide as a page shows it."""

    name: str
    title: str
    summary: str
    """Its first paragraph, as plain text."""
    html: Markup
    live: tuple[str, ...]
    """Names of the scripts that make a part of it alive."""


@cache
def read_guides() -> Mapping[str, Guide]:
    """Every guide by name, in the order in which to list them."""
    return {name: render(name, (DOCS / f"{name}.md").read_text("utf-8")) for name in ORDER}


def read_files() -> Mapping[str, bytes]:
    """The files that guides point to, by name."""
    return {path.name: path.read_bytes() for path in sorted(EXAMPLES.glob("*.toml"))}


def render(name: str, text: str) -> Guide:
    """A guide from its Markdown; HTML in it is shown, not run, and comments are left out."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(COMMENT.sub("", text))
    live = []
    for position, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", name_heading(tokens[position + 1].content))
        if token.type == "fence" and token.info.startswith(LIVE):
            live.append(token.info.removeprefix(LIVE).strip())
        for child in token.children or ():
            _point(child)
    markdown.add_render_rule("fence", _render_fence)
    markdown.add_render_rule("table_open", _open_table)
    markdown.add_render_rule("table_close", _close_table)
    inline = [token for token in tokens if token.type == "inline"]
    html = markdown.renderer.render(tokens, markdown.options, {})
    return Guide(name, _plain(inline[0]), _plain(inline[1]), Markup(html), tuple(live))  # noqa: S704


def name_heading(text: str) -> str:
    """The anchor of a heading, as the usual readers of Markdown make it."""
    kept = re.sub(r"[^\w\s-]", "", text.lower()).strip()
    return re.sub(r"\s+", "-", kept)


def _point(token: Token) -> None:
    """Lead a link to another file of the project to where that is served; where it is not, only the text stays."""
    to = str(token.attrGet("href") or "")
    if found := re.fullmatch(r"\.\./examples/mappings/([\w-]+\.toml)", to):
        token.attrSet("href", f"/guides/files/{found[1]}")
    elif to == "../openapi/openapi.json":
        token.attrSet("href", "/openapi.json")
    elif to.startswith("../"):
        del token.attrs["href"]
    elif found := re.fullmatch(r"([\w-]+)\.md(#.*)?", to):
        token.attrSet("href", f"/guides/{found[1]}{found[2] or ''}")


def _plain(token: Token) -> str:
    """The text of a line, without marks."""
    return "".join(
        child.content
        if child.type in ("text", "code_inline")
        else " " * (child.type == "softbreak")
        for child in token.children or ()
    )


def _render_fence(_: object, tokens: list[Token], position: int, *__: object) -> str:
    token = tokens[position]
    code = f'<pre tabindex="0"><code>{escape(token.content)}</code></pre>\n'
    if token.info.startswith(LIVE):
        name = escape(token.info.removeprefix(LIVE).strip())
        return f'<div class="live" data-live="{name}">{code}</div>\n'
    return code


def _open_table(*_: object) -> str:
    """A wide table scrolls by itself, and by keyboard."""
    return '<div class="scroll" tabindex="0" role="region" aria-label="Table"><table>\n'


def _close_table(*_: object) -> str:
    return "</table></div>\n"
