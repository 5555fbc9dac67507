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
# # Discussion: what held?
#
# *A reproduction ends with a verdict on every sentence that can be tested. Which of the paper's statements
# held when they were computed again, which did not, and what can nobody say yet?*
#
# **You will be able to** say what decides a verdict, and name one that you would test again. **You should
# know** the rule for comparisons in [ablations](ablations.ipynb). **Time**: 5 minutes.
#
# A claim expects a word of each of its comparisons: *better*, say. One function judges all claims.

# %%
def judge(words, expected):
    decided = {"better", "worse", "tie"} & set(words)
    if decided - set(expected):
        return "contradicted"
    if "depends on the length of training" in words:
        return "depends on the length of training"
    return "undecided" if "undecided" in words else "held"


judge(["better", "undecided"], expected=["better"])

# %% [markdown]
# **Change this and run again:** add `"tie"`, or take the expected word away. Expect one comparison that goes
# another way to contradict a claim, and one that is open to leave it open.

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
from IPython.display import Markdown
from matplotlib import pyplot as plt
from scipy import stats

import prcnn
from prcnn import plots
from prcnn.study import answers, facts, records

plots.use_style()
claims = prcnn.study.claims()
ORDER = ["held", "contradicted", answers.DEPENDS, "undecided", "cannot be tested here", "not run yet"]


def decided(verdicts):
    """Claims one under another, each with what decides it."""
    mine = claims[claims["verdict"].isin(verdicts)]
    lines = (
        f"- **{line.who}**: {line.claim}. **{line.verdict}**: {line.decides} "
        f"([{line.chapter}]({line.chapter}.ipynb))"
        for line in mine.itertuples()
    )
    return Markdown("\n".join(lines) or "None.")


# %% [markdown]
# ## All claims at a glance

# %% tags=["hide-input"]
shown = claims.sort_values("verdict", key=lambda words: words.map(ORDER.index), kind="stable")
shown = shown[["verdict", "who", "claim"]].style.hide(axis="index").set_uuid("claims")
shown.set_table_attributes('class="dataframe cards"')

# %% [markdown]
# **Table.** Every sentence that was tested: who said it, and what became of it.

# %% tags=["remove-input"]
counts = claims["verdict"].value_counts()
Markdown(
    f"Of {len(claims)} sentences "
    + ", ".join(f"{n} {'is' if n == 1 else 'are'} **{word}**" for word, n in counts.items())
    + "."
)

# %% [markdown]
# ## What held

# %% tags=["remove-input"]
decided(["held"])

# %% [markdown]
# ## What did not

# %% tags=["remove-input"]
decided(["contradicted"])

# %% [markdown]
# The arithmetic of the paper's headline is right: the confusion matrix in the authors' notebook holds its
# 45 %. But is it the *network* that reaches this? The figure puts it beside what other methods make of
# the same clips, each with the length of its training. [Costa et al. (2017)](references.md) found networks
# favourable in several scenarios, not in all.

# %% tags=["hide-input"]
board = answers.board()
plots.show(plots.accuracies(board, chance=1 / 8), alt="Test accuracy of beyond, SVMs, VGGish and paper.")

# %% [markdown]
# **Figure.** FMA-small, official split, the same 800 pictures: 95 % interval for other uploads and seeds,
# a dot a seed.
#
# VGGish heard sound at a hundred frames a second, and millions of videos, before it met these clips
# ([Hershey et al., 2017](references.md)); `paper` saw one frame in 0.23 s. What puts it first is resolution and
# pre-training together: the same kind of plain CNN that reaches 54.1 % on sound (one published run) stays
# below 50 on such pictures.
#
# ## What depends, and what is open

# %% tags=["remove-input"]
decided([answers.DEPENDS, "undecided", "not run yet"])

# %% [markdown]
# How much do two runs of *one* row differ? On the official split every row of Table 2 has five seeds, tested
# on the same 800 clips.

# %% tags=["remove-input"]
rows = answers.table("official")
rows = rows[rows["group"] == "Table 2"]
printed = facts.TABLE2["test"].to_numpy()
apart = np.abs(printed[:, None] - printed)[np.triu_indices(len(printed), 1)]
spread = np.sqrt(np.mean(rows["sd"] ** 2))
chance_apart = 100 * stats.norm.ppf(0.975) * np.sqrt(2) * spread
Markdown(
    f"The standard deviation over seeds is {100 * spread:.1f} points. So two single runs of one network may "
    f"come out {chance_apart:.1f} points apart, one time in twenty even further. Of the {len(apart)} "
    f"differences between the rows of the paper's Table 2, {int((apart < chance_apart).sum())} are smaller: "
    "of these, seed alone could be the cause. The doubtful gate of their second notebook is another cause "
    "([reproduction](reproduction.ipynb))."
)

# %% [markdown]
# ## Is more data critical?
#
# Take training clips away and look at what is lost. Networks took up to three times as many epochs with
# fewer clips, so that the steps are near equal from 1,600 clips on, and fewer below: the left end of
# their curves is too low.

# %% tags=["hide-input"]
curve = answers.table("learning curve")
curve.index = pd.MultiIndex.from_tuples(
    [(row.rsplit(", ", 1)[0], int(row.rsplit(", ", 1)[1].split()[0])) for row in curve.index]
)
ax = plt.subplots(figsize=(6.4, 3))[1]
for i, (method, line) in enumerate(curve.groupby(level=0)):
    line = line.droplevel(0).sort_index()
    bars = 100 * np.abs(line[["low", "high"]].to_numpy().T - line["accuracy"].to_numpy())
    at = line.index * 1.04 ** (i - 1)
    ax.errorbar(at, 100 * line["accuracy"], bars, fmt="o-", capsize=4, label=method)
ax.set(xscale="log", xlabel="training clips", ylabel="test accuracy (%)")
ax.set_xticks(line.index, [f"{size:,}" for size in line.index])
ax.set_xticks([], minor=True)
ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, frameon=False)
plots.show(ax, alt="Test accuracy against the number of training clips, rising from left to right.")

# %% [markdown]
# **Figure.** Test accuracy on FMA-small's pictures with fewer training clips: mean and 95 % interval, a
# dot a seed.
#
# ## Which genres are hard?
#
# In the paper's Figure 2 four genres have an F1 below .4.

# %% tags=["hide-input"]
ours = records.reports("official", answers.REFERENCE)
(heard,) = records.reports("classifiers", "svm_rbf, VGGish")
genres = pd.DataFrame(
    {
        "paper": facts.FIGURE2["f1"],
        "ours": np.mean([report.per_genre["f1"] for report in ours], axis=0),
        "VGGish + SVM": heard.per_genre["f1"],
    }
).sort_values("paper")
genres.map("{:.2f}".format).rename_axis(None)

# %% [markdown]
# **Table.** F1 of every genre: as the paper printed it, mean over our five seeds, and of an SVM on what
# VGGish hears.

# %% tags=["remove-input"]
hard = genres.index[genres["paper"] < 0.4]
rank = genres["paper"].corr(genres["ours"], method="spearman")
lowest = genres["VGGish + SVM"].nsmallest(len(hard)).index
Markdown(
    f"The order of the genres is much the same (rank correlation {rank:.2f}); of the {len(hard)} that are "
    f"hardest for VGGish, {len(set(lowest) & set(hard))} are hard for the paper: it is not one network's "
    "weakness. *Experimental* says how music is made, *Instrumental* that nobody sings, *Pop* who is to like "
    "it; none of the three is a kind of sound."
)

# %% [markdown]
# ## What cannot be tested here

# %% tags=["remove-input"]
decided(["cannot be tested here"])

# %% [markdown]
# ## Summary
#
# - A verdict is a rule applied to an interval; where the length of training turns it round, that is the
#   verdict.
# - The printed attention is an RNN; the printed accuracy is arithmetic that holds and a network that others
#   overtake.
# - More music, and music heard before, are worth more than any way of joining two branches.
#
# ## Exercises
#
# **Exercise 1 (easy). Your verdict.**
# Choose a claim that is undecided. Which run would decide it, and how large would the difference have to
# be to be seen?
#
# <details><summary>Solution</summary>
#
# Read its interval: half its width is what another set of clips and another run may change. A difference
# below that cannot be seen. The five folds of [ablations](ablations.ipynb) halve it.
#
# </details>
#
# **Exercise 2 (medium). Another margin.**
# A tie is an interval within ±2 points. How many comparisons of the official split are ties at ±3?
#
# <details><summary>Solution</summary>
#
# ```python
# table = prcnn.study.comparisons("official")
# open_ = table[table["verdict"] == "undecided"]
# (open_[["low", "high"]].abs().max(axis=1) <= 0.03).sum()
# ```
# They move from *undecided* to *tie*. That is why a margin is named before looking.
#
# </details>
