"""Run every parameterised page with a real dataset in place of the default.

    python tests/check_papermill.py DATA [PAGE …]

DATA is a folder as ../shared/data: gtzan_mini/genres/…, fma/fma_small/…, authors_checkpoints/.
Pages run in a copy of the book. Fails when a page does, and when one with a parameter ``dataset``
or ``song`` is not tried here.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import papermill
from papermill.exceptions import PapermillExecutionError

BOOK = Path(__file__).resolve().parents[1] / "book"


def trials(data):
    """Page → parameters; few epochs, for what is asked is whether the page runs."""
    weights = str(data / "authors_checkpoints")
    real = {"dataset": "gtzan_mini", "data_home": str(data)}
    song = {"song": str(next((data / "fma").rglob("*.mp3"))), "model": "figure2"}
    return dict.fromkeys("cnn datasets log_mel".split(), real) | {
        "attention": real | {"checkpoints": weights, "epochs": 1},
        "baselines": real | {"folds": 2},
        "classify": song | {"weights": weights},
        "leakage": real | {"seeds": 1},
        "reproduction": real | {"checkpoints": weights},
        "rnn": real | {"checkpoints": weights},
        "train": real | {"epochs": 1, "network": "cnn5", "settings": "authors"},
    }


def main(data, *pages):
    wrong, found = [], trials(Path(data).resolve())
    with tempfile.TemporaryDirectory() as folder:
        book = shutil.copytree(BOOK, f"{folder}/book", ignore=shutil.ignore_patterns("runs"))
        for page in sorted(Path(book).glob("*.ipynb")):
            asked = {"dataset", "song"} & {
                name.strip() for name in papermill.inspect_notebook(page)
            }
            if asked and page.stem in (pages or [page.stem]):
                print(page.stem, flush=True)
                try:
                    papermill.execute_notebook(
                        page, page, found[page.stem], progress_bar=False, cwd=book
                    )
                except (KeyError, PapermillExecutionError) as error:
                    wrong.append(f"{page.name}: {error!r}")
    print("\n".join(wrong) or "All pages run with a real dataset.")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main(*sys.argv[1:])
