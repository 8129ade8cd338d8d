"""Markdown of other people as HTML that can do no harm."""

from __future__ import annotations

from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token


def render_markdown(text: str) -> str:
    """Markdown as HTML without raw markup, images and links that do anything but lead somewhere."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    parser.add_render_rule("link_open", _link)
    parser.add_render_rule("fence", _fence)
    return str(parser.render(text))


def _link(renderer: Any, tokens: list[Token], index: int, options: Any, environment: Any) -> str:
    token = tokens[index]
    if not str(token.attrGet("href") or "").startswith(("http://", "https://", "#", "mailto:")):
        token.attrSet("href", "#")
    token.attrSet("target", "_blank")
    token.attrSet("rel", "noopener noreferrer nofollow")
    rendered: str = renderer.renderToken(tokens, index, options, environment)
    return rendered


def _fence(renderer: Any, tokens: list[Token], index: int, options: Any, environment: Any) -> str:
    code = f"<pre><code>{escape(tokens[index].content)}</code></pre>"
    if tokens[index].info.strip() == "mermaid":  # the Hub draws it; here the steps are in Build and Run
        return f"<details><summary>Graph of the steps, as Mermaid text</summary>{code}</details>"
    return code
