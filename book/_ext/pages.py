"""What the book's pages need besides the theme: formulas without network, scripts once."""

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


def setup(app):
    # Browsers draw MathML themselves; MathJax would come from another host.
    app.add_html_math_renderer("mathml", (inline, None), (displayed, None))
    app.connect("html-page-context", scripts_once)
    return {"parallel_read_safe": True}
