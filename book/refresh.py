"""Refresh the outputs of chapters: ``python book/refresh.py [book/train.ipynb …]`` (default: all).

The ``.py`` of a pair is what one edits. This takes its cells into the ``.ipynb``, runs them in
``book/``, drops what changes from run to run (times), lets JupyterLab fold what the book folds or
leaves out, and refuses a page that has grown too large to commit.
"""

import sys
from pathlib import Path

import jupytext
from nbclient import NotebookClient

LARGEST = 300_000  # bytes
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def refresh(page):
    """Run the chapter ``page`` (its .ipynb or .py) and write both halves of the pair."""
    source = Path(page).with_suffix(".py")
    notebook = jupytext.read(source)
    notebook.metadata["kernelspec"] = KERNEL
    NotebookClient(
        notebook, timeout=1200, resources={"metadata": {"path": str(source.parent)}}
    ).execute()
    for i, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{i}"  # stable, so that a diff shows what changed
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            # Execution counts stay, 1, 2, 3 in a fresh kernel: nbval takes a cell without for unrun.
            cell.outputs = [output for output in cell.outputs if not _is_noise(output)]
    notebook.metadata.pop("language_info", None)
    target = source.with_suffix(".ipynb")
    jupytext.write(notebook, source, fmt="py:percent")
    fold(notebook)
    jupytext.write(notebook, target, fmt="ipynb")
    size = target.stat().st_size
    if size > LARGEST:
        raise SystemExit(f"{target} has {size:,} bytes, more than {LARGEST:,}: show less on it.")
    print(f"{target}: {len(notebook.cells)} cells, {size:,} bytes")


def fold(notebook):
    """Hide in JupyterLab the code that the book hides; this follows from the tags, so no .py has it."""
    for cell in notebook.cells:
        if any(tag.startswith(("hide-", "remove-")) for tag in cell.metadata.get("tags", [])):
            cell.metadata["jupyter"] = {"source_hidden": True}


def _is_noise(output):
    """TensorFlow's log lines, and progress bars that have gone."""
    return output.get("name") == "stderr"


if __name__ == "__main__":
    folder = Path(__file__).parent
    chapters = sys.argv[1:] or sorted(folder.glob("*.ipynb"))
    for chapter in chapters:
        refresh(chapter)
