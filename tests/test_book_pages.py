"""What book/_ext adds to Sphinx, on a book of two pages."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("myst_parser")
from sphinx.application import Sphinx

EXTENSIONS = str(Path(__file__).parents[1] / "book" / "_ext")

PAGE = """# A page

The *clips* of this page are short. Another clip is shorter; a paperclip is none, and neither is
[a clip with a link](other). One sets `hop_length` and not a hop length, and never an `n_fft`.

{numref}`tab-numbers` has numbers, {numref}`fig-line` a line.

```{figure} picture.png
:name: tab-numbers
Some numbers.
```

```{figure} picture.png
:name: fig-line
A line.
```
"""
GLOSSARY = """# Words

```{glossary}
clip
  One piece of audio: *short*.

`hop_length`
  Samples between frames, as in a clip.
```
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The HTML of the page."""
    folder = tmp_path_factory.mktemp("book")
    (folder / "book").mkdir()
    (folder / "index.md").write_text(
        "# Book\n\n```{toctree}\n:numbered: 1\nbook/page\nbook/other\nbook/glossary\n```\n"
    )
    (folder / "book" / "page.md").write_text(PAGE)
    (folder / "book" / "other.md").write_text("# Other\n\nNothing.\n")
    (folder / "book" / "glossary.md").write_text(GLOSSARY)
    (folder / "book" / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    sys.path.insert(0, EXTENSIONS)
    try:
        app = Sphinx(
            folder,
            None,
            folder / "html",
            folder / "doctrees",
            "html",
            confoverrides={
                "extensions": ["myst_parser", "sphinx.ext.autodoc", "pages"],
                "numfig": True,
                "numfig_format": {"figure": "Figure %s", "table": "Table %s"},
                "html_theme": "basic",
            },
            status=None,
            warning=sys.stderr,
            warningiserror=True,
        )
        app.build()
    finally:
        sys.path.remove(EXTENSIONS)
    return (folder / "html" / "book" / "page.html").read_text()


def test_a_word_of_the_glossary_is_a_link_at_its_first_use_only(page):
    assert page.count('href="glossary.html#term-clip"') == 1
    assert page.index("#term-clip") < page.index("Another")
    assert ">clips</" in page, "its plural is linked whole"


def test_a_link_to_the_glossary_bears_the_definition(page):
    assert 'title="One piece of audio: short."' in page
    assert 'title="Samples between frames, as in a clip."' in page


def test_code_is_a_word_of_the_glossary_where_it_is_written_as_such(page):
    assert page.count('href="glossary.html#term-hop_length"') == 1


def test_what_is_named_tab_is_numbered_as_a_table_with_its_caption_above(page):
    table = page[page.index('id="tab-numbers"') :]
    assert table.index("Table 1.1") < table.index("<img")
    figure = page[page.index('id="fig-line"') :]
    assert figure.index("<img") < figure.index("Figure 1.1")
    assert ">Table 1.1</span>" in page and ">Figure 1.1</span>" in page
