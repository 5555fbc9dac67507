"""Give every page the first cell that Colab needs: ``python book/launch.py``.

Colab opens a page alone, so the page must know where its library is. The address is the one in
``_config.yml``, ``repository: url``; after a change there, run this and commit. Without an address
no page has such a cell.
"""

from pathlib import Path

import jupytext
import nbformat
import yaml

ROOT = Path(__file__).parents[1]
_CELL = """\
# On Colab this page comes alone: fetch the library it belongs to.
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("prcnn") is None:
    address = "git+{url}@{branch}"
    subprocess.check_call([sys.executable, "-m", "pip", "install", "-q", address])"""


def first_cell(config):
    """The cell's source for ``_config.yml``'s values; none without an address."""
    repository = config["repository"]
    return _CELL.format(**repository) if repository["url"] else None


def stamp(page, source):
    """Make ``source`` the first cell of the pair ``page`` (its .ipynb), in place of an older one."""
    for half in (page, page.with_suffix(".py")):
        notebook = jupytext.read(half)
        head = _CELL.split("\n")[0]
        cells = [cell for cell in notebook.cells if not cell.source.startswith(head)]
        if source:
            cell = nbformat.v4.new_code_cell(source, metadata={"tags": ["remove-cell"]})
            cells.insert(0, cell)
        notebook.cells = cells
        code = [cell for cell in cells if cell.cell_type == "code"]
        for i, cell in enumerate(cells):
            cell["id"] = f"cell-{i}"  # as book/refresh.py numbers them
        for i, cell in enumerate(code, start=1):
            cell["execution_count"] = i  # it was run in the book: it found its library
            for output in cell.outputs:
                if "execution_count" in output:
                    output["execution_count"] = i
        jupytext.write(notebook, half, fmt="ipynb" if half == page else "py:percent")


if __name__ == "__main__":
    source = first_cell(yaml.safe_load((ROOT / "_config.yml").read_text()))
    for page in sorted((ROOT / "book").glob("*.ipynb")):
        stamp(page, source)
    print(source or "No address in _config.yml: no page has such a cell.")
