# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Ablations: what does each part add?
#
# *A network has five convolutions, two recurrent directions, pools, sometimes attention. Take one
# away: is anything lost? The paper asked this with one run a row. Here every row has several seeds,
# an interval and a paired test, and the page says where rows tie.*
#
# Each run is the training page under papermill; this page only starts the runs and compares them.
# It draws from `book/results`; set `run = True` to make the runs again:
#
# ```sh
# papermill book/ablations.ipynb out.ipynb -p run True
# papermill book/ablations.ipynb out.ipynb -p run True -p dataset fma_small -p epochs 50 -p batch_size 64
# ```

# %% tags=["parameters"]
run = False  # True: run what has not been run yet, then write book/results
dataset = "synthetic"
data_home = None
rows = None  # names from the first table; None: all
seeds = 5
epochs = 12
batch_size = 16
n_jobs = 2  # runs at a time
out = "runs/ablations"

# %%
from prcnn.notebook import refuse_unknown_parameters

refuse_unknown_parameters()

import pandas as pd
from IPython.display import Markdown

from prcnn import ablations, paper, plots, results

plots.use_style()
pd.DataFrame.from_dict(ablations.ROWS, orient="index", columns=["group", "network", "changes"])

# %% [markdown]
# The first six rows are the paper's Table 2. Of its other ablations the paper names the sizes (pools,
# filters, kernels) but not always the layer they belong to; the rows here say what was changed.
#
# ## The runs
#
# One call. Runs that have finished are found again, a killed one goes on, and joblib's backend
# decides where they run: two at a time here, or on a cluster inside
# `joblib.parallel_config("dask")`.

# %% tags=["nbval-ignore-output"]
name = f"ablations_{dataset}"
if run:
    runs = ablations.sweep(
        out,
        rows=rows,
        seeds=range(seeds),
        n_jobs=n_jobs,
        dataset=dataset,
        data_home=data_home,
        epochs=epochs,
        batch_size=batch_size,
    )
    results.write(name, ablations.collect(runs))
record = results.read(name)
table = ablations.table(record)
pd.Series(record["setting"] | {"clips in the test split": len(record["clips"])}, name="").to_frame()

# %% [markdown]
# ## What came out
#
# Mean test accuracy over the seeds, in percent; `sd` over seeds; the interval draws clips and seeds
# anew; `difference` and `p` compare with **CNN + 1-layer RNN**, the network of the paper's text, on
# the same clips. `p (Holm)` allows for the number of rows.


# %%
def percent(table):
    """The table for people: percentages with one digit."""
    shown = table.copy()
    columns = ["validation", "accuracy", "sd", "low", "high", "difference"]
    shown[columns] = (100 * shown[columns]).round(1)
    return shown.round({"p_value": 3, "p_holm": 3}).rename(
        columns={"p_value": "p", "p_holm": "p (Holm)"}
    )


percent(table).style.format(precision=1, na_rep="").format(
    precision=3, na_rep="", subset=["p", "p (Holm)"]
)

# %%
plots.show(
    plots.accuracies(table, chance=1 / len(record["genres"])),
    alt="Mean test accuracy of every row with its 95 % interval, best at the top.",
)

# %% [markdown]
# ## Beside the paper's Table 2
#
# The paper's rows are single runs on FMA-small. Other music and other amounts of it: what can be
# compared is the order of the rows, and the step from validation to test.

# %%
ours = table[["validation", "accuracy", "sd"]].mul(100).round(1)
theirs = paper.TABLE2.set_index("network")[["validation", "test"]]
table2 = ours[table["group"] == "Table 2"].copy()
networks = [record["rows"][row]["network"] for row in table2.index]
table2["paper, validation"] = theirs.loc[networks, "validation"].to_numpy()
table2["paper, test"] = theirs.loc[networks, "test"].to_numpy()
table2.rename(columns={"accuracy": "test"}).style.format(precision=1)

# %% [markdown]
# ## Does the RNN help? Does the CNN?

# %%
Markdown("\n".join(f"- {ablations.verdict(table, r)}" for r in ("5-layer CNN", "RNN") if r in table.index))

# %% [markdown]
# ## Which pools, kernels, filters, dropout, activation?

# %%
groups = ["pools", "filters", "kernel", "dropout", "activation"]
chosen = table.index[table["group"].isin(groups)]
Markdown("\n".join(f"- {ablations.verdict(table, row)}" for row in chosen))

# %% [markdown]
# ## Does attention help?
#
# The attention that the paper prints multiplies the RNN's last state by weights that sum to one, and
# sums again: it returns the RNN (see the chapter on attention). So it should tie with an RNN alone.
# The other three weigh the RNN's whole sequence, and can do something.

# %%
chosen = [r for r in table.index if "attention" in r]
Markdown("\n".join(f"- {ablations.verdict(table, row)}" for row in chosen))

# %% tags=["remove-cell"]
if dataset == "synthetic" and rows is None:
    assert (table["low"] > 1 / len(record["genres"])).all(), "every row does better than guessing"
    assert set(table.index) == set(ablations.ROWS), "every row was run"
    assert table["runs"].min() >= 5, "every row has at least five seeds"
