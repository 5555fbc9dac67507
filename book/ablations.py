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
# an interval and a paired test, and the page says what is decided and what is not.*
#
# Each run is what the training page does, so every row of the table can also be opened there and
# listened to. This page starts the runs and compares them. As it stands it draws from `book/results`;
# with `run` it makes the runs that are missing and writes the results again:
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
listed = pd.DataFrame.from_dict(ablations.ROWS, orient="index", columns=ablations.Row._fields)
listed.assign(settings=[row.settings.name if row.settings else "" for row in ablations.ROWS.values()])

# %% [markdown]
# The first six rows are the paper's Table 2. Of its other ablations the paper names the sizes (pools,
# filters, kernels) but not always the layer they belong to; the rows here say what was changed.
#
# ## The runs
#
# One call. Runs that have finished are found again, a killed one goes on from its last epoch, one that
# should have more epochs from where it ended, and joblib decides where they run: two at a time on a
# laptop, or on a cluster inside `joblib.parallel_config("dask")`.

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
table, answers = ablations.table(record), ablations.answers(record)
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
# may lie for other clips and other seeds (of other artists, where artists are known).


# %%
def percent(table):
    """The table for people: percentages with one digit."""
    names = ["validation", "accuracy", "sd", "macro_f1"]
    shown = table[names].mul(100).map("{:.1f}".format).rename(columns={"accuracy": "test"})
    shown.insert(0, "parameters", table["parameters"].map("{:,}".format))
    shown.insert(1, "runs", table["runs"])
    shown.insert(
        5, "interval", [f"{100 * a:.1f} – {100 * b:.1f}" for a, b in table[["low", "high"]].to_numpy()]
    )
    return shown.rename_axis(None)


percent(table)

# %% tags=["remove-input"]
missing = [row for row in ablations.ROWS if row not in table.index]
Markdown(
    "**These runs are older than the layer that standardises the input:** every network here was fed raw "
    "decibels, as the paper's was, which holds networks back (see [the RNN](rnn.ipynb)). Not run yet: "
    f"{', '.join(missing)}. `-p run True` makes them all, with today's networks."
    if missing
    else ""
)

# %%
chance = 1 / len(record["genres"])
Markdown(
    "**Every row had the same number of steps, and not all have finished learning.** Of all runs, "
    f"{100 * table['late'].mean():.0f} % keep a checkpoint from the last quarter of their "
    "epochs. Where this page says *worse*, it says *worse after so many steps*; a slow learner may "
    "catch up. On a faster machine, set `epochs`."
)

# %%
plots.show(
    plots.accuracies(table, chance=chance),
    alt="Mean test accuracy of every row with its 95 % interval and a dot a seed, best at the top.",
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
# ## Every question with its own answer
#
# A question compares its rows with one reference, on the same clips. The interval and the p-value
# allow for other clips and other seeds, and {term}`Holm's correction` for the number of rows of the
# question: a reader of the answer looked at no other. Four verdicts are possible. **Better** and
# **worse** where p is below 0.05; a **tie** only where the whole interval lies within ±3 points, a
# bound named before looking; **undecided** where a difference that matters is as possible as none.


# %%
def say(*questions):
    """The answers, as far as their rows were run on this dataset."""
    asked = [question for question in questions if question in answers.index.unique(0)]
    said = [
        f"*{question}*\n\n"
        + "\n".join(f"- {ablations.verdict(answers, question, row)}" for row in answers.loc[question].index)
        for question in asked
    ]
    return Markdown("\n\n".join(said) or "*Not run on this dataset.*")


plots.show(
    plots.forest(answers),
    alt="Distance of every row from its question's reference with 95 % interval and a dot a seed, over "
    "a band of ±3 points.",
)

# %% [markdown]
# ## Does the RNN help? Does the CNN?

# %%
say(
    "Does an RNN beside the CNN help?",
    "Does a CNN beside the RNN help?",
    "Does a second GRU layer help?",
    "Does the second direction help?",
    "Does the CNN need five layers?",
)

# %% [markdown]
# A branch that does as well as both together may still know other genres. How many of each genre's
# test clips does each row find, over all seeds?

# %%
shown = [row for row in ("RNN", "5-layer CNN", "CNN + 1-layer RNN") if row in table.index]
true = np.array(record["true"])
right = pd.DataFrame(
    {row: (np.array(record["rows"][row]["predicted"]) == true).mean(axis=0) for row in table.index},
    index=record["clips"],
)
recall = ablations.recalls(record).loc[shown]
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
    display(plots.player(path, label=f"a clip of {genre} that speaks for the {branch}", seconds=3))
plots.show(figure, alt="Log-mel spectrograms of the two clips on which CNN and RNN differ most.")

# %% [markdown]
# ## Which pools, kernels, filters, dropout, activation?

# %%
say(
    "Other pools?",
    "More filters or units?",
    "Another kernel?",
    "Dropout?",
    "Another activation?",
)

# %% [markdown]
# ## Which input?
#
# The paper feeds decibels as they are, between −80 and 0; here every band is first standardised by the
# training clips. It says that log-mel improves on the plain STFT that Feng used: the row has the frames of
# the paper's settings and all 513 bins of the STFT. Feng's own network hears the first 5 seconds.

# %%
say(
    "Does standardising the bands help?",
    "Does log-mel improve on plain STFT?",
    "Is Feng's network as good?",
)

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
# is the RNN that hands on its last state only; then its fair rival, the plain mean of the same states,
# which attention is with equal weights.

# %%
say(
    "Does the printed attention differ from its RNN?",
    "Does attention beat the RNN's last state?",
    "Does attention beat the mean of the RNN's states?",
    "Does attention beat CNN and RNN joined?",
    "Is Yu's parallel CNN the best attention?",
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
real_answers = ablations.answers(real)
decided = real_answers[real_answers["verdict"] != "undecided"].index
Markdown(
    f"Of {len(real_answers)} comparisons {len(decided)} are decided there"
    + "".join(f"\n- {ablations.verdict(real_answers, *place)}" for place in decided)
)

# %% [markdown]
# **The study was not run on FMA-small yet.** It is one parameter away (`-p dataset fma_small_images`, or
# `fma_small` with its sound, as the second command above shows); its 800 test clips would shrink every
# interval of this page.
#
# ## Summary

# %%
counts = answers["verdict"].value_counts()
Markdown(
    f"- Of {len(answers)} comparisons "
    + ", ".join(f"{counts.get(word, 0)} are {word}" for word in ("better", "worse", "undecided"))
    + f" and {counts.get('tie', 0)} tie.\n"
    f"- From seed to seed the test accuracy of one and the same network moves by an sd of "
    f"{100 * table['sd'].min():.1f} to {100 * table['sd'].max():.1f} points. A single run a row, as in "
    "the paper, cannot rank rows that lie closer than that.\n"
    f"- The half-width of the intervals is {50 * (table['high'] - table['low']).mean():.1f} points on "
    f"average, with {len(record['clips'])} clips and {int(table['runs'].min())} seeds a row."
)

# %% tags=["remove-cell"]
if dataset == "synthetic" and rows is None:
    assert set(table.index) <= set(ablations.ROWS), "the rows are those of today's study"
    assert table["runs"].min() >= 5, "every row has at least five seeds"
    assert (table["low"] > chance).all(), "every row does better than guessing"
    same = answers.loc["Does the printed attention differ from its RNN?"].iloc[0]
    assert same["low"] < 0 < same["high"], "it is an RNN"

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
# half = ablations.Row("width", "paper", {"filters": [8, 16, 32, 32, 32]})
# ablations.ROWS["half the filters"] = half
# own = ["half the filters", ablations.REFERENCE]
# runs = ablations.sweep(out, rows=own, epochs=epochs, batch_size=batch_size)
# question = {"Half?": ablations.Question(ablations.REFERENCE, ["half the filters"])}
# ablations.answers(ablations.collect(runs), question)
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
# deviation, $\sqrt{0.2 n}$, to be seen once in two times: so $n \approx 4 \cdot 0.2 / 0.02^2 = 2000$
# clips. To be seen four times in five it must be 2.8 times as large:
# `evaluation.clips_needed(0.02, 0.2)` says 3917. FMA-small has 800, which show
# `evaluation.difference_seen(800, 0.2)`: 4.4 points.
# ````
