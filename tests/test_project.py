"""The project's habits: pairs, parameters, kernels, sizes, one list of dependencies."""

import ast
import re
import sys
import tomllib
from functools import cache, partial
from importlib.metadata import packages_distributions
from pathlib import Path

import jupytext
import nbformat
import pytest
import yaml
from jupytext.compare import compare_notebooks

import prcnn
from prcnn import evaluation
from prcnn.study import answers, facts, records, results
from prcnn.study.questions import VGGISH
from prcnn.study.rows import REFERENCE, RHYTHM, SVM, TAUGHT

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "book").glob("*.ipynb"))
FILES = sorted((ROOT / "prcnn").rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

KERNEL = ("python3", "python")
read = cache(partial(nbformat.read, as_version=4))

PROVIDERS = packages_distributions()

notebooks = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
rooms = pytest.mark.parametrize(
    "path", FILES, ids=lambda path: "/".join(path.relative_to(ROOT / "prcnn").parts)
)


@notebooks
def test_both_halves_of_a_pair_say_the_same(path):
    # The .py is what one edits; `python book/refresh.py PAGE` brings the .ipynb up to it.
    source = jupytext.read(path.with_suffix(".py"))
    page = jupytext.read(path)
    for cell in page.cells:  # what JupyterLab folds follows from the tags
        cell.metadata.pop("jupyter", None)
    compare_notebooks(page, source, fmt="py:percent", allow_expected_differences=True)


@notebooks
def test_no_sentence_or_formula_is_lost_between_markdown_and_page(path):
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            # MyST takes a line that begins with % for a comment; the formula converter puts what
            # stands between \\begin{aligned} and \\end{aligned} on one line (align* is right).
            assert not re.search(r"^%", cell.source, flags=re.MULTILINE), cell.source
            assert "{aligned}" not in cell.source


@notebooks
def test_notebook_is_small_was_run_and_asks_for_a_kernel_that_everybody_has(path):
    assert path.stat().st_size < 300_000
    notebook = read(path)
    assert (notebook.metadata.kernelspec.name, notebook.metadata.kernelspec.language) == KERNEL
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    assert all(cell.execution_count for cell in code), "nbval passes over cells without a count"
    outputs = [output for cell in code for output in cell.outputs]
    assert outputs, "run `python book/refresh.py` on this page"
    assert not [o for o in outputs if o.output_type == "error"]


def hidden(cell, *parts):
    """Is any of these parts of a cell, input or output, folded or left out of the book?"""
    tags = {*cell.metadata.get("tags", [])}
    return bool(tags & {f"{how}-{part}" for how in ("hide", "remove") for part in (*parts, "cell")})


@notebooks
def test_code_that_stays_open_is_short_and_narrow(path):
    for cell in read(path).cells:
        if cell.cell_type == "code" and not hidden(cell, "input"):
            lines = cell.source.splitlines()
            assert len(lines) <= 30, cell.source
            assert max(map(len, lines)) <= 72, max(lines, key=len)


@notebooks
def test_figures_and_tables_have_captions(path):
    cells = read(path).cells
    for cell, after in zip(cells, [*cells[1:], None], strict=True):
        if cell.cell_type == "code" and not hidden(cell, "output"):
            found = [o.get("data", {}).get("text/html", "") for o in cell.outputs]
            found = [x for x in found if not x.startswith("<details")]
            shown = [x for x in found if re.search('<table|<img class="(drawing|picture)', x)]
            captioned = after and re.match(r"\*\*(Figure|Table)\.\*\* [A-Z0-9“]", after.source)
            assert captioned or not shown, cell.source


@notebooks
def test_text_reads_the_same_wherever_a_notebook_is_opened(path):
    """No role or directive of MyST: JupyterLab, GitHub and Colab would print it raw."""
    for cell in read(path).cells:
        texts = [o.get("data", {}).get("text/markdown", "") for o in cell.get("outputs", [])]
        texts += [cell.source] if cell.cell_type == "markdown" else []
        for text in texts:
            assert not re.search(r"\{[a-z:]+\}`|^`{3,}\{|^:{3,}", text, re.MULTILINE), text


@notebooks
def test_a_page_has_a_cell_to_change_and_exercises_with_level_and_solution(path):
    text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    if path.stem not in ("intro", "guess"):  # which show no code
        assert "**Change this and run again" in text
    heads = re.findall(
        r"^\*\*Exercise (\d+) \((?:easy|medium|hard)\)\. .+\*\*$", text, re.MULTILINE
    )
    assert [*map(int, heads)] == [*range(1, len(heads) + 1)]
    solutions = text.count("<details><summary>Solution</summary>\n\n")
    assert len(heads) == solutions == text.count("\n\n</details>")
    assert heads or path.stem == "intro"


def test_every_page_says_how_long_it_takes_and_teaching_adds_it_up():
    """And what one will be able to do after it, and should know before."""
    table = (ROOT / "book" / "teaching.md").read_text()
    rows = re.findall(r"^\| \[(\w+)\]\(\w+\.ipynb\) \| (\d+) \|", table, re.MULTILINE)
    minutes = {page: int(number) for page, number in rows}
    said = {}
    for path in NOTEBOOKS:
        opening = " ".join(read(path).cells[0].source.split())
        assert "**You will be able to**" in opening and "**You should know**" in opening, path.stem
        said[path.stem] = int(re.search(r"\*\*Time\*\*: (\d+) minutes", opening)[1])
    assert said == minutes
    assert f"| **all** | **{sum(minutes.values())}** |" in table


def parameters(path):
    """The source of a page's cells tagged ``parameters``."""
    cells = read(path).cells
    return [cell.source for cell in cells if "parameters" in cell.metadata.get("tags", [])]


@notebooks
def test_a_page_has_at_most_one_cell_of_parameters(path):
    # papermill writes into the first one, and says of a name that it does not find there: unknown.
    assert len(parameters(path)) <= 1


def test_the_training_page_has_the_parameters_that_the_readme_names():
    names = re.findall(r"^(\w+) =", *parameters(ROOT / "book" / "train.ipynb"), re.MULTILINE)
    readme = re.findall(r"-p (\w+)", (ROOT / "README.md").read_text())
    assert {*names} >= {*readme, "batch_size", "learning_rate", "seed", "out"}


@pytest.mark.parametrize(
    ("word", "known"),
    [
        (prcnn.load, prcnn.datasets.names()),
        (prcnn.build, prcnn.models.names()),
        (prcnn.spectrogram.get_settings, ["paper", "authors"]),
    ],
)
def test_what_a_page_is_asked_for_and_is_not_there_is_an_error_that_lists_what_is(word, known):
    with pytest.raises(ValueError) as told:
        word("papr")
    assert all(name in str(told.value) for name in known)


def test_every_chapter_of_the_contents_exists_and_no_other_notebook():
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text())
    chapters = [c for part in contents["parts"] for c in part["chapters"]]
    sections = [s["file"] for chapter in chapters for s in chapter.get("sections", [])]
    files = [contents["root"], *(c["file"] for c in chapters), *sections]
    for file in files:
        assert any((ROOT / file).with_suffix(s).exists() for s in (".ipynb", ".md")), file
    assert {path.stem for path in NOTEBOOKS} <= {Path(file).stem for file in files}


def test_conda_and_pip_install_the_same():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, *packages, pip = environment["dependencies"]
    assert python == f"python{PROJECT['project']['requires-python']}"
    assert pip == {"pip": ["-e .[all]"]}
    # soundfile's wheels carry the MP3 decoder; conda's build may not, so pip brings what needs it.
    assert packages == ["pip"]


def test_a_wheel_holds_every_room_and_the_recorded_results():
    """`.ci/run` builds and uses one; this says at once which room was forgotten."""
    setuptools = PROJECT["tool"]["setuptools"]
    rooms = {".".join(f.parent.relative_to(ROOT).parts) for f in ROOT.glob("prcnn/**/__init__.py")}
    assert {*setuptools["packages"]} == rooms | {*setuptools["package-dir"]}
    for package, folder in setuptools["package-dir"].items():
        assert any((ROOT / folder).glob(setuptools["package-data"][package][0])), package


def imports(path):
    """All that a file imports anywhere, as dotted names; relative ones in full."""
    package = [*path.relative_to(ROOT).parent.parts]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            module = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


@rooms
def test_what_is_imported_is_declared_and_no_backend(path):
    """But for the extras, which are named in pyproject.toml, too: "mirdata" brings mirdata."""
    named = [re.split(r"[<>=\[]", line)[0].lower() for line in PROJECT["project"]["dependencies"]]
    named += PROJECT["project"]["optional-dependencies"]
    tops = {name.split(".")[0] for name in imports(path)} - sys.stdlib_module_names - {"prcnn"}
    assert not tops & {"tensorflow", "torch", "jax"}
    for top in tops:
        assert {name.lower() for name in PROVIDERS.get(top, [top])} & {*named}, top


@rooms
def test_a_file_imports_only_from_rooms_before_its_own(path):
    """As CONTRIBUTING draws them; what stands beside the rooms, such as ``atomic``, serves all."""
    order = "datasets audio spectrogram store models training evaluation baselines listening plots"
    order = [*order.split(), "study"]
    room = path.relative_to(ROOT / "prcnn").parts[0].removesuffix(".py")
    asked = {name.split(".")[1] for name in imports(path) if name.startswith("prcnn.")}
    if room in order:
        assert asked <= {*order[: order.index(room) + 1]} | {"atomic", "provenance", "__version__"}
    elif room != "__init__":
        assert not asked & {*order[1:]}


@rooms
def test_a_docstring_names_only_chapters_that_use_the_thing(path):
    whole = ast.parse(path.read_text())
    whole.name = path.parent.name if path.stem == "__init__" else path.stem
    unused = []
    for node in ast.walk(whole):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            names = [node.name]
            if isinstance(node, ast.Module):  # it may be what it holds that a chapter uses
                names += [each.name for each in node.body if hasattr(each, "name")]
            for line in re.findall(r"Chapter: (.+)", ast.get_docstring(node) or ""):
                for page in re.findall(r"book/\w+(?=\.ipynb)", line):
                    source = (ROOT / page).with_suffix(".py").read_text()
                    if not re.search(rf"\b({'|'.join(names)})\b", source):
                        unused.append(f"{node.name}: {page}")
    assert not unused


def test_readme_commands_are_there_for_ci_to_copy():
    readme = (ROOT / "README.md").read_text().splitlines()
    (train,) = [line for line in readme if re.match(r"pip install .*papermill", line)]
    (tests,) = [line for line in readme if re.match(r"pip install .*pytest --nbval", line)]
    assert train.endswith("papermill book/train.ipynb out.ipynb -p epochs 50")
    assert tests.endswith("pytest --nbval")


def measured():
    """README's rows by their labels: accuracy, low and high, as fractions."""
    run = results.read("train_synthetic")
    correct = int(facts.CONFUSION_FIGURE2.to_numpy().trace())
    board, folds, short = answers.board(), answers.table(), answers.table(epochs=answers.SHORT)
    synthetic = answers.table("synthetic").loc[REFERENCE]
    rows = {
        "the paper's Figure 2, 359 of 800 clips": (correct / 800, *evaluation.wilson(correct, 800)),
        "VGGish, which heard the sound and far more music": board.loc["VGGish (pre-trained) + SVM"],
        "`beyond`, 20 epochs, 5 seeds": board.loc["beyond, 20 epochs"],
        "SVM on MFCC, deltas and band statistics": board.loc["SVM on MFCC, deltas, bands"],
        "`paper`, at most 60 epochs, 5 seeds": board.loc["paper, at most 60 epochs"],
        "the same SVM, every clip tested once": folds.loc[SVM],
        "VGGish, every clip tested once": folds.loc[VGGISH],
        "`paper`, 16 epochs, every clip tested once": short.loc[REFERENCE],
        "`beyond`, 16 epochs, every clip tested once": short.loc["beyond"],
        "`beyond`, taught by VGGish, with statistics": short.loc[TAUGHT],
        "`paper`, 50 epochs, the first command above": run["test"],
        "linear model on the mean spectrum": run["linear"],
        "`paper`, batches of 16, at most 60 epochs, 5 seeds": synthetic,
    }
    ways = {"at random": "dealt at random", "by clip": "by clip", "by artist": "by artist"}
    for how, label in ways.items():
        found = answers.table(f"gtzan_images segments, {how}")
        rows[f"SVM on 5-second segments, {label}"] = found.loc[SVM]
        rows[f"`paper` on 5-second segments, {label}"] = found.loc["paper"]
    rows["SVM with rhythm, whole clips"] = answers.table("gtzan_images, fault-filtered").loc[RHYTHM]
    for how, label in list(ways.items())[:2]:
        (report,) = records.reports(f"gtzan_mini segments, {how}", "feng")
        rows[f"Feng's network on 5-second segments, {label}"] = report.accuracy, *report.interval
    for label, row in rows.items():
        if isinstance(row, dict) and "interval" in row:
            rows[label] = row["accuracy"], *row["interval"]
        elif not isinstance(row, tuple):
            rows[label] = row["accuracy"], row["low"], row["high"]
    return rows


def test_readme_shows_what_was_measured():
    readme = (ROOT / "README.md").read_text()
    printed = re.findall(r"^\| (.+?) \| .+? \| ([\d.]+) % \| ([\d.]+) – ([\d.]+) \|$", readme, re.M)
    said = {label.replace("**", ""): numbers for label, *numbers in printed}
    rows = {label: [f"{100 * value:.1f}" for value in row] for label, row in measured().items()}
    assert said == rows
    pair = "beyond, 20 epochs", "SVM on MFCC, deltas, bands"
    ahead = evaluation.compare_over_seeds(*(records.reports(*answers.BOARD[n]) for n in pair))
    assert f"ahead by {evaluation.points(ahead)}" in " ".join(readme.split())
