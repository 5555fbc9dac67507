"""The ablation study: the training page, run for every row and seed, and what its runs say.

Each run is ``book/train.ipynb`` under papermill, in a folder of its own, so a row of the table is
one page that can be opened and listened to. Runs go through joblib: two at a time on a laptop, or
spread over a Dask cluster by ``joblib.parallel_config("dask")``.
"""

import hashlib
import json
import os
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from prcnn.evaluation import compare_over_seeds, interval_over_seeds, over_seeds, report
from prcnn.study import results

PAGE = Path(__file__).resolve().parents[2] / "book" / "train.ipynb"

#: Row → (group, network, changes). The first group is the paper's Table 2; then its other
#: ablations, as far as its text says what was changed; "working attention" is ours.
ROWS = {
    "RNN": ("Table 2", "rnn", {}),
    "5-layer CNN": ("Table 2", "cnn5", {}),
    "3-layer CNN": ("Table 2", "cnn3", {}),
    "CNN + 1-layer RNN": ("Table 2", "paper", {}),
    "CNN + two-layer RNN": ("Table 2", "prcnn_rnn2", {}),
    "attention as printed": ("Table 2", "figure4", {}),
    "RNN with 128 units": ("working attention", "rnn", {"units": 128}),
    "attention, serial": ("working attention", "attention_serial", {}),
    "attention, parallel linear": ("working attention", "attention_linear", {}),
    "attention, parallel CNN": ("working attention", "attention_cnn", {}),
    "RNN pool (2, 2)": ("pools", "paper", {"rnn_pool": [2, 2]}),
    "RNN pool (4, 2)": ("pools", "paper", {"rnn_pool": [4, 2]}),
    "RNN pool (4, 4)": ("pools", "paper", {"rnn_pool": [4, 4]}),
    "CNN pools (2, 2)": ("pools", "paper", {"pools": [2, 2]}),
    "conv 4 with 128 filters": ("filters", "paper", {"filters": [16, 32, 64, 128, 64]}),
    "kernel (3, 3), padded": ("kernel", "paper", {"kernel_size": [3, 3], "padding": "same"}),
    "kernel (5, 1)": ("kernel", "paper", {"kernel_size": [5, 1]}),
    "dropout 0.5": ("dropout", "paper", {"dropout": 0.5}),
    "ELU": ("activation", "paper", {"activation": "elu"}),
    "tanh": ("activation", "paper", {"activation": "tanh"}),
}
REFERENCE = "CNN + 1-layer RNN"
#: Two rows differ where the corrected p-value is below this; otherwise they tie.
LEVEL = 0.05


def sweep(out, *, rows=None, seeds=range(5), n_jobs=2, progress=True, **parameters):
    """Run the training page for every row and seed that has not finished yet.

    Parameters
    ----------
    out : path
        One folder a run is made in here. Finished runs are found again and not repeated; a killed
        one goes on from its last epoch.
    rows : list of str, optional
        Names from :data:`ROWS`; default all.
    seeds : iterable of int
    n_jobs : int
        Runs at a time; each gets its share of the cores.
    progress : bool
    **parameters
        Further parameters of the page: ``dataset``, ``data_home``, ``epochs``, ``batch_size`` …

    Returns
    -------
    pandas.DataFrame
        One row a run: ``row``, ``seed``, ``folder``, ``error`` (missing where it finished).

    Raises
    ------
    ValueError
        An unknown row; the known ones are listed.

    Chapter: book/ablations.ipynb
    """
    rows = list(ROWS) if rows is None else list(rows)
    unknown = [row for row in rows if row not in ROWS]
    if unknown:
        raise ValueError(f"Unknown rows {unknown}. Known rows: {', '.join(ROWS)}.")
    out = Path(out).expanduser().resolve()
    if parameters.get("data_home") is not None:
        parameters["data_home"] = str(Path(parameters["data_home"]).expanduser().resolve())
    # Seed by seed: stopped early, the table has all rows with fewer seeds.
    runs = [(row, int(seed), _folder(out, row, seed, parameters)) for seed in seeds for row in rows]
    todo = [run for run in runs if not (run[2] / "evaluation.json").exists()]
    threads = max(1, (os.cpu_count() or 1) // n_jobs)
    calls = (
        joblib.delayed(_run)(folder, threads, _parameters(row, seed, parameters))
        for row, seed, folder in todo
    )
    finished = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")(calls)
    errors = dict(tqdm(finished, total=len(todo), desc="runs", unit="run", disable=not progress))
    table = pd.DataFrame(runs, columns=["row", "seed", "folder"])
    return table.assign(error=[errors.get(str(folder)) for folder in table["folder"]])


def _parameters(row, seed, parameters):
    _, network, changes = ROWS[row]
    return {**parameters, "network": network, "changes": changes, "seed": seed}


def _folder(out, row, seed, parameters):
    """A folder whose name tells row and seed, and differs where any parameter does."""
    said = json.dumps(_parameters(row, seed, parameters), sort_keys=True, default=str)
    name = "".join(c if c.isalnum() else "-" for c in row.lower())
    return out / f"{name}-seed{seed}-{hashlib.sha1(said.encode()).hexdigest()[:8]}"


def _run(folder, threads, parameters):
    """One page; an error is a result too, and does not stop the others."""
    import papermill

    folder.mkdir(parents=True, exist_ok=True)
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[name] = str(threads)
    try:
        papermill.execute_notebook(
            PAGE,
            folder / "page.ipynb",
            parameters={**parameters, "out": str(folder)},
            progress_bar=False,
            log_output=False,
        )
    except Exception as error:
        return str(folder), f"{type(error).__name__}: {error}"
    return str(folder), None


def collect(runs):
    """What the finished runs of a sweep say, as one record for :func:`prcnn.study.results.write`.

    Parameters
    ----------
    runs : pandas.DataFrame
        As :func:`sweep` returns it.

    Returns
    -------
    dict
        ``setting`` (dataset, epochs …, the same for all), ``genres``, ``clips``, ``true``, and for
        each row ``group``, ``network``, ``changes``, ``parameters``, ``seeds``, ``validation``
        (accuracies), ``epoch_kept`` (best on validation), ``predicted`` (a list of labels a seed),
        ``seconds``.

    Raises
    ------
    ValueError
        No finished run.

    Chapter: book/ablations.ipynb
    """
    found = {}
    for row, folder in zip(runs["row"], runs["folder"], strict=True):
        if (Path(folder) / "evaluation.json").exists():
            found.setdefault(row, []).append(results.read("evaluation", folder=folder))
    if not found:
        raise ValueError("No run of this sweep has finished.")
    first = next(iter(found.values()))[0]
    same = ("dataset", "settings", "epochs", "batch_size", "learning_rate")
    return {
        "setting": {name: first[name] for name in same},
        "genres": first["test"]["genres"],
        "clips": first["clips"],
        "true": first["true"],
        "rows": {
            row: {
                "group": ROWS[row][0],
                "network": records[0]["network"],
                "changes": records[0]["changes"],
                "parameters": records[0]["parameters"],
                "seeds": [record["seed"] for record in records],
                "validation": [record["validation"]["accuracy"] for record in records],
                "epoch_kept": [record["epoch_kept"] for record in records],
                "predicted": [record["predicted"] for record in records],
                "seconds": [record["seconds"] for record in records],
            }
            for row, records in found.items()
        },
    }


def reports_of(record, row):
    """The test reports of a row, one a seed, from what was predicted.

    Chapter: book/ablations.ipynb
    """
    n = len(record["genres"])
    return [
        report(record["true"], np.eye(n)[predicted], record["genres"], record["clips"])
        for predicted in record["rows"][row]["predicted"]
    ]


def table(record, reference=REFERENCE):
    """The study as a table: one line a row, compared with the reference on the same clips.

    Parameters
    ----------
    record : dict
        From :func:`collect`.
    reference : str
        The row that the others are tested against.

    Returns
    -------
    pandas.DataFrame
        Index row; columns ``group``, ``parameters``, ``runs``, ``validation`` (mean), ``accuracy``
        (mean on test), ``sd`` (over seeds), ``low``, ``high`` (95 % interval of the mean for other
        clips and seeds), ``difference`` from the reference with ``difference_low``,
        ``difference_high`` and ``p_value`` (all missing for itself), ``p_holm`` (corrected for the
        number of rows) and ``outcome``: "tie", "better" or "worse" (at :data:`LEVEL`), or
        "reference". All accuracies are fractions.

    Raises
    ------
    ValueError
        The reference is not among the rows; those are listed.

    Chapter: book/ablations.ipynb
    """
    if reference not in record["rows"]:
        raise ValueError(f"No row {reference!r}. Rows here: {', '.join(record['rows'])}.")
    base = reports_of(record, reference)
    lines = {}
    for row, found in record["rows"].items():
        reports = reports_of(record, row)
        spread = over_seeds(reports).loc["accuracy"]
        low, high = interval_over_seeds(reports)
        lines[row] = {
            "group": found["group"],
            "parameters": found["parameters"],
            "runs": len(reports),
            "validation": float(np.mean(found["validation"])),
            "accuracy": spread["mean"],
            "sd": spread["sd"],
            "low": low,
            "high": high,
        }
        paired = [np.nan] * 4 if row == reference else compare_over_seeds(reports, base)
        names = ("difference", "difference_low", "difference_high", "p_value")
        lines[row] |= dict(zip(names, paired, strict=True))
    lines = pd.DataFrame.from_dict(lines, orient="index").rename_axis("row")
    lines["p_holm"] = _holm(lines["p_value"])
    differs = np.where(lines["difference"] > 0, "better", "worse")
    lines["outcome"] = np.where(lines["p_holm"] < LEVEL, differs, "tie")
    lines.loc[reference, "outcome"] = "reference"
    return lines


def verdict(table, row, reference=REFERENCE):
    """One sentence: is this row better, worse or a tie with the reference?

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`table`.
    row, reference : str

    Returns
    -------
    str

    Chapter: book/ablations.ipynb
    """
    line = table.loc[row]
    start = f"**{row}** reaches {100 * line['accuracy']:.1f} %"
    if line["outcome"] == "reference":
        return f"{start}; the others are compared with it."
    points = 100 * line["difference"]
    distance = f"{abs(points):.1f} points {'above' if points > 0 else 'below'} {reference}"
    outcome = "a tie" if line["outcome"] == "tie" else line["outcome"]
    test = f"p = {line['p_holm']:.2g} after Holm's correction"
    return f"{start}, {distance} ({test}): **{outcome}**."


def _holm(p_values):
    """Holm's correction: of m tests the smallest p counts m times, the next m - 1 times …"""
    order = p_values.dropna().sort_values()
    factors = np.arange(len(order), 0, -1)
    return (order * factors).cummax().clip(upper=1).reindex(p_values.index)
