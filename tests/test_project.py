"""The project's habits: pairs, parameters, kernels, sizes, one list of dependencies."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import jupytext
import nbformat
import pytest
import yaml
from jupytext.compare import compare_notebooks

from prcnn import evaluation
from prcnn.study import ablations, fma_small, paper, results, segments

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "book").glob("*.ipynb"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

notebooks = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def parameter_cells(notebook):
    return [i for i, c in enumerate(notebook.cells) if "parameters" in c.metadata.get("tags", [])]


@notebooks
def test_both_halves_of_a_pair_say_the_same(path):
    # The .py is what one edits; `python book/refresh.py PAGE` brings the .ipynb up to it.
    source = jupytext.read(path.with_suffix(".py"))
    page = jupytext.read(path)
    compare_notebooks(page, source, fmt="py:percent", allow_expected_differences=True)


@notebooks
def test_no_sentence_or_formula_is_lost_between_markdown_and_page(path):
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            # MyST takes a line that begins with % for a comment; the formula converter puts what
            # stands between \\begin{aligned} and \\end{aligned} on one line (align* is right).
            assert not re.search(r"^%", cell.source, flags=re.MULTILINE), cell.source
            assert "{aligned}" not in cell.source


@notebooks
def test_kernel_is_one_that_everybody_has(path):
    kernel = nbformat.read(path, as_version=4).metadata.kernelspec
    assert (kernel.name, kernel.language) == ("python3", "python")


@notebooks
def test_notebook_is_small_and_was_run(path):
    assert path.stat().st_size < 300_000
    cells = nbformat.read(path, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code" and cell.source.strip()]
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
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code" and not hidden(cell, "input"):
            lines = cell.source.splitlines()
            assert len(lines) <= 15, cell.source
            assert max(map(len, lines)) <= 72, max(lines, key=len)


@notebooks
def test_figures_and_tables_have_names_and_captions(path):
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            found = [o.get("data", {}).get("text/html", "") for o in cell.outputs]
            found = [x for x in found if x and not x.startswith("<details")]
            shown = [x for x in found if re.search('<table|<img class="(drawing|picture)', x)]
            figure = cell.metadata.get("mystnb", {}).get("figure", {})
            if figure:
                assert re.match(r"(fig|tab)-[a-z0-9-]+$", figure["name"]) and figure["caption"]
                assert len(found) <= 1, f"{figure['name']} would be given to {len(found)} outputs"
            assert figure or not shown or hidden(cell, "output"), cell.source


@notebooks
def test_parameterised_pages_have_one_such_cell_and_refuse_others(path):
    notebook = nbformat.read(path, as_version=4)
    tagged = parameter_cells(notebook)
    assert len(tagged) <= 1
    for i in tagged:
        code = [c.source for c in notebook.cells[i + 1 :] if c.cell_type == "code"]
        assert "refuse_unknown_parameters()" in code[0], "the next cell must refuse misspelt -p"


def test_the_training_page_has_the_parameters_that_the_readme_names():
    notebook = nbformat.read(ROOT / "book" / "train.ipynb", as_version=4)
    (cell,) = parameter_cells(notebook)
    names = set(re.findall(r"^(\w+) =", notebook.cells[cell].source, flags=re.MULTILINE))
    assert names >= {
        "dataset",
        "data_home",
        "network",
        "settings",
        "epochs",
        "batch_size",
        "learning_rate",
        "seed",
        "out",
    }


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


def test_what_is_imported_is_declared():
    """Of what a file imports anywhere, but for the extras, each is named in pyproject.toml."""
    named = [re.split(r"[<>=\[]", line)[0].lower() for line in PROJECT["project"]["dependencies"]]
    named += PROJECT["project"]["optional-dependencies"]  # "mirdata" brings mirdata
    providers = packages_distributions()
    for path in (ROOT / "prcnn").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                modules = [node.module]
            for top in {module.split(".")[0] for module in modules} - sys.stdlib_module_names:
                brings = [name.lower() for name in providers.get(top, [top])]
                assert top == "prcnn" or {*brings} & {*named}, f"{path.name} imports {top}"


def test_readme_commands_are_there_for_ci_to_copy():
    readme = (ROOT / "README.md").read_text().splitlines()
    (train,) = [line for line in readme if re.match(r"pip install .*papermill", line)]
    (tests,) = [line for line in readme if re.match(r"pip install .*pytest --nbval", line)]
    assert train.endswith("papermill book/train.ipynb out.ipynb -p epochs 50")
    assert tests.endswith("pytest --nbval")


def test_readme_shows_what_was_measured():
    readme = (ROOT / "README.md").read_text()
    run, leak = results.read("train_synthetic"), results.read("leakage_gtzan_mini")["three"]
    study = ablations.table(results.read("ablations_synthetic"))
    correct = int(paper.CONFUSION_FIGURE2.to_numpy().trace())
    lines = [
        (correct / 800, *evaluation.wilson(correct, 800)),
        (run["test"]["accuracy"], *run["test"]["interval"]),
        (run["linear"]["accuracy"], *run["linear"]["interval"]),
        tuple(study.loc[ablations.REFERENCE, ["accuracy", "low", "high"]]),
        *((line["accuracy"], line["low"], line["high"]) for line in leak.values()),
    ]
    feng = segments.reports(results.read(segments.RESULT), "feng")
    lines += [(report.accuracy, *report.interval) for report in feng.values()]
    lines += [
        line
        for name, *line in fma_small.board()[["accuracy", "low", "high"]].itertuples()
        if name != "SVM on MFCC"
    ]
    for line in lines:
        accuracy, low, high = (100 * value for value in line)
        assert f"| {accuracy:.1f} % | {low:.1f} – {high:.1f} |" in readme
    runs = fma_small.contenders()
    ahead = evaluation.compare_over_seeds(runs["beyond"], runs["SVM on MFCC, deltas, bands"])
    assert round(100 * ahead.difference) == 5, "the README says five points"
    assert f"(paired interval {100 * ahead.low:.1f} to {100 * ahead.high:.1f})" in readme


def test_library_names_no_backend():
    for path in (ROOT / "prcnn").rglob("*.py"):
        assert not re.search(
            r"^\s*(import|from) (tensorflow|torch|jax)\b", path.read_text(), flags=re.MULTILINE
        ), path
