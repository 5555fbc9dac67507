"""What the book's pages need besides the theme: formulas without network, scripts once, launch
buttons only where they lead somewhere, captions, words linked to the glossary, and
docstrings that link to their chapter."""

import base64
import html
import json
import re
import shutil
from pathlib import Path

from bs4 import BeautifulSoup
from docutils import nodes
from docutils.nodes import SkipNode, emphasis
from latex2mathml.converter import convert
from sphinx.addnodes import glossary, index, pending_xref
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

logger = logging.getLogger(__name__)
SEARCHED = "pages.js"


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
    """Font Awesome's style sheet draws every icon; its script of 1.5 MB does so once more, and its
    fonts, fetched ahead, come from a server only (see ``fonts_inside``)."""
    if error is None and app.builder.format == "html":
        for page in Path(app.outdir).rglob("*.html"):
            text = page.read_text(encoding="utf-8")
            script = r"<script[^>]*fontawesome[^>]*></script>|<link[^>]*as=\"font\"[^>]*>"
            page.write_text(re.sub(script, "", text), "utf-8")
        for script in Path(app.outdir).glob("_static/vendor/fontawesome/*/js"):
            shutil.rmtree(script)


def fonts_inside(app, error):
    """A page opened as a file may fetch no font: style sheets bring theirs along."""
    if error is not None or app.builder.format != "html":
        return
    for sheet in Path(app.outdir, "_static").rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")

        def inside(found, folder=sheet.parent):
            font = base64.b64encode((folder / found[1]).read_bytes()).decode()
            return f"url(data:font/woff2;base64,{font})"

        new = re.sub(r"""url\(["']?([^"')]*(?:math|fa-solid-900)\.woff2)["']?\)""", inside, text, count=1)
        if new != text:
            sheet.write_text(new, encoding="utf-8")


def pages_to_search(app, error):
    """A page opened as a file may fetch no other: what hits of a search show of it comes along."""
    if error is not None or app.builder.format != "html":
        return
    texts, folder = {}, Path(app.outdir)
    for page in folder.rglob("*.html"):
        main = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").select_one("[role=main]")
        for tag in main.find_all(True) if main else ():
            if tag.name in ("script", "style") or "headerlink" in tag.get("class", ()):
                tag.clear()
            if tag.name != "section":
                tag.unwrap()
        texts[page.relative_to(folder).as_posix()] = str(main or "")
    script = """if (location.protocol === "file:") {
  const pages = %s;
  window.fetch = async url => new Response(pages[url.replace(/^[./]+/, "")]);
}"""
    (folder / "_static" / SEARCHED).write_text(script % json.dumps(texts), encoding="utf-8")


def search_knows_pages(app, page, template, context, doctree):
    if page == "search":
        app.add_js_file(SEARCHED)


def described(app, page, template, context, doctree):
    """What a search engine or a messenger shows of a page: the question under its title."""
    if doctree is not None and (question := doctree.next_node(emphasis)) is not None:
        text = html.escape(" ".join(question.astext().split()), quote=True)
        context["metatags"] += f'<meta name="description" content="{text}">'
        context["metatags"] += f'<meta property="og:description" content="{text}">'


class table_figure(nodes.figure):
    """What a cell or Markdown shows, numbered as a table."""


class CaptionsBelong(SphinxTransform):
    """A paragraph that begins with **Figure.** or **Table.** is the caption of what it stands under:
    the last output of a cell, a picture, or a table. So it reads the same in a notebook."""

    default_priority = 200  # before words are linked, and before Sphinx collects what is numbered

    def apply(self):
        kinds = {"Figure.": nodes.figure, "Table.": table_figure}
        counts = dict.fromkeys(kinds, 0)
        for paragraph in list(self.document.findall(nodes.paragraph)):
            parts = [part for part in paragraph if part.astext()]  # MyST leaves an empty text in front
            word = parts[0].astext() if parts and isinstance(parts[0], nodes.strong) else ""
            if word not in kinds:
                continue
            shown = self.before(paragraph)
            if shown is None:
                logger.warning("a caption without a figure: %s", paragraph.astext())
                continue
            counts[word] += 1
            name = f"{word[:-1].lower()}-{counts[word]}"
            frame = kinds[word](ids=[name], classes=["table-figure"] * (word == "Table."))
            self.document.ids[name] = frame
            shown.replace_self(frame)
            caption = nodes.caption("", "", nodes.Text(parts[1].astext().lstrip()), *parts[2:])
            inside = shown.children if isinstance(shown, nodes.paragraph) else [shown]
            frame.extend([caption, *inside] if word == "Table." else [*inside, caption])
            paragraph.parent.remove(paragraph)

    def before(self, paragraph):
        place = paragraph.parent.index(paragraph)
        shown = paragraph.parent[place - 1] if place else None
        if isinstance(shown, nodes.container):
            outputs = [x for x in shown.findall(nodes.container) if "cell_output" in x["classes"]]
            shown = outputs[-1].children[-1] if outputs and outputs[-1].children else None
        elif isinstance(shown, nodes.paragraph) and not list(shown.findall(nodes.image)):
            shown = None
        return shown


class ChaptersAreFound(SphinxTransform):
    """The search shows a chapter first for its file's name, and for a percentage in its headings."""

    default_priority = 400

    def apply(self):
        page = self.env.docname
        section = self.document.next_node(nodes.section)
        if not page.startswith("book/") or page.startswith("book/api") or section is None:
            return
        titles = " ".join(title.astext() for title in self.document.findall(nodes.title))
        words = [page.split("/")[-1].replace("_", " "), *re.findall(r"\d+ %", titles)]
        target = section["ids"][0]
        section.insert(1, index(entries=[("single", w, target, "main", None) for w in words]))


class FoldsSayWhat(SphinxPostTransform):
    """A folded cell's line says what is under it, in the reader's words."""

    default_priority = 200  # right after MyST-NB has folded

    def run(self, **_):
        words = {"source": "code", "outputs": "result", "output": "result"}
        words["content"] = "code and its result"
        for node in self.document.findall(lambda x: "prompt_show" in getattr(x, "attributes", {})):
            for key in ("prompt_show", "prompt_hide"):
                what = node[key].split()[-1]
                node[key] = node[key].replace(what, words.get(what, what))


TERMS = re.compile(r"^```\{glossary\}\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
APART = (nodes.literal_block, nodes.reference, nodes.title, nodes.caption, pending_xref, nodes.math)


class TermsAreLinked(SphinxTransform):
    """The first time that a chapter's prose uses a word of the glossary, it leads there."""

    default_priority = 300

    def apply(self):
        page = self.env.docname
        source = Path(self.env.srcdir, "book", "glossary.md")
        if not page.startswith("book/") or page.startswith(("book/api", "book/glossary")):
            return
        (block,) = TERMS.findall(source.read_text(encoding="utf-8"))
        terms = re.findall(r"^(\S.*)$", block, flags=re.MULTILINE)
        linked = {x["reftarget"].lower() for x in self.document.findall(pending_xref)}
        self.left = {t.strip("`"): t for t in terms if t.strip("`").lower() not in linked}
        for paragraph in self.document.findall(nodes.paragraph):
            for text in list(paragraph.findall(nodes.Text)):
                self.link(text)

    def link(self, text):
        parent = text.parent
        while parent is not None and not isinstance(parent, nodes.paragraph):
            if isinstance(parent, APART):
                return
            parent = parent.parent
        found = []
        for term, printed in self.left.items():
            code = printed != term
            if code == isinstance(text.parent, nodes.literal):
                words = re.escape(term).replace(r"\ ", r"\s+")
                # An answer that folds out is no fold.
                words = rf"^{words}$" if code else rf"(?<![\w-]){words}s?(?![\w-]|\s+out\b)"
                flags = 0 if term[:2].isupper() or code else re.IGNORECASE
                if match := re.search(words, text.astext(), flags):
                    found.append((match.start(), -len(term), term, match))
        if not found:
            return
        *_, term, match = min(found, key=lambda each: each[:2])
        del self.left[term]
        inside = isinstance(text.parent, nodes.literal)
        shown = text.parent if inside else text
        before, after = (nodes.Text(part) for part in (text[: match.start()], text[match.end() :]))
        word = shown.deepcopy() if inside else nodes.inline(match[0], match[0])
        link = pending_xref(
            "",
            word,
            refdomain="std",
            reftype="term",
            reftarget=term,
            refexplicit=True,
            refdoc=self.env.docname,
            refwarn=True,
        )
        shown.parent.replace(shown, [link] if inside else [before, link, after])
        if not inside:
            self.link(after)


def definitions(app, doctree, page):
    """A link to the glossary bears the definition, which a browser shows on hover."""
    if "book/glossary" not in app.env.found_docs:
        return
    meaning = None
    for link in doctree.findall(nodes.reference):
        if "#term-" in link.get("refuri", ""):
            meaning = meaning or _glossary(app.env.get_doctree("book/glossary"))
            link["reftitle"] = meaning.get(link["refuri"].split("#")[1], "")


def _glossary(doctree):
    meaning = {}
    for entry in doctree.findall(nodes.definition_list_item):
        if isinstance(entry.parent.parent, glossary):
            definition = entry.children[-1].deepcopy()
            for cited in list(definition.findall(pending_xref)):
                if cited.get("refdomain") == "cite":
                    cited.parent.remove(cited)
            text = " ".join(definition.astext().split()).replace(" .", ".")
            for term in entry.findall(nodes.term):
                meaning |= {each: text for each in term["ids"]}
    return meaning


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
    show = (lambda self, node: self.visit_figure(node), lambda self, node: self.depart_figure(node))
    app.add_enumerable_node(table_figure, "table", html=show)
    app.add_transform(CaptionsBelong)
    app.add_transform(TermsAreLinked)
    app.add_transform(ChaptersAreFound)
    app.add_post_transform(FoldsSayWhat)
    app.connect("doctree-resolved", definitions)
    app.connect("config-inited", buttons_with_an_address)
    app.connect("html-page-context", search_knows_pages)
    app.connect("html-page-context", scripts_once)  # of all that are there
    app.connect("html-page-context", described)
    app.connect("build-finished", without_icon_script)
    app.connect("build-finished", fonts_inside)
    app.connect("build-finished", pages_to_search)
    app.connect("autodoc-process-docstring", docstring, priority=400)  # before napoleon
    return {"parallel_read_safe": True}
