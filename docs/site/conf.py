"""How Sphinx makes a site of docs/: `make docs`. The pages are written to be read in the repository as well."""

import json
import os.path
import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

log = logging.getLogger(__name__)
_RENDERED = Path(__file__).parents[2] / "build" / "pictures"

project = "RenderOwl"
html_title = "RenderOwl"
extensions = ["myst_parser", "sphinxcontrib.mermaid"]
exclude_patterns = ["site"]
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
myst_fence_as_directive = ["mermaid"]  # as GitHub does: drawn where the page is read, by a script from a CDN
mermaid_fullscreen = False
mermaid_height = "auto"
suppress_warnings = ["misc.highlighting_failure"]  # JSON with the pages' own `...` and `$` is no JSON to Pygments
html_theme = "furo"
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False


class Routes(SphinxDirective):
    """`{routes} api/openapi.json`: every route of an OpenAPI document, by chapter."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The list as nodes of the page."""
        path = Path(self.env.srcdir, self.arguments[0])
        self.env.note_dependency(str(path))
        document = json.loads(path.read_text())
        chapters: dict[str, list[tuple[str, str, str]]] = {tag["name"]: [] for tag in document["tags"]}
        for place, methods in document["paths"].items():
            for method, operation in methods.items():
                if "responses" in operation:
                    chapter = operation["tags"][0]
                    chapters[chapter].append((method.upper(), place, operation.get("summary", "")))
        text = []
        for chapter, routes in chapters.items():
            text += [f"## {chapter}", "", "| Method | Path | |", "|---|---|---|"]
            text += [f"| {method} | `{place}` | {summary} |" for method, place, summary in routes] + [""]
        return self.parse_text_to_nodes("\n".join(text), allow_section_headings=True)


def _stay_inside(app: Sphinx, docname: str, source: list[str]) -> None:
    """Links that leave docs/ for files of the repository, which a site does not have, become their texts; each must exist."""
    page = Path(app.srcdir, f"{docname}.md")

    def text_alone(link: re.Match[str]) -> str:
        target = os.path.normpath(page.parent / link[2])
        if Path(target).is_relative_to(app.srcdir):
            return link[0]
        if not Path(target).exists():
            log.warning("%s is not in the repository", link[2], location=docname, type="link")
        return link[1]

    source[0] = re.sub(r"(?<!!)\[([^\]]*)\]\((\.\./[^)#\s]+)(?:#[^)]*)?\)", text_alone, source[0])


def _show_what_was_rendered(app: Sphinx, docname: str, source: list[str]) -> None:
    """The site shows the pictures that this build has rendered; the repository's are for who reads there."""
    source[0] = source[0].replace("](pictures/", f"]({os.path.relpath(_RENDERED, Path(app.srcdir, docname).parent)}/")


def _list_decisions(app: Sphinx, docname: str, source: list[str]) -> None:
    """The decisions stand below their list, which in the repository is a plain table."""
    if docname == "decisions/README":
        source[0] += "\n```{toctree}\n:hidden:\n:glob:\n\n0*\n```\n"


def setup(app: Sphinx) -> None:
    """Add what is ours."""
    app.add_directive("routes", Routes)
    app.connect("source-read", _stay_inside)
    app.connect("source-read", _list_decisions)
    app.connect("source-read", _show_what_was_rendered)
