# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
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
# Each run is the training page under papermill, so every row of the table is a notebook that can be
# opened and listened to. This page starts the runs and compares them. As it stands it draws from
# `book/results`; with `run` it makes the runs that are missing and writes the results again:
#
# ```sh
# papermill book/ablations.ipynb out.ipynb -p run True
# papermill book/ablations.ipynb out.ipynb -p run True -p dataset fma_small -p data_home ~/data -p epochs 50 -p batch_size 64
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
from pathlib import Path

from prcnn.notebook import refuse_unknown_parameters

refuse_unknown_parameters()

import numpy as np
import pandas as pd
import seaborn as sns
from IPython.display import Markdown, display
from matplotlib import pyplot as plt

import prcnn
from prcnn import plots, spectrogram
from prcnn.study import ablations, paper, results

plots.use_style()
pd.DataFrame.from_dict(ablations.ROWS, orient="index", columns=["group", "network", "changes"])

# %% [markdown]
# The first six rows are the paper's Table 2. Of its other ablations the paper names the sizes (pools,
# filters, kernels) but not always the layer they belong to; the rows here say what was changed.
#
# ## The runs
#
# One call. Runs that have finished are found again, a killed one goes on from its last epoch, and
# joblib decides where they run: two at a time on a laptop, or on a cluster inside
# `joblib.parallel_config("dask")`.

# %% tags=["nbval-ignore-output"]
name = f"ablations_{Path(dataset).name}"
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
setting = record["setting"] | {
    "clips in the test split": len(record["clips"]),
    "runs": int(table["runs"].sum()),
    "hours of training in all": round(
        sum(sum(row["seconds"]) for row in record["rows"].values()) / 3600, 1
    ),
}
pd.Series(setting, name="").to_frame()

# %% [markdown]
# With batches of 16 an epoch has four times the steps of the paper's 64, so that a few epochs here
# take about as many steps as fifty there on the same clips.
#
# ## What came out
#
# Mean test accuracy over the seeds, in percent; `sd` over seeds; the 95 % interval says where the mean
# may lie for other clips and other seeds; `difference` compares with **CNN + 1-layer RNN**, the network
# of the paper's text, on the same clips. Its p-value, too, allows for other clips and other seeds, and
# {term}`Holm's correction` for the number of rows.


# %%
def percent(table):
    """The table for people: percentages with one digit."""
    p_value = table["p_holm"].map("{:.3f}".format).where(table["p_holm"].notna(), "")
    return pd.DataFrame(
        {
            "parameters": table["parameters"].map("{:,}".format),
            "runs": table["runs"],
            "validation": (100 * table["validation"]).map("{:.1f}".format),
            "test": (100 * table["accuracy"]).map("{:.1f}".format),
            "sd": (100 * table["sd"]).map("{:.1f}".format),
            "interval": [f"{100 * a:.1f} – {100 * b:.1f}" for a, b in table[["low", "high"]].to_numpy()],
            "difference": (100 * table["difference"]).map("{:+.1f}".format).where(p_value != "", ""),
            "p (Holm)": p_value,
        }
    ).rename_axis(None)


percent(table)

# %%
chance = 1 / len(record["genres"])
late = {
    row: np.mean(np.array(found["epoch_kept"]) > 0.75 * record["setting"]["epochs"])
    for row, found in record["rows"].items()
}
Markdown(
    "**Every row had the same number of steps, and not all have finished learning.** Of all runs, "
    f"{100 * np.mean(list(late.values())):.0f} % keep a checkpoint from the last quarter of their "
    "epochs. Where this page says *worse*, it says *worse after so many steps*; a slow learner may "
    "catch up. On a faster machine, set `epochs`."
)

# %%
plots.show(
    plots.accuracies(table, chance=chance),
    alt="Mean test accuracy of every row with its 95 % interval, best at the top.",
)

# %% [markdown]
# ## Beside the paper's Table 2
#
# The paper's rows are single runs on FMA-small. Other music and other amounts of it: what can be
# compared is the order of the rows, and the step from validation to test.

# %%
ours = table[["validation", "accuracy", "sd"]].mul(100)
theirs = paper.TABLE2.set_index("network")[["validation", "test"]]
table2 = ours[table["group"] == "Table 2"].rename(columns={"accuracy": "test"})
networks = [record["rows"][row]["network"] for row in table2.index]
table2["paper, validation"] = theirs.loc[networks, "validation"].to_numpy()
table2["paper, test"] = theirs.loc[networks, "test"].to_numpy()
table2.rename_axis(None).round(1)

# %%
same_order = table2["test"].corr(table2["paper, test"], method="spearman")
Markdown(
    f"Rank correlation of the two test columns: {same_order:.2f} (1: the same order, 0: none), "
    f"from {len(table2)} rows."
)

# %% [markdown]
# ## Does the RNN help? Does the CNN?

# %%
branches = [row for row in ("5-layer CNN", "3-layer CNN", "RNN") if row in table.index]
Markdown("\n".join(f"- {ablations.verdict(table, row)}" for row in branches))

# %% [markdown]
# A branch that ties with both together may still know other genres. How many of each genre's test
# clips does each row find, over all seeds?

# %%
shown = [row for row in ("RNN", "5-layer CNN", "CNN + 1-layer RNN") if row in table.index]
true = np.array(record["true"])
right = pd.DataFrame(
    {row: (np.array(record["rows"][row]["predicted"]) == true).mean(axis=0) for row in table.index},
    index=record["clips"],
)
recall = right[shown].groupby([record["genres"][i] for i in true]).mean().T
figure, ax = plt.subplots(figsize=(7.2, 0.8 + 0.45 * len(shown)))
sns.heatmap(100 * recall, annot=True, fmt=".0f", cmap="Greys", vmin=0, vmax=100, cbar=False, ax=ax)
ax.tick_params(axis="x", rotation=30)
plots.show(
    ax,
    alt="Share of each genre's test clips that the RNN, the CNN and both together find, in percent.",
)

# %% [markdown]
# ### Hear the difference
#
# The clip that speaks most for the CNN (right with most seeds, while the RNN is wrong), and the one
# that speaks most for the RNN:

# %% tags=["nbval-ignore-output"]
clips = prcnn.datasets.load(dataset, data_home=data_home).clips
lead = right["5-layer CNN"] - right["RNN"]
figure, axes = plt.subplots(1, 2, figsize=(7.2, 2.6), sharey=True)
for ax, (branch, clip) in zip(
    axes, {"CNN": lead.idxmax(), "RNN": lead.idxmin()}.items(), strict=True
):
    path, genre = clips.loc[clip, ["path", "genre"]]
    plots.spectrogram(
        spectrogram.log_mel(path), ax=ax, title=f"for the {branch}: {genre}", colorbar=False
    )
    ax.label_outer()
    display(plots.player(path, label=f"a clip of {genre} that speaks for the {branch}"))
plots.show(figure, alt="Log-mel spectrograms of the two clips on which CNN and RNN differ most.")

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
# sums again: it returns the RNN (see [the chapter on attention](attention.ipynb)). So its CNN adds
# nothing, whatever it is, and its fair rival is an RNN as wide as Figure 4's, with 128 units a
# direction instead of 64.
#
# The other three weigh the RNN's whole sequence, and can do something. Two of them have no CNN at all;
# the third takes its weights from one, but classifies states of the RNN. What they have to beat first
# is the RNN that hands on its last state only.

# %%
def beside(reference, rows):
    """What the rows are beside another one, as far as they were run."""
    if reference not in table.index or not set(rows) <= set(table.index):
        return "- not run on this dataset"
    against = ablations.table(record, reference=reference)
    return "\n".join(f"- {ablations.verdict(against, row, reference)}" for row in rows)


over_time = ["attention, serial", "attention, parallel linear", "attention, parallel CNN"]
printed = beside("RNN with 128 units", ["attention as printed"])
Markdown(
    f"As printed, beside an RNN of its width:\n\n{printed}\n\n"
    f"Attention over time, beside the RNN's last state:\n\n{beside('RNN', over_time)}\n\n"
    "And beside CNN and RNN joined, the network of the text:\n\n"
    + beside(ablations.REFERENCE, over_time)
)

# %% [markdown]
# ## On real music
#
# The main rows on gtzan_mini: ten genres of GTZAN with ten clips each, split by clip. Its test split
# is so small that only very large differences could show; the table says what can be said.

# %%
real = results.read("ablations_gtzan_mini")
real_table = ablations.table(real)
Markdown(
    f"{len(real['clips'])} test clips, {real['setting']['epochs']} epochs, batches of "
    f"{real['setting']['batch_size']}; guessing gets {100 / len(real['genres']):.0f} %."
)

# %%
percent(real_table)

# %%
differ = real_table.index[real_table["outcome"].isin(["better", "worse"])]
Markdown(
    "Rows that differ from CNN + 1-layer RNN: " + ("; ".join(differ) or "none; all of them tie") + "."
)

# %% [markdown]
# **FMA-small was not run here**: the archive (7.2 GiB) was out of reach. It is one parameter away, as
# the second command above shows; its 800 test clips would shrink every interval of this page.
#
# ## Summary

# %%
found = {name: list(lines.index) for name, lines in table.groupby("outcome")}
ties, better, worse = (found.get(name, []) for name in ("tie", "better", "worse"))
Markdown(
    f"- Of {len(table) - 1} changes, {len(ties)} tie with the network of the paper's text. Better: "
    f"{'; '.join(better) or 'none'}. Worse: {'; '.join(worse) or 'none'}.\n"
    f"- From seed to seed the test accuracy of one and the same network moves by an sd of "
    f"{100 * table['sd'].min():.1f} to {100 * table['sd'].max():.1f} points. A single run a row, as in "
    "the paper, cannot rank rows that lie closer than that.\n"
    f"- The half-width of the intervals is {50 * (table['high'] - table['low']).mean():.1f} points on "
    f"average, with {len(record['clips'])} clips and {int(table['runs'].min())} seeds a row."
)

# %% tags=["remove-cell"]
if dataset == "synthetic" and rows is None:
    assert set(table.index) == set(ablations.ROWS), "every row was run"
    assert table["runs"].min() >= 5, "every row has at least five seeds"
    assert (table["low"] > chance).all(), "every row does better than guessing"
    assert printed.endswith("**a tie**."), "it is an RNN"

# %% [markdown]
# ## Exercises
#
# ```{exercise} One seed
# :label: ablations-one-seed
# Redo the table as the paper would have it: one seed a row. How often, over the seeds, does the order
# of the rows of Table 2 change?
# ```
#
# ````{solution} ablations-one-seed
# :class: dropdown
# ```python
# single = pd.DataFrame(
#     {
#         row: [report.accuracy for report in ablations.reports_of(record, row)]
#         for row in table2.index
#     }
# )
# single.rank(axis=1, ascending=False)
# ```
# Every line is a study of one seed; read the ranks of a row down its column.
# ````
#
# ```{exercise} A row of your own
# :label: ablations-own-row
# Which change would you try? Add it to the study and run it for five seeds.
# ```
#
# ````{solution} ablations-own-row
# :class: dropdown
# For instance a network of half the width:
#
# ```python
# ablations.ROWS["half the filters"] = ("filters", "paper", {"filters": [8, 16, 32, 32, 32]})
# own = ["half the filters", ablations.REFERENCE]
# runs = ablations.sweep(out, rows=own, epochs=epochs, batch_size=batch_size)
# percent(ablations.table(ablations.collect(runs)))
# ```
# ````
#
# ```{exercise} Enough clips
# :label: ablations-enough
# Two rows differ by two points. About how many test clips would show it, if each run were perfectly
# repeatable and the two networks disagreed on a fifth of the clips?
# ```
#
# ````{solution} ablations-enough
# :class: dropdown
# McNemar's test looks at the clips on which they disagree, 0.2 n; one network wins on 0.11 n of them,
# the other on 0.09 n. The difference of the two counts, 0.02 n, must be about twice its standard
# deviation, $\sqrt{0.2 n}$: so $n \approx 4 \cdot 0.2 / 0.02^2 = 2000$ clips, and FMA-small has 800.
# ````
