"""What the book's pages need besides the theme: formulas without network, scripts once, launch
buttons only where they lead somewhere, and docstrings that link to their chapter."""

import html
import re
import shutil
from pathlib import Path

from docutils.nodes import SkipNode, emphasis
from latex2mathml.converter import convert


def inline(self, node):
    self.body.append(convert(node.astext()))
    raise SkipNode


def displayed(self, node):
    self.body.append(f'<div class="formula">{convert(node.astext(), display="block")}</div>')
    raise SkipNode


def buttons_with_an_address(app, config):
    """Without the repository's address (``_config.yml``) the theme stumbles over its own buttons."""
    if not config.html_theme_options.get("repository_url"):
        config.html_theme_options.pop("launch_buttons", None)


def scripts_once(app, page, template, context, doctree):
    """Sphinx 7 lists a script given as text twice, and the second one fails in the browser."""
    once = {(s.filename or "", s.attributes.get("body")): s for s in context["script_files"]}
    context["script_files"] = list(once.values())


def without_icon_script(app, error):
    """Font Awesome's style sheet draws every icon; its script of 1.5 MB does so once more."""
    if error is None and app.builder.format == "html":
        for page in Path(app.outdir).rglob("*.html"):
            text = page.read_text(encoding="utf-8")
            page.write_text(re.sub(r"<script[^>]*fontawesome[^>]*></script>", "", text), "utf-8")
        for script in Path(app.outdir).glob("_static/vendor/fontawesome/*/js"):
            shutil.rmtree(script)


def described(app, page, template, context, doctree):
    """What a search engine or a messenger shows of a page: the question under its title."""
    if doctree is not None and (question := doctree.next_node(emphasis)) is not None:
        text = html.escape(" ".join(question.astext().split()), quote=True)
        context["metatags"] += f'<meta name="description" content="{text}">'
        context["metatags"] += f'<meta property="og:description" content="{text}">'


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
    app.connect("config-inited", buttons_with_an_address)
    app.connect("html-page-context", scripts_once)
    app.connect("html-page-context", described)
    app.connect("build-finished", without_icon_script)
    app.connect("autodoc-process-docstring", docstring, priority=400)  # before napoleon
    return {"parallel_read_safe": True}
