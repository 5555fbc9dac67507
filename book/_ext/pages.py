"""What the book's pages need besides the theme: formulas without network, scripts once, and
docstrings that link to their chapter."""

import re

from docutils.nodes import SkipNode
from latex2mathml.converter import convert


def inline(self, node):
    self.body.append(convert(node.astext()))
    raise SkipNode


def displayed(self, node):
    self.body.append(f'<div class="formula">{convert(node.astext(), display="block")}</div>')
    raise SkipNode


def scripts_once(app, page, template, context, doctree):
    """Sphinx 7 lists a script given as text twice, and the second one fails in the browser."""
    once = {(s.filename or "", s.attributes.get("body")): s for s in context["script_files"]}
    context["script_files"] = list(once.values())


def docstring(app, what, name, obj, options, lines):
    """Make sections of the lines ``Chapter: book/x.ipynb`` and ``Source: …``, for napoleon."""
    if what in ("attribute", "data", "property") and lines:
        # Else napoleon takes what stands before a colon for a type.
        lines[0] = lines[0].replace(": ", " – ", 1)
    text = re.sub(
        r"(?m)^(.*?) ?Chapter: book/(\w+)\.ipynb$",
        lambda found: f"{found[1]}\n\nChapter\n-------\n{_page(app, found[2])}",
        "\n".join(lines),
    )
    text = re.sub(r"(?m)^Source: ", "Source\n------\n", text)
    lines[:] = text.split("\n")


def _page(app, name):
    return f":doc:`/book/{name}`" if f"book/{name}" in app.env.found_docs else f"``book/{name}``"


def setup(app):
    # Browsers draw MathML themselves; MathJax would come from another host.
    app.add_html_math_renderer("mathml", (inline, None), (displayed, None))
    app.connect("html-page-context", scripts_once)
    app.connect("autodoc-process-docstring", docstring, priority=400)  # before napoleon
    return {"parallel_read_safe": True}
