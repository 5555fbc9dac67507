"""Formulas as MathML, which browsers draw themselves: the book's pages need no network."""

from docutils.nodes import SkipNode
from latex2mathml.converter import convert


def inline(self, node):
    self.body.append(convert(node.astext()))
    raise SkipNode


def displayed(self, node):
    formula = convert(node.astext(), display="block")
    self.body.append(f'<div class="math" style="overflow-x: auto">{formula}</div>')
    raise SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (inline, None), (displayed, None))
    return {"parallel_read_safe": True}
