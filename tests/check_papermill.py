"""Run every parameterised page with a real dataset in place of the default.

    python tests/check_papermill.py DATA [PAGE …]

DATA is a folder as ../shared/data: gtzan_mini/genres/…, fma/fma_small/…, authors_checkpoints/.
Pages run in a copy of the book. Fails when a page does, when a page with a parameter ``dataset`` or
``song`` is not tried, and when one takes a misspelt parameter.
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

import papermill
from papermill.exceptions import PapermillExecutionError

ROOT = Path(__file__).resolve().parent.parent


def trials(data):
    """Page → parameters; few epochs, for what is asked is whether the page runs."""
    real = {"dataset": "gtzan_mini", "data_home": str(data)}
    checkpoints = {"checkpoints": str(data / "authors_checkpoints")}
    song = next((data / "fma").rglob("*.mp3"))
    return {
        "ablations": real,  # draws from book/results; tests/test_ablations.py tries `run`
        "attention": real | checkpoints | {"epochs": 1},
        "baselines": real | {"folds": 2},
        "classify": {
            "song": str(song),
            "model": "figure2",
            "weights": str(data / "authors_checkpoints"),
        },
        "cnn": real,
        "datasets": real,
        "leakage": real | {"seeds": 1},
        "log_mel": real,
        "reproduction": real | checkpoints,
        "rnn": real | checkpoints,
        "train": real | {"epochs": 1, "network": "cnn5", "settings": "authors"},
    }


def run(page, folder, parameters):
    papermill.execute_notebook(
        page, folder / page.name, parameters=parameters, progress_bar=False, cwd=page.parent
    )


def misspelt_is_taken(page, folder):
    try:
        run(page, folder, {"datasett": "gtzan_mini"})
    except PapermillExecutionError as error:
        return "datasett" not in str(error)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("pages", nargs="*", help="names; default: all")
    arguments = parser.parse_args()
    found = trials(arguments.data.resolve())
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        no_runs = shutil.ignore_patterns("runs")
        book = shutil.copytree(ROOT / "book", folder / "book", ignore=no_runs)
        for page in sorted(book.glob("*.ipynb")):
            parameters = [p.strip() for p in papermill.inspect_notebook(page)]
            data_or_song = {"dataset", "song"} & {*parameters}
            if not data_or_song or page.stem not in (arguments.pages or [page.stem]):
                continue
            start = time.perf_counter()
            try:
                run(page, folder, found[page.stem])
                if misspelt_is_taken(page, folder):
                    wrong.append(f"{page.name}: takes the parameter 'datasett' in silence")
            except KeyError:
                wrong.append(f"{page.name}: not tried; give its parameters in {__file__}")
            except PapermillExecutionError as error:
                wrong.append(f"{page.name}: {error}")
            print(f"{page.stem:14} {time.perf_counter() - start:5.0f} s", flush=True)
    print("\n".join(wrong) or "All pages run with a real dataset and refuse a misspelt parameter.")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
