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
# *A network has five convolutions, two directions of reading, pools, sometimes attention. Take one away: is
# anything lost? The paper asked with one run a row, and so did we, until it showed that another length of
# training turns answers round.*
#
# **You will be able to** tell a difference from luck, read a forest plot, and add a row of your own.
# **You should know** what the [CNN](cnn.ipynb) and the [RNN](rnn.ipynb) do. **Time**: 10 minutes.
#
# The chapter is also the study's command. Runs that have finished are found again, and a killed one goes
# on from its last epoch:
#
# ```sh
# papermill book/ablations.ipynb out.ipynb -p run True -p data_home ~/data
# ```
#
# `-p epochs 16` stops every run there, a quarter of the way; a later call goes on to 60.

# %% tags=["parameters"]
run = False  # True: run what the study lacks, and record it
study = "FMA-small"  # of prcnn.study.rows.STUDIES
rows = None  # names of its rows; None: all
data_home = None
epochs = None  # 16, say: stop there for now, and go on later
n_jobs = 2  # runs at a time
out = "runs/study"

# %%
import numpy as np
import pandas as pd
from IPython.display import Markdown, display

import prcnn
from prcnn import evaluation, models, plots, store, training
from prcnn.study import answers, records
from prcnn.study.rows import REFERENCE, STUDIES

plots.use_style()
if run:
    from prcnn.study import run as runs

    how = {"rows": rows, "epochs": epochs, "n_jobs": n_jobs}
    runs.study(study, out, data_home, **how)

# %% [markdown]
# ## How it was done
#
# The 7,994 clips of FMA-small whose pictures are known are cut, in the order of their track numbers, into
# stretches of 100 neighbours, and the stretches are dealt into five folds. Each fold is tested once, by a
# network that was trained on the others; an eighth of these chooses the epoch. So every clip is tested
# once, ten times as many as the official split tests. Neighbours share artists, albums and studios. What
# stretches of 100 still give away was measured with a linear model: about a point.
#
# A run has 60 epochs and keeps what it says at its best validation epoch within the first 8, 16, 32 and
# 60 of them: the length of training is a factor like any other. (Rows with the recipe of
# [beyond](beyond.ipynb), whose rate falls to nothing at the end, have one length, 16.) These runs take
# many hours, and not all have been made; where a question has no answer from them yet, the official
# split's 800 test clips answer, with five seeds a row, at most 60 epochs and early stopping. The table
# counts what there is.

# %% tags=["hide-input"]
runs, clips = records.read()
lines = {}
for name in answers.ORDER:
    mine = runs[(runs["study"] == name) & (runs["part"] == "test")]
    if len(mine):
        single = mine[mine["epochs"] == mine["epochs"].max()]
        tested = {c: len(clips[c]["clips"]) for c in mine["clips"]}
        lines[name] = {
            "rows": f"{mine['row'].nunique()} of {len(STUDIES[name].rows)}",
            "clips tested": f"{sum(tested.values()):,}",
            "lengths (epochs)": ", ".join(map(str, sorted({*mine["epochs"]} - {0}))) or "–",
            "runs": len(single),
            "hours of training": f"{single['seconds'].sum() / 3600:.1f}",
        }
pd.DataFrame(lines)

# %% [markdown]
# **Table.** The studies that this chapter draws from.
#
# ## One rule for verdicts
#
# Two rows are compared on the same clips. The 95 % interval of their difference allows for other clips
# (clips that belong together are drawn together) and for other runs. All comparisons of the study at one
# length of training are one family: their p-values are corrected together so that, of the differences
# called so, no more than 5 % are expected to be chance ([Benjamini and Hochberg, 1995](references.md)); the result is q.
#
# - **better**, **worse**: q is below 5 %.
# - **tie**: not so, and the whole interval lies within ±2 points, a bound fixed before any fold was run.
# - **undecided**: a difference that matters is as possible as none.
# - **depends on the length of training**: 16 and 60 epochs say different things.
#
# The function is short:

# %%
def verdict(difference, low, high, q, tie=0.02):
    if q < 0.05:
        return "better" if difference > 0 else "worse"
    if max(-low, high) <= tie:
        return "tie"
    return "undecided"


verdict(difference=0.031, low=0.009, high=0.053, q=0.02)

# %% [markdown]
# **Change this and run again:** `q=0.2`. Expect *undecided*, for the same difference may then be chance. Then
# `tie=0.06` as well: the interval lies within that bound, and the same numbers are a *tie*.

# %% tags=["hide-input"]
tables = {name: answers.comparisons(name) for name in answers.ORDER if name in lines}


def asked(*questions):
    return pd.concat([answers.of_question(tables, question) for question in questions])


def figure(*questions, alt):
    """Differences with the intervals on which the verdicts rest; two lengths where there are two."""
    found = asked(*questions)
    if found.empty:
        return Markdown("*Not run yet.*")
    longest = answers.at_longest(found)
    shown = {f"{longest['epochs'].max()} epochs": longest}
    if (short := found.drop(longest.index).query("epochs == @answers.SHORT")).size:
        shown[f"{answers.SHORT} epochs"] = short
    shown = {name: table.set_index(["question", "row"]) for name, table in shown.items()}
    return plots.show(plots.forest(shown), alt=alt)


def said(*questions):
    """The same in words, folded, with what other studies say."""
    deciding = answers.at_longest(asked(*questions))
    lines = []
    for study, table in tables.items():
        mine = answers.at_longest(table[table["question"].isin(questions)])
        lines += [
            f"<li>{line.row} against {line.reference}, {study}"
            f"{f', {line.epochs} epochs' if line.epochs else ''}: {evaluation.points(line)}, "
            f"q {evaluation.p_value(line.q)}, <b>{line.verdict}</b></li>"
            for line in mine.itertuples()
        ]
    words = deciding["verdict"].value_counts()
    head = ", ".join(f"{n} {word}" for word, n in words.items()) or "not run yet"
    return Markdown(f"<details><summary>{head}</summary><ul>{''.join(lines)}</ul></details>")


# %% [markdown]
# ## Does the second branch earn its place?
#
# [Feng et al. (2017)](references.md) write that “the additional Bi-RNN block is a supplement for CNNs”; the paper, of
# its own network, that it “does not improve performance in this case”. Its case was raw decibels, so both
# inputs are asked. Each branch alone stands beside both together, and one direction beside two.

# %%
branches = (
    "Does an RNN beside the CNN help?",
    "Does it help on raw decibels?",
    "Does a CNN beside the RNN help?",
    "Does a second GRU layer help?",
    "Does the second direction help?",
)
figure(
    *branches,
    alt="What each branch, layer and direction adds, with interval.",
)

# %% [markdown]
# **Figure.** What a branch, a second recurrent layer and a second direction add. In the grey band a
# difference would not matter.

# %% tags=["remove-input"]
said(*branches)

# %% [markdown]
# ## Are five layers better than three?
#
# In the paper's Table 2 the three-layer CNN is far behind. Two layers less are two pools less as well, so
# that the classifier reads the whole map instead of its summary. The paper does not say which pools its
# three layers kept, and they decide how much is left.

# %%
for layers in ("cnn5", "cnn3"):
    model = models.build(layers)
    features = model.get_layer("flatten").output.shape[-1]
    frames = models.receptive_field(model).iloc[-1]["frames"]
    print(layers, features, "features of", frames, "frames each")

# %% tags=["hide-input"]
layers = ("Does the CNN need five layers?", "Is a plain deep CNN better?")
figure(*layers, alt="Accuracy of five layers less that of three; of eight plain layers less the paper's.")

# %% [markdown]
# **Figure.** Five layers beside three, and a plain deep CNN beside the paper's network.

# %% tags=["remove-input"]
said(*layers)

# %% [markdown]
# ## Kernel, activation, input
#
# The paper's filters look along time alone: no weight of theirs joins two bands, and an interval or a vowel
# is a relation between bands. Its input is raw decibels, which are never positive: a filter of the first
# layer puts out its input times the sum of three weights, for about half of all filters a negative number
# always, and a ReLU makes that zero. How many features never move says the cell below; try `"selu"`.

# %% tags=["nbval-ignore-output"]
made = store.extract(prcnn.load("synthetic"), progress=False)
X = made.read(made.indices("test")[::7])
for scale in ("none", "bands"):
    for bend in ("relu", "elu", "tanh"):
        model = models.build("paper", activation=bend, scale=scale)
        training.batches.adapt_scale(model, made)
        features = models.outputs(model, X, "flatten")
        still = np.ptp(features, axis=0) < 0.02
        print(f"{scale:6} {bend:5} {still.mean():.0%} never move")

# %% tags=["hide-input"]
kernels = ("Another kernel?", "Another activation?", "Does standardising the bands help?")
figure(*kernels, alt="Other kernels and activations less the paper's, and standardised bands less raw.")

# %% [markdown]
# **Figure.** Two other kernels, two other activations, and what it is worth to standardise the bands.

# %% tags=["remove-input"]
said(*kernels)

# %% [markdown]
# ## Pools, width, dropout
#
# The paper calls its sizes best. About width it disagrees with itself: its text prints 64 filters and 64
# units, the weights behind its Figure 2 have 128 of both. Each was changed alone, upwards and downwards.

# %% tags=["hide-input"]
sizes = ("Other pools?", "Other filters or units?", "Dropout?")
figure(*sizes, alt="Other pools, widths and dropouts beside the paper's, with interval.")

# %% [markdown]
# **Figure.** Other pools, filters, units and dropout, beside the network of the text.

# %% tags=["remove-input"]
said(*sizes)

# %% [markdown]
# ## Does attention help?
#
# A clip has moments that tell its genre, and attention should find them ([Yu et al., 2020](references.md)). What it
# gains over the RNN's last state may be the gain of looking at the whole clip; what it gains over the plain
# mean of the same states is the gain of weighing. The printed attention is an RNN by algebra
# ([attention](attention.ipynb)), and a difference from its RNN would be a wonder.

# %% tags=["hide-input"]
attention = (
    "Does the printed attention differ from its RNN?",
    "Does the mean of the RNN's states beat its last?",
    "Does attention beat the RNN's last state?",
    "Does attention beat the mean of the RNN's states?",
    "Does attention beat CNN and RNN joined?",
    "Is Yu's parallel CNN the best attention?",
)
figure(*attention, alt="Attentions beside the RNN, the mean of its states, and CNN and RNN joined.")

# %% [markdown]
# **Figure.** Attention, printed and working, beside its rivals.

# %% tags=["remove-input"]
said(*attention)

# %% tags=["remove-input"]
folds = answers.table("FMA-small", answers.SHORT)
last, mean = folds.loc["RNN"], folds.loc["RNN, mean of its states"]
Markdown(
    f"On all clips, after {answers.SHORT} epochs, the mean of the states has {100 * mean['accuracy']:.1f} % where the last "
    f"state has {100 * last['accuracy']:.1f} %, and weighing the states adds nothing to their mean. But "
    f"{100 * last['late']:.0f} % of the RNN's runs kept an epoch of their last quarter: they were still learning. Whether "
    "the mean is a better place or only a shorter way to it, longer runs must tell; the official split, where runs had 60 "
    "epochs, sees no difference."
)

# %% tags=["remove-cell"]
assert last["late"] > 0.5, "the text says that the RNN was still learning"

# %% [markdown]
# ## Other inputs, other methods
#
# Plain STFT and Feng's network need sound, which the pictures of FMA-small do not hold: a few clips of
# GTZAN and the synthetic music answer. Statistics of every band are joined to both branches; Dwivedi's
# network puts its RNN behind its CNN; and a support vector machine knows nothing of order, but for what
# the modulation spectrum tells it of the beat.

# %% tags=["hide-input"]
inputs = (
    "Does log-mel improve on plain STFT?",
    "Is Feng's network as good?",
    "Do features beside the spectrogram help?",
    "Are CNN and RNN better one after the other?",
    "Is a network better than a classifier?",
    "Does rhythm help a classifier?",
    "Does hearing millions of other sounds help?",
)
figure(*inputs, alt="Log-mel beside STFT, Feng's network, features joined, Dwivedi's CRNN, classifiers.")

# %% [markdown]
# **Figure.** Another input, statistics beside the spectrogram, branches one after the other, and
# classifiers.

# %% tags=["remove-input"]
said(*inputs)

# %% [markdown]
# ## All rows
#
# Accuracy in percent, mean over the runs, with its 95 % interval for other clips and runs; `late` is the
# share of runs that keep an epoch of their last quarter, and were still learning.

# %% tags=["hide-input", "hide-output"]
for name in tables:
    table = answers.table(name)
    bounds = table[["low", "high"]].mul(100).to_numpy()
    shown = table[["validation", "accuracy", "macro_f1"]].mul(100).map("{:.1f}".format)
    shown.insert(2, "interval", [f"{low:.1f} – {high:.1f}" for low, high in bounds])
    shown = shown.assign(epochs=table["epochs"], runs=table["seeds"].map(len))
    display(Markdown(f"**{name}**"), shown.assign(late=table["late"].map("{:.0%}".format)))

# %% [markdown]
# How many in a hundred clips of each genre the two branches find, alone and together:

# %%
recall = {}
for row in ("RNN", "5-layer CNN", REFERENCE):
    for report in records.reports("official", row):
        recall.setdefault(row, []).append(report.per_genre["recall"])
mean = {row: sum(each) / len(each) for row, each in recall.items()}
pd.DataFrame(mean).T.mul(100).round().astype(int)

# %% [markdown]
# **Table.** Recall of each genre in percent, mean over the runs.
#
# ## Summary

# %% tags=["remove-input"]
lines = []
for name, table in tables.items():
    last = table[table["epochs"] == table["epochs"].max()].drop_duplicates(["row", "reference"])
    words = ", ".join(f"{n} {word}" for word, n in last["verdict"].value_counts().items())
    lines.append(f"- **{name}**: of {len(last)} comparisons {words or 'none yet'}.")
Markdown("\n".join(lines))

# %% [markdown]
# - One run of a row ranks luck, and one length of training ranks patience.
# - Decibels that are never positive silence many of a ReLU's features before training has begun.
# - What attention gains over the last state has two parts, and only the mean of the states tells them
#   apart.
#
# ## Exercises
#
# **Exercise 1 (hard). Your own hypothesis.**
# Which change would you try? Write down first how many points you expect. Then add it as a row, run it
# and compare.
#
# <details><summary>Solution</summary>
#
# For instance a network of a quarter of the width, on music that is made here:
#
# ```python
# from prcnn.study import rows, run
# quarter = rows.Row(
#     "width", "paper", {"filters": [4, 8, 16, 16, 16]}
# )
# rows.STUDIES["synthetic"].rows["a quarter"] = quarter
# run.study("synthetic", rows=["a quarter"])
# answers.comparisons(
#     "synthetic", {"A quarter?": (REFERENCE, ["a quarter"])}
# )
# ```
# Most people expect a loss. Count the parameters: the GRU keeps all of its own.
#
# </details>
#
# **Exercise 2 (medium). Enough clips.**
# Two rows differ by two points. About how many test clips would show it, if each run were perfectly
# repeatable and the two networks disagreed on a fifth of the clips?
#
# <details><summary>Solution</summary>
#
# McNemar's test looks at the clips on which they disagree, 0.2 n; one network wins on 0.11 n of them,
# the other on 0.09 n. The difference of the two counts, 0.02 n, must be about twice its standard
# deviation, $\sqrt{0.2 n}$, to be seen once in two times: so $n \approx 4 \cdot 0.2 / 0.02^2 = 2000$
# clips. The official split has 800, the five folds have 7,994.
#
# </details>
