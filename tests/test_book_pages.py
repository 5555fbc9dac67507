"""What book/_ext adds to Sphinx, on a book of three pages; and what makes a page what it is:
`book/refresh.py` runs it, `book/launch.py` gives it the first cell that its address asks for."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jupytext
import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from jupytext.compare import compare_notebooks

BOOK = Path(__file__).parents[1] / "book"
CONFIG = yaml.safe_load((BOOK.parent / "_config.yml").read_text())
REPOSITORY = {"repository": {"url": "https://github.com/someone/prcnn", "branch": "main"}}

PAGE = """# A page

The *clips* of this page are short. Another clip is shorter; a paperclip is none, and neither is
[a clip with a link](other). One sets `hop_length` and not a hop length, and never an `n_fft`.

| a | b |
|---|---|
| 1 | 2 |

**Table.** Some *numbers*.

![A line](picture.png)

**Figure.** A line.

**Figure** without its point begins a sentence.

<details><summary>Solution</summary>

- a list
- of $x^2$

```python
x**2
```

</details>
"""
GLOSSARY = """# Words

```{glossary}
clip
  One piece of audio: *short*.

`hop_length`
  Samples between frames, as in a clip.
```
"""


def module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


launch, refresh = module(BOOK / "launch.py"), module(BOOK / "refresh.py")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of the HTML, with the theme's own launch buttons."""
    application = pytest.importorskip("sphinx.application")
    pytest.importorskip("sphinx_book_theme")
    folder = tmp_path_factory.mktemp("book")
    (folder / "book").mkdir()
    (folder / "index.md").write_text(
        "# Book\n\n```{toctree}\n:numbered: 1\nbook/page\nbook/other\nbook/glossary\n```\n"
    )
    (folder / "book" / "page.md").write_text(PAGE)
    other = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Other")])
    shown = [
        nbformat.v4.new_output("display_data", {"text/html": f"<p>{what}</p>"})
        for what in ("nothing yet", "shown by a cell")
    ]
    other.cells += [
        nbformat.v4.new_code_cell("show()", outputs=shown, execution_count=1),
        nbformat.v4.new_markdown_cell("**Figure.** What a cell shows."),
    ]
    other.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    other.metadata["language_info"] = {"name": "python", "pygments_lexer": "python"}
    nbformat.write(other, folder / "book" / "other.ipynb")
    (folder / "book" / "glossary.md").write_text(GLOSSARY)
    (folder / "book" / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    sys.path.insert(0, str(BOOK / "_ext"))
    try:
        application.Sphinx(
            folder,
            None,
            folder / "html",
            folder / "doctrees",
            "html",
            confoverrides={
                "extensions": ["myst_nb", "sphinx.ext.autodoc", "pages"],
                "myst_enable_extensions": ["dollarmath"],
                "html_math_renderer": "mathml",
                "nb_execution_mode": "off",
                "numfig": True,
                "numfig_format": {"figure": "Figure %s", "table": "Table %s"},
                "html_theme": "sphinx_book_theme",
                "html_theme_options": {
                    "launch_buttons": CONFIG["launch_buttons"],
                    "repository_url": REPOSITORY["repository"]["url"],
                    "repository_branch": "main",
                },
            },
            status=None,
            warning=sys.stderr,
            warningiserror=True,
        ).build()
    finally:
        sys.path.remove(str(BOOK / "_ext"))
    return folder / "html" / "book"


@pytest.fixture
def page(built):
    return (built / "page.html").read_text()


def test_the_search_of_a_book_on_disk_knows_the_words_of_its_pages(built):
    searched = (built.parent / "search.html").read_text()
    assert "_static/pages.js" in searched and "pages.js" not in (built / "page.html").read_text()
    script = (built.parent / "_static" / "pages.js").read_text()
    pages = json.loads(re.search(r"const pages = (.+);$", script, re.M)[1])
    other = BeautifulSoup(pages["book/other.html"], "html.parser")
    assert "What a cell shows." in other.select_one("[role=main] #other").text
    assert "show()" in other.text and not other.find(["img", "script", "a"])


def test_a_word_of_the_glossary_is_a_link_at_its_first_use_only(page):
    assert page.count('href="glossary.html#term-clip"') == 1
    assert page.index("#term-clip") < page.index("Another")
    assert ">clips</" in page, "its plural is linked whole"
    assert 'title="One piece of audio: short."' in page, "it bears the definition"


def test_code_is_a_word_of_the_glossary_where_it_is_written_as_such(page):
    assert page.count('href="glossary.html#term-hop_length"') == 1
    assert 'title="Samples between frames, as in a clip."' in page


def test_what_stands_under_a_figure_or_a_table_is_its_numbered_caption(page, built):
    table = page[page.index('id="table-1"') : page.index('id="figure-1"')]
    assert table.index(">Table 1.1 </span>") < table.index("<em>numbers</em>") < table.index("<td>")
    figure = page[page.index('id="figure-1"') :]
    assert figure.index("<img") < figure.index(">Figure 1.1 </span>") < figure.index("</figure>")
    assert "**Table" not in page and "<p><strong>Figure</strong> without" in figure
    cell = (built / "other.html").read_text()
    shown = cell[cell.index("<figure") : cell.index("</figure>")]
    assert (
        ">Figure 2.1 </span>" in shown and "shown by a cell" in shown and "nothing yet" not in shown
    )


def test_what_is_in_a_solution_is_rendered(page):
    fold = page[page.index("<summary>Solution</summary>") : page.index("</details>")]
    assert "<li><p>a list</p></li>" in fold and "highlight-python" in fold and "<math" in fold


def test_buttons_lead_to_the_page_in_the_repository_or_are_not_there(built):
    html = (built / "other.html").read_text()
    rest = "someone/prcnn/{}main{}book/other.ipynb"
    colab = rest.format("blob/", "/")
    assert f"https://colab.research.google.com/github/{colab}" in html
    assert f"https://mybinder.org/v2/gh/{rest.format('', '?urlpath=lab/tree/')}" in html
    options = {"launch_buttons": CONFIG["launch_buttons"], "repository_url": ""}
    pages = module(BOOK / "_ext" / "pages.py")
    pages.buttons_with_an_address(None, SimpleNamespace(html_theme_options=options))
    assert "launch_buttons" not in options


@pytest.mark.parametrize("page", sorted(BOOK.glob("*.ipynb")), ids=lambda page: page.stem)
def test_pages_have_the_first_cell_that_the_setting_asks_for(page):
    """If this fails: ``python book/launch.py``."""
    first = nbformat.read(page, as_version=4).cells[0].source
    expected = launch.first_cell(CONFIG)
    assert first == expected if expected else not first.startswith("# On Colab")


def test_an_address_gives_a_page_its_cell_and_none_takes_it_away(tmp_path):
    page = tmp_path / "intro.ipynb"
    for half in (page, page.with_suffix(".py")):
        shutil.copy(BOOK / half.name, half)
    launch.stamp(page, None)
    before = nbformat.read(page, as_version=4)
    for _ in range(2):  # a second time changes nothing
        launch.stamp(page, launch.first_cell(REPOSITORY))
        notebook = nbformat.read(page, as_version=4)
        nbformat.validate(notebook)
        assert [cell.source for cell in notebook.cells[1:]] == [c.source for c in before.cells]
    assert notebook.cells[0].metadata["tags"] == ["remove-cell"]
    counts = [c.execution_count for c in notebook.cells if c.cell_type == "code"]
    assert counts == [*range(1, len(counts) + 1)]
    launch.stamp(page, None)
    assert nbformat.read(page, as_version=4) == before


@pytest.mark.parametrize("there", [True, False])
def test_the_cell_fetches_the_library_only_where_it_is_missing(monkeypatch, there):
    ran = []
    monkeypatch.setattr(subprocess, "check_call", ran.append)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: there or None)
    exec(launch.first_cell(REPOSITORY), {})
    address = "git+https://github.com/someone/prcnn@main"
    assert ran == ([] if there else [[sys.executable, "-m", "pip", "install", "-q", address]])


def test_a_page_is_run_from_its_py_and_keeps_what_does_not_change_from_run_to_run(tmp_path):
    source = tmp_path / "page.py"
    source.write_text(
        '# %%\nimport sys\n\nprint("noise", file=sys.stderr)\n6 * 7\n'
        '\n# %% tags=["remove-cell"]\nassert True\n'
    )
    refresh.refresh(source)
    page = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    cell, left_out = page.cells
    assert left_out.metadata.pop("jupyter") == {"source_hidden": True}, "as the book does"
    assert "jupyter" not in cell.metadata and "jupyter" not in source.read_text()
    assert [output.data for output in cell.outputs] == [{"text/plain": "42"}]
    assert (cell.id, cell.execution_count, "execution" in cell.metadata) == ("cell-0", 1, False)
    compare_notebooks(
        page, jupytext.read(source), fmt="py:percent", allow_expected_differences=True
    )
    source.write_text(f'# %%\nprint("x" * {refresh.LARGEST})\n')
    with pytest.raises(SystemExit, match="show less on it"):
        refresh.refresh(source)
