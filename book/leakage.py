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
# # Leakage: why 92 %?
#
# *Feng and others reported 92 % on GTZAN with a parallel network; the paper rebuilt it and found 45 % on
# FMA-small. It asked why, and blamed the dataset. Listen first: the answer can be heard.*
#
# **You will be able to** say what a split lets a model hear before its test, and deal folds so that it hears
# nothing. **You should know** [baselines](baselines.ipynb). **Time**: 10 minutes.

# %% tags=["parameters"]
dataset = "synthetic"  # or "gtzan_mini", or a folder of your own
data_home = None
seconds = 5.0  # length of a segment; Feng: 5
folds = 5  # fewer where a genre has fewer artists than this
seeds = 3  # times that the folds are drawn anew

# %%
import dataclasses
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown, display
from sklearn.model_selection import (
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import prcnn
from prcnn import baselines, evaluation, plots
from prcnn.datasets import splits
from prcnn.study import answers, facts, records, results
from prcnn.study.rows import RHYTHM, SVM

plots.use_style()
clips = prcnn.load(dataset, data_home=data_home)

# %% [markdown]
# ## Three pieces of music
#
# Feng cut each clip of 30 seconds into segments of 5 ([Feng et al., 2017](references.md)): six times the training
# examples. Are they six times as many *different* ones? Which two of these belong together?

# %%
genre = clips.genres[0]
paths = clips.clips["path"][clips.clips["genre"] == genre]
one, other = paths.iloc[[0, -1]]
display(plots.player(one, label=f"{genre}: a segment", offset=2))
display(
    plots.player(
        one, label="another segment of the same clip", offset=17
    )
)
display(
    plots.player(
        other, label=f"a segment of another clip of {genre}", offset=2
    )
)

# %% [markdown]
# Who has heard the first in training knows the second by its sound, and need not know the genre.
#
# ## Why 92 %: at a glance
#
# GTZAN's clips, with artists from Sturm's index ([Sturm, 2013](references.md)), tested in six ways. From one to
# the next changes what the method has heard before its test:
#
# 1. segments **at random**: other pieces of the clips that are tested;
# 2. segments **by clip**: other clips of their artists, and GTZAN's repetitions;
# 3. segments **by artist**: neither, as far as the artists are known; the artist filter.
#
# Then whole clips: at random, by artist, and on the published **fault-filtered** split, which parts the
# artists and leaves out repeated, distorted and mislabelled clips ([Kereliuk et al., 2015](references.md)).

# %% tags=["hide-input"]
WAYS = {
    "segments, at random": "gtzan_images segments, at random",
    "segments, by clip": "gtzan_images segments, by clip",
    "segments, by artist": "gtzan_images segments, by artist",
    "whole clips, at random": "gtzan_images, at random",
    "whole clips, by artist": "gtzan_images, by artist",
    "whole clips, fault-filtered": "gtzan_images, fault-filtered",
}
METHODS = {
    SVM: ("SVM", "o"),
    RHYTHM: ("SVM with rhythm", "s"),
    "paper": ("the paper's network", "^"),
    "feng": ("Feng's network", "D"),
}
found = {
    (way, row): reports
    for way, study in WAYS.items()
    for row in METHODS
    if (reports := records.reports(study, row))
}
ax = plt.subplots(figsize=(7.2, 4.8))[1]
for i, (row, (label, marker)) in enumerate(METHODS.items()):
    lines = {
        place + 0.16 * (i - 1.5): answers.summary(found[way, row])
        for place, way in enumerate(WAYS)
        if (way, row) in found
    }
    if lines:
        t = 100 * pd.DataFrame.from_dict(lines, orient="index")[["accuracy", "low", "high"]].astype(
            float
        )
        reach = np.abs(t[["low", "high"]].to_numpy().T - t["accuracy"].to_numpy())
        ax.errorbar(
            t["accuracy"], t.index, xerr=reach, fmt=marker, capsize=3, color=f"C{i}", label=label
        )
others = facts.GTZAN_FILTERED
rows = len(WAYS) + np.arange(len(others))
ax.plot(others, rows, "k*", ms=9, label="published")
ax.axhline(len(WAYS) - 0.5, color="0.6", lw=1)
ax.axvline(facts.FENG_GTZAN, color="k", ls=":", label=f"Feng: {facts.FENG_GTZAN} %")
ax.axvline(10, color="0.6", ls=":", label="guessing")
ax.set_yticks(
    range(len(WAYS) + len(others)), [*WAYS, *(f"{name}, fault-filtered" for name in others.index)]
)
ax.set(
    xlim=(0, 100),
    ylim=(len(WAYS) + len(others) - 0.4, -0.6),
    xlabel="accuracy (%), 95 % interval over artists",
)
ax.legend(loc="lower left", fontsize="small")
plots.show(
    ax,
    alt="Accuracy on GTZAN falls from segments at random over by clip to by artist, and from whole clips at "
    "random to fault-filtered; below, what others published on the fault-filtered split.",
)

# %% [markdown]
# **Figure.** GTZAN, one method after another tested in six ways, with 95 % intervals; below, what others
# published on the fault-filtered split.

# %% tags=["remove-input"]
SEGMENTS = list(WAYS)[:3]
complete = [row for row in METHODS if all((way, row) in found for way in SEGMENTS)]
text = ""
for row in complete:
    at_random, by_clip, by_artist = (found[way, row] for way in SEGMENTS)
    pieces = evaluation.compare_over_seeds(at_random, by_clip)
    artists = evaluation.compare_over_seeds(by_clip, by_artist)
    reached, left = (answers.summary(reports)["accuracy"] for reports in (at_random, by_artist))
    text += (
        f"- {METHODS[row][0]}: {facts.FENG_GTZAN - 100 * reached:.0f} points below {facts.FENG_GTZAN} where segments "
        f"are dealt at random; pieces of the same clip give away {evaluation.points(pieces)}, the same artists "
        f"{evaluation.points(artists)}; left, for music never met: "
        f"{evaluation.percent(left, evaluation.interval_over_seeds(by_artist))}.\n"
    )
rest = [label for row, (label, _) in METHODS.items() if row not in complete]
if text:
    text = f"Of {facts.FENG_GTZAN} %, how much is what?\n\n{text}"
Markdown(text + (f"\nNot run on all of GTZAN yet: {' and '.join(rest)}." if rest else ""))


# %% tags=["remove-input"]
def on(report, clips):
    """A report on some of its clips only."""
    at = report.clips.get_indexer(clips)
    labels = report.true[at], report.predicted[at]
    return evaluation.report_of_labels(*labels, report.genres, clips, report.groups[at])


text = ""
for row, (label, _) in METHODS.items():
    at_random, filtered = (
        found.get((f"whole clips, {way}", row)) for way in ("at random", "fault-filtered")
    )
    if at_random and filtered:
        tested = filtered[0].clips
        fall = evaluation.compare_over_seeds([on(report, tested) for report in at_random], filtered)
        mean = np.mean([report.accuracy for report in filtered])
        text += f"- {label}: {evaluation.points(fall)}, to {evaluation.percent(mean)}\n"
Markdown(
    f"And whole clips? The {len(tested)} that the fault-filtered split tests, at random less fault-filtered "
    f"(which has fewer clips to learn from, too):\n\n{text}\n"
    f"Others, on the same split: {others.min():.0f} to {others.max():.0f} %. The best of them learned from far "
    f"more music first; a small network that was trained on GTZAN alone reaches "
    f"{others['small CNN from scratch']:.0f} %."
)

# %% [markdown]
# Without a leak nobody comes near 92 %, not even networks that have heard millions of songs. What is
# "left" in the table is still GTZAN's: its labels are partly wrong, and an artist filter takes away
# artists to learn from as well as the leak. An interval draws *artists* with all their clips and segments,
# for those are right or wrong together.
#
# ## GTZAN, and what is wrong with it
#
# For ten years GTZAN ([Tzanetakis and Cook, 2002](references.md)) was *the* dataset of genre classification,
# and nobody had listened to all of it. Then [Sturm (2013)](references.md) did.

# %% tags=["remove-input"]
gtzan = results.read("gtzan")
listed = ", ".join(f"{n} {fault}" for fault, n in facts.GTZAN_FAULTS.items())
mislabelled = sum(n for fault, n in facts.GTZAN_FAULTS.items() if "mislabelled" in fault)
most, (artist, clips_of) = max(gtzan["leader"].items(), key=lambda item: item[1][1])
overlap = gtzan["overlap"]
assert overlap["stratified"] > 10 * overlap["fault_filtered"] > 0 == overlap["artist"]
Markdown(
    f"Among its thousand clips he found {listed}. (The paper that we reproduce prints "
    f"{facts.GTZAN_MISLABELLED_IN_PAPER} mislabelled ones; the two kinds add up to {mislabelled}.) By his "
    f"index of artists, {clips_of} of the hundred {most} clips are by {artist}, and "
    f"{gtzan['repeated']} clips share artist and title with another one. In a random split "
    f"{overlap['stratified']:.0%} of the test clips are by an artist from training. The fault-filtered split "
    f"leaves out {gtzan['left_out']} clips, {gtzan['left_out_repeats']} of them repeats; "
    f"{len(gtzan['mixed_artists'])} artists are still on two sides of it, with {overlap['fault_filtered']:.0%} "
    "of its test clips."
)

# %% [markdown]
# In `load("gtzan").clips` and `load("gtzan_images").clips` the columns `repeats`, `mislabelled` and
# `faults` mark each clip, with the source. Only a few mislabelled clips are marked out of the box, because
# Sturm's table of them is not part of his index: copy it into `gtzan/mislabelled.csv` (columns `clip`,
# `why`) and they are marked as well.
#
# ## Do it yourself
#
# The same on music that is here. Each segment is described by the statistics of its MFCC
# ([baselines](baselines.ipynb)); genres with fewer than three artists are left out, or no fold could part
# them.

# %%
mfcc = dataclasses.replace(
    baselines.MFCC, name="mfcc-segments", segment=float(seconds)
)
store = baselines.extract_features(clips, mfcc, progress=False)
table = splits.segments(store.clips, seconds)  # a row a segment
X = store.read(np.arange(len(store.clips))).reshape(len(table), -1)

artists = table.groupby("genre")["artist"].nunique()
# Whose artist nobody knows counts as an artist of that one clip.
table["artist"] = table["artist"].fillna(table["clip"])
genres = sorted(artists.index[artists >= 3])
kept = table["genre"].isin(genres).to_numpy()
X, table = X[kept], table[kept]
k = int(min(folds, artists[genres].min()))
print(f"{len(X)} segments × {X.shape[1]} numbers, {k} folds")
print("left out:", sorted(set(clips.genres) - set(genres)))

# %% [markdown]
# How often is the nearest of all other segments a piece of the same clip?

# %%
Z = StandardScaler().fit_transform(X)
near = NearestNeighbors(n_neighbors=2).fit(Z)  # the first is itself
nearest = near.kneighbors(Z, return_distance=False)[:, 1]
clip = table["clip"].to_numpy()
print(f"{100 * (clip[nearest] == clip).mean():.0f} % of the segments")

# %% [markdown]
# Now one model and three tests; all that differs is what stays together in a fold. Guess the
# second and third number from the first before you look.

# %% tags=["nbval-ignore-output"]
model = make_pipeline(StandardScaler(), SVC())
y = table["genre"].to_numpy()


def tested(together, seed=0):
    """Each segment by a model that was trained on the other folds."""
    kind = StratifiedKFold if together is None else StratifiedGroupKFold
    groups = None if together is None else table[together].astype(str)
    split = kind(k, shuffle=True, random_state=seed)
    return cross_val_predict(model, X, y, groups=groups, cv=split)


WAYS = {"at random": None, "by clip": "clip", "by artist": "artist"}
for way, together in WAYS.items():
    right = tested(together) == y
    print(f"{way:10} {100 * right.mean():.1f} %")

# %% [markdown]
# **Change this and run again**: `SVC()` into `KNeighborsClassifier(1)` or `LogisticRegression()`. Expect
# the gap between the first two numbers to grow with the one, which only remembers, and to shrink with the
# other.
#
# The library does the same, and counts: how much of the test was heard in training, and intervals over
# artists.

# %%
fold = {w: splits.k_fold(table, k, group=g) for w, g in WAYS.items()}
dealt = table.assign(fold=fold["by clip"])
report = baselines.cross_validate("svm_rbf", X, dealt, genres)
same = np.array(genres)[report.predicted] == tested("clip")
assert same.mean() > 0.99

# %% tags=["hide-input", "nbval-ignore-output"]
lines, reports = {}, {}
for way, together in WAYS.items():
    part = table.assign(split=np.where(fold[way] == 0, "test", "training"))
    drawn = [splits.k_fold(table, k, seed, together) for seed in range(seeds)]
    reports[way] = [
        baselines.cross_validate("svm_rbf", X, table.assign(fold=one), genres) for one in drawn
    ]
    said = answers.summary(reports[way])
    lines[way] = {
        "clip heard before (%)": f"{100 * splits.overlap(part, 'clip'):.0f}",
        "artist heard before (%)": f"{100 * splits.overlap(part, 'artist'):.0f}",
        "accuracy": evaluation.percent(said["accuracy"], (said["low"], said["high"])),
    }
display(pd.DataFrame.from_dict(lines, orient="index"))

# %% [markdown]
# **Table.** The same classifier on the same segments, dealt in three ways.

# %% tags=["remove-input"]
leak = evaluation.compare_over_seeds(reports["at random"], reports["by clip"])
display(Markdown(f"On {dataset}, pieces of the same clip give away {evaluation.points(leak)}."))

# %% tags=["remove-cell"]
assert dataset != "synthetic" or leak.low > 0, "the text says that the leak is larger than chance"

# %% [markdown]
# The first number is not wrong: it answers *can it recognise the rest of a recording that it knows?* It
# is the wrong question.
#
# ## The networks themselves
#
# Feng's network reads the STFT of sound, which pictures of GTZAN do not hold. So it was trained, and the
# paper's beside it, on five-second segments of gtzan_mini's hundred clips, dealt at random and by clip. A fold
# tests, another chooses the epoch, the others train.

# %% tags=["hide-input"]
NETWORKS = {"paper": "The paper's network", "feng": "Feng's network"}
text, fed = "", {}
for row, title in NETWORKS.items():
    at_random, by_clip = (
        records.reports(f"gtzan_mini segments, {way}", row) for way in ("at random", "by clip")
    )
    fed[row] = evaluation.compare_over_seeds(at_random, by_clip)
    said = [
        (np.mean([r.accuracy for r in x]), evaluation.interval_over_seeds(x))
        for x in (at_random, by_clip)
    ]
    low, high = said[0][1]
    reach = (
        "lies inside the first interval"
        if low <= facts.FENG_GTZAN / 100 <= high
        else "is not reached"
    )
    text += (
        f"- **{title}**: {evaluation.percent(*said[0])} at random, {evaluation.percent(*said[1])} by clip. The leak "
        f"is worth {evaluation.points(fed[row])}; {facts.FENG_GTZAN} % {reach}.\n"
    )
Markdown(text)

# %% tags=["remove-cell"]
assert all(leak.low > 0 for leak in fed.values()), "the text says so below"

# %% [markdown]
# ## FMA-small leaks, too

# %% tags=["remove-input"]
text = []
for row, label in {SVM: "an SVM", "paper": "the paper's network", "beyond": "beyond"}.items():
    gap = []
    for study in ("at random", "official split"):  # every seed of "at random" tests other clips
        seen = records.reports(study, row)
        low, high = np.mean([report.interval for report in seen], axis=0)
        gap.append((np.mean([report.accuracy for report in seen]), low, high))
    (a, a_low, a_high), (b, b_low, b_high) = gap
    reach = np.hypot(a - a_low, b_high - b), np.hypot(a_high - a, b - b_low)  # Newcombe's
    line = SimpleNamespace(difference=a - b, low=a - b - reach[0], high=a - b + reach[1])
    text.append(f"{evaluation.points(line)} to {label}")
Markdown(
    "Its official split parts the artists. The same pictures, split at random as some published numbers were "
    f"([baselines](baselines.ipynb)), give away {'; '.join(text)}. The intervals are made of those of both "
    "splits ([Newcombe, 1998](references.md)). Most networks of this book differ by less."
)

# %% [markdown]
# ## So why 92 %?
#
# Feng's split is not described well enough to repeat and their code is not published: that their segments
# were split at random is *not proved*. But the leak is enough. It carries Feng's own network, with a tenth
# of the clips, to where its interval reaches what Feng reported, and the figure above shows what is left when
# neither clip nor artist is known from training. The rest of the distance to 45 % is the music: FMA-small
# comes with an artist filter and with genres that overlap ([Defferrard et al., 2017](references.md)). The paper's
# number and Feng's answer different questions.
#
# ## Summary
#
# - Cut first and split later, and a model is tested on recordings that it knows.
# - Split by clip at least, by artist where artists are known; count what test and training share.
# - Segments are not independent: intervals draw clips, or better artists.
# - A number without its split is not a result.
#
# ## Exercises
#
# **Exercise 1 (easy). A memory instead of a model.**
# Which classifier profits most from the leak? Guess, then put `KNeighborsClassifier(1)` and
# `LogisticRegression(max_iter=5000)` into `model`.
#
# <details><summary>Solution</summary>
#
# ★ The one that remembers best. The nearest neighbour is the very piece that was counted above; a linear
# model has too few parameters to remember recordings, so its three numbers lie closer together. A gap
# between tests measures memory, not skill.
#
# </details>
#
# **Exercise 2 (medium). How narrow is the wrong interval?**
# Compute Wilson's interval from the number of segments, as if they were independent, and compare its
# width with the one over artists.
#
# <details><summary>Solution</summary>
#
# ★★
# ```python
# report = reports["by clip"][0]
# low, high = evaluation.wilson(int(report.correct.sum()), report.n)
# (high - low) / (report.interval[1] - report.interval[0])
# ```
# Were the segments of a clip copies of each other, and artists of one clip, the ratio would be one over the
# root of six, 0.41; were all independent, 1.
#
# </details>
#
# **Exercise 3 (medium). Longer segments.**
# What happens to the gap between the first two tests with segments of 2 and of 15 seconds?
#
# <details><summary>Solution</summary>
#
# ★★★ `seconds = 2.0` leaves fifteen pieces a clip: more neighbours to recognise. With `15.0` there is one
# other piece, further away. The fewer and the more different the pieces of a clip, the smaller the
# leak; with whole clips only repeated recordings and artists are left of it.
#
# </details>
