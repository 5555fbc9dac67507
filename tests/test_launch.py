"""One setting, the repository's address: it gives every page a first cell and launch buttons."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jupytext
import nbformat
import pytest
import yaml
from jupytext.compare import compare_notebooks

ROOT = Path(__file__).parents[1]
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text())
ADDRESS = "https://github.com/someone/prcnn"


def module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


launch = module(ROOT / "book" / "launch.py")


@pytest.mark.parametrize("page", sorted((ROOT / "book").glob("*.ipynb")), ids=lambda p: p.stem)
def test_pages_have_the_first_cell_that_the_setting_asks_for(page):
    """If this fails: ``python book/launch.py``."""
    first = nbformat.read(page, as_version=4).cells[0].source
    expected = launch.first_cell(CONFIG)
    assert first == expected if expected else not first.startswith("# On Colab")


def test_an_address_gives_a_page_its_cell_and_none_takes_it_away(tmp_path):
    page = tmp_path / "intro.ipynb"
    for half in (page, page.with_suffix(".py")):
        shutil.copy(ROOT / "book" / half.name, half)
    before = nbformat.read(page, as_version=4)
    source = launch.first_cell({"repository": {"url": ADDRESS, "branch": "main"}})
    for _ in range(2):  # a second time changes nothing
        launch.stamp(page, source)
        notebook = nbformat.read(page, as_version=4)
        nbformat.validate(notebook)
        assert [cell.source for cell in notebook.cells[1:]] == [c.source for c in before.cells]
    assert notebook.cells[0].metadata["tags"] == ["remove-cell"]
    counts = [c.execution_count for c in notebook.cells if c.cell_type == "code"]
    assert counts == [*range(1, len(counts) + 1)]
    paired = jupytext.read(page.with_suffix(".py"))
    compare_notebooks(notebook, paired, fmt="py:percent", allow_expected_differences=True)
    launch.stamp(page, None)
    assert nbformat.read(page, as_version=4) == before


@pytest.mark.parametrize("there", [True, False])
def test_the_cell_fetches_the_library_only_where_it_is_missing(monkeypatch, there):
    ran = []
    monkeypatch.setattr(subprocess, "check_call", ran.append)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: there or None)
    exec(launch.first_cell({"repository": {"url": ADDRESS, "branch": "main"}}), {})
    install = [sys.executable, "-m", "pip", "install", "-q", f"git+{ADDRESS}@main"]
    assert ran == ([] if there else [install])


def test_buttons_lead_to_the_page_in_the_repository_or_are_not_there(tmp_path):
    """The theme's own buttons, in a book of one page: with an address, and without."""
    pytest.importorskip("sphinx_book_theme")
    pages = module(ROOT / "book" / "_ext" / "pages.py")
    options = {"launch_buttons": CONFIG["launch_buttons"], "repository_url": ""}
    config = SimpleNamespace(html_theme_options=options)
    pages.buttons_with_an_address(None, config)
    assert "launch_buttons" not in options

    (tmp_path / "conf.py").write_text(
        "extensions = ['myst_nb']\nhtml_theme = 'sphinx_book_theme'\nnb_execution_mode = 'off'\n"
        "html_theme_options = "
        + repr(
            {
                "launch_buttons": CONFIG["launch_buttons"],
                "repository_url": ADDRESS,
                "repository_branch": CONFIG["repository"]["branch"],
            }
        )
    )
    page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A page")])
    page.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(page, tmp_path / "index.ipynb")
    out = tmp_path / "out"
    subprocess.run([sys.executable, "-m", "sphinx", "-q", tmp_path, out], check=True, timeout=120)
    html = (out / "index.html").read_text()
    assert "https://colab.research.google.com/github/someone/prcnn/blob/main/index.ipynb" in html
    assert "https://mybinder.org/v2/gh/someone/prcnn/main?urlpath=lab/tree/index.ipynb" in html
