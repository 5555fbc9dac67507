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
# # Datasets: what is in a thousand clips?
#
# *A network learns what its clips hold, and is credited with what its test clips ask. Before any
# training, then: which clips are these, who recorded them, which of them are broken, and who decided
# on which side of the split they fall?*
#
# The page shows one dataset, by default the synthetic one, which needs no download. With music of
# your own, or FMA on your disk, run it again:
#
# ```sh
# papermill book/datasets.ipynb out.ipynb -p dataset ~/my_music
# ```

# %% tags=["parameters", "hide-input"]
dataset = "synthetic"  # a name from prcnn.datasets.names(), or the path of a folder of genres
data_home = None  # where datasets lie; default: PRCNN_DATA, else this user's cache folder

# %% tags=["hide-input"]
import shutil
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import display
from myst_nb import glue

import prcnn
from prcnn import audio, plots
from prcnn.study import facts, results
from prcnn.datasets import download as downloads
from prcnn.datasets import fma, splits
from prcnn.datasets import gtzan as gtzan_files
from prcnn.datasets.synthetic import recipes

from prcnn.datasets.dataset import SPLITS
from prcnn.plots.page import HATCHES

plots.use_style()
pd.set_option("display.max_colwidth", 80)

# %% [markdown]
# ## Table 1, checked
#
# The paper's Table 1 lists five datasets {cite}`fadaviardakani2020parallel`.
# {numref}`tab-datasets-table1` has it as printed, beside what the sources of each dataset say. Some of its
# numbers differ. Can you find them before you read on?

# %% tags=["hide-input"] mystnb={"figure": {"name": "tab-datasets-table1", "caption": "The paper's Table 1, and what the sources of each dataset say."}}
printed = facts.TABLE1.set_index("dataset")
true = facts.TABLE1_CHECKED.set_index("dataset")
table = pd.concat({"paper": printed, "sources": true.drop(columns="source")}, axis=1)
table = table.swaplevel(axis=1)[["tracks", "genres", "artists", "year"]]
table.astype(object).where(table.notna(), "–").rename_axis(index=None)

# %% [markdown]
# {numref}`tab-datasets-wrong` has the places where the two differ, and what the right-hand side rests on.

# %% tags=["hide-input"] mystnb={"figure": {"name": "tab-datasets-wrong", "caption": "Where the paper and the sources differ."}}
columns = ["tracks", "genres", "artists", "year"]
wrong = [
    (name, column, printed.loc[name, column], true.loc[name, column], true.loc[name, "source"])
    for name in printed.index
    for column in columns
    if pd.notna(printed.loc[name, column]) and printed.loc[name, column] != true.loc[name, column]
]
names = ["dataset", "column", "paper", "sources", "source"]
pd.DataFrame(wrong, columns=names).set_index("dataset").rename_axis(index=None)

# %% tags=["remove-cell"]
assert ("FMA", "tracks") in [row[:2] for row in wrong], "the page says that this is a typo"
assert "FMA-small" not in [row[0] for row in wrong], "the page says that this row is right"
glue("small", f"{true.loc['FMA-small', 'tracks']:,}", display=False)
glue("tree", int(true.loc["FMA", "genres"]), display=False)
glue("dances", int(true.loc["Extended Ballroom", "genres"]), display=False)
glue("rwc_paper", int(printed.loc["RWC", "tracks"]), display=False)
glue("rwc", int(true.loc["RWC", "tracks"]), display=False)
glue("gtzan_paper", int(printed.loc["GTZAN", "artists"]), display=False)
glue("small_size", downloads.ARCHIVES["fma_small"].size / 2**30, display=False)
glue("typo", f"{printed.loc['FMA', 'tracks']:,}", display=False)
glue("tracks", f"{true.loc['FMA', 'tracks']:,}", display=False)
glue("gtzan_artists", int(true.loc["GTZAN", "artists"]), display=False)

# %% [markdown]
# FMA's {glue:text}`typo` is a typing error: the paper's own text says {glue:text}`tracks`, as do FMA's
# authors {cite}`defferrard2017fma`. The {glue:text}`gtzan_paper` artists of GTZAN are an estimate that
# has been handed on; Sturm's index names {glue:text}`gtzan_artists` {cite}`sturm2013gtzan`. Extended
# Ballroom comes in {glue:text}`dances` folders, one a dance {cite}`marchand2016ballroom`. RWC's {glue:text}`rwc_paper`
# also stands in the table of the FMA paper; the database itself has {glue:text}`rwc` pieces of music
# {cite}`goto2002rwc`, and we do not know what the larger number counts. The row that matters
# here, FMA-small, is right.
#
# ## One call for all of them
#
# Every dataset comes from the same function and as the same two things: a table of clips and the list
# of genres. A {term}`clip`'s label is the place of its genre in that list.

# %%
music = prcnn.datasets.load(dataset, data_home=data_home)
music

# %% mystnb={"figure": {"name": "tab-datasets-clips", "caption": "The first clips of the table."}}
music.clips[["genre", "split", "artist"]].head()

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-datasets-genres", "caption": "How many clips each genre has in each split."}}
counts = pd.crosstab(music.clips["genre"], music.clips["split"]).reindex(columns=SPLITS, fill_value=0)
ax, left = plt.subplots()[1], 0
for split, hatch in zip(SPLITS, HATCHES, strict=False):
    ax.barh(counts.index, counts[split], left=left, hatch=hatch, edgecolor="white", label=split)
    left = left + counts[split]
ax.invert_yaxis()
ax.grid(axis="y", visible=False)
ax.set(xlabel="clips", title="Clips of each genre, by split")
ax.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.08), frameon=False)
plots.show(
    ax,
    alt="Bars of the number of clips of each genre, divided into training, validation and test.",
)

# %% tags=["remove-cell"]
assert set(music.clips["genre"]) == set(music.genres) and music.genres == sorted(music.genres)
glue("clips", len(music.clips), display=False)
glue("genres", len(music.genres), display=False)
glue("artists", int(music.clips["artist"].nunique()), display=False)

# %% [markdown]
# {glue:text}`clips` clips in {glue:text}`genres` genres, by {glue:text}`artists` artists
# ({numref}`tab-datasets-clips` and {numref}`fig-datasets-genres`). Three seconds of each genre, from its
# first training clip. Which two would you mix up?

# %% tags=["hide-input"]
for genre in music.genres[:10]:
    chosen = music.clips[(music.clips["genre"] == genre) & (music.clips["split"] == "training")]
    if len(chosen) and Path(chosen["path"].iloc[0]).is_file():
        display(plots.player(chosen["path"].iloc[0], label=genre, seconds=3.0, offset=8.0))

# %% [markdown]
# The synthetic genres bear the names of FMA-small's and are made up otherwise. Each has a *recipe*: a
# **timbre**, the instruments, and an **order**, when and which way round their notes sound. In
# {numref}`tab-datasets-recipes` every genre shares one of the two with the row above and the other with the row below (the last row
# with the first), so neither alone tells them apart. A fifth of the clips play some of their bars as a
# neighbour would.
#
# They were not designed blind: recipes and artists were changed while looking at what linear models and
# networks made of the clips. What a page finds on this dataset is about these recipes, and has to be
# tried on real music before it is about music.

# %% mystnb={"figure": {"name": "tab-datasets-recipes", "caption": "The recipes of the synthetic genres."}}
recipes.RECIPES

# %% [markdown]
# ## What the files are
#
# A network of one input shape needs clips of one length and one sampling rate. The headers say how far
# the files are from that ({numref}`tab-datasets-files`); nothing is decoded for it.

# %% mystnb={"figure": {"name": "tab-datasets-files", "caption": "What the headers of the files say: how many clips of each kind, and their shortest and longest, in seconds."}}
files = audio.headers(music.clips)
kinds = files.groupby(["format", "sr", "channels"])["seconds"]
kinds.agg(["size", "min", "max"]).round(1).reset_index()

# %% [markdown]
# FMA-small's real files are less even. {numref}`tab-datasets-rates` counts those that hold any sound.

# %% tags=["hide-input"] mystnb={"figure": {"name": "tab-datasets-rates", "caption": "Sampling rates of FMA-small's clips."}}
rates = pd.Series(facts.FMA_SMALL_RATES, name="clips").rename_axis("sampling rate (Hz)")
shares = (100 * rates / rates.sum()).round(1).astype(str) + " %"
rates.to_frame().assign(share=shares).rename_axis(index=None, columns="Hz")

# %% [markdown]
# Everything is therefore resampled to one rate before it becomes a picture (next chapter). And some
# files hold nothing. A loader that skips them silently changes the dataset; this one leaves out what
# is known to be broken *by name*, and counts it ({numref}`tab-datasets-broken`).

# %% tags=["hide-input"] mystnb={"figure": {"name": "tab-datasets-broken", "caption": "What is left out of FMA-small, and why."}}
small = {clip: why for clip, why in fma.BROKEN.items() if why != fma.DOES_NOT_DECODE}
pd.Series(small, name="left out because").to_frame().rename_axis(columns="clip")

# %% tags=["remove-cell"]
glue("broken", len(small), display=False)
glue("training", f"{6400 - len(small):,}", display=False)
glue("all_training", f"{6400:,}", display=False)
glue("left_out", len(music.left_out), display=False)
assert len(small) == 8000 - facts.FMA_SMALL_RATES[44100] - 411 - 14 + 3

# %% [markdown]
# These {glue:text}`broken` are all in the training split, which is why careful papers report
# {glue:text}`training` training clips where others report {glue:text}`all_training`. Of the
# dataset on this page, {glue:text}`left_out` clips were left out (`music.left_out` says which and why).
# `music.validate()` counts the files that have gone missing since, are empty, or, where checksums came
# with them, have changed.
#
# FMA also sorts its tracks into a tree of {glue:text}`tree` genres; `fma.genres(data_home)` shows it
# with parents and children, `fma.features` the numbers that its authors computed *on whole tracks*, so
# that a classifier on them has heard more than the clip.

# %% tags=["hide-input"]
home = prcnn.datasets.cache_folder(data_home)
if (home / "fma_metadata" / "genres.csv").is_file():
    tree = fma.genres(data_home)
    display(tree[tree["parent"] == 0].sort_values("tracks", ascending=False))
else:
    print("No fma_metadata in data_home: here FMA's tree would be listed.")

# %% [markdown]
# ## Why a split must respect artists
#
# Musicians make more than one song, with the same voice, the same guitar, the same studio. If some of
# them are in training and others in the test, a model can score by recognising the *musician*. So let
# us look at who makes up a genre, in {numref}`fig-datasets-artists`.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-datasets-artists", "caption": "Who makes up a genre: each bar is cut into its artists, the most frequent one dark."}}
if music.clips["artist"].notna().any():
    ax = plt.subplots()[1]
    for genre, group in music.clips.groupby("genre"):
        left = 0
        for i, size in enumerate(group["artist"].value_counts() / len(group) * 100):
            grey = "0.15" if i == 0 else ("0.6", "0.8")[i % 2]
            ax.barh(genre, size, left=left, color=grey, edgecolor="white", lw=0.4)
            left += size
        unknown = {"color": "white", "edgecolor": "0.6", "lw": 0.4 * (left < 99.9)}
        ax.barh(genre, 100 - left, left=left, **unknown)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set(xlabel="share of the genre's clips (%)", xlim=(0, 100))
    ax.set_title("Who makes up a genre (dark: its most frequent artist)")
    alt = "One bar a genre, cut into its artists; the most frequent artist is dark."
    display(plots.show(ax, alt=alt))
else:
    print("This dataset does not say who its artists are.")

# %% [markdown]
# A split is *filtered by artist* (see {term}`artist filter`) when no artist stands on both sides.
# FMA's official split is; a split drawn at random is not. Predict: if every artist has three clips, and
# they are dealt out at random, how many test clips have an artist who was heard in training?
# {numref}`fig-datasets-overlap` counts them.


# %% tags=["hide-input"]
def draw_overlaps(shares):
    """A bar a split: how many of the test clips are by an artist from training."""
    ax = plt.subplots(figsize=(7.2, 2.2))[1]
    bars = ax.barh(list(shares), [100 * share for share in shares.values()], color="0.45")
    ax.bar_label(bars, fmt="%.0f %%", padding=3)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set(xlabel="test clips whose artist is in training (%)", xlim=(0, 112))
    return ax


# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-datasets-overlap", "caption": "The share of test clips whose artist was heard in training, as loaded and in a random split."}}
if music.clips["artist"].notna().any():
    shares = {
        f"as loaded ({music.splits})": splits.overlap(music.clips),
        "random": splits.overlap(music.clips.assign(split=splits.stratified(music.clips))),
    }
    display(
        plots.show(
            draw_overlaps(shares),
            alt="Two bars: as loaded, and for a random split, the share of test clips of artists "
            "that are also in training.",
        )
    )

# %% tags=["remove-cell"]
if dataset == "synthetic":
    assert shares["as loaded (official)"] == 0, "the page says that the synthetic split is filtered"
    assert shares["random"] > 0.5, "the page says that a random split is not"

# %% [markdown]
# How much that is worth in points of accuracy is measured in the chapter on leakage.
#
# ## GTZAN, and what is wrong with it
#
# For ten years GTZAN {cite}`tzanetakis2002gtzan` was *the* dataset of genre classification, and nobody
# had listened to all of it. Then Sturm did {cite}`sturm2013gtzan`. What he found among its thousand clips
# stands in {numref}`tab-datasets-gtzan`.

# %% tags=["hide-input"] mystnb={"figure": {"name": "tab-datasets-gtzan", "caption": "Faults that Sturm found in GTZAN."}}
faults = pd.Series(facts.GTZAN_FAULTS, name="clips")
faults.to_frame()

# %% tags=["remove-cell"]
glue("mislabelled", int(faults.tail(2).sum()), display=False)
glue("paper_mislabelled", facts.GTZAN_MISLABELLED_IN_PAPER, display=False)
glue("marked", len(gtzan_files.MISLABELLED), display=False)

# %% [markdown]
# (The paper that we reproduce prints {glue:text}`paper_mislabelled` mislabelled clips; the two last rows
# add up to {glue:text}`mislabelled`.)
#
# His index names the artist of most clips, and Kereliuk, Sturm and Larsen published a
# {term}`fault-filtered` split {cite}`kereliuk2015deep`. Neither is ours to hand out, but what they say
# can be counted. {numref}`tab-datasets-leaders` names the artist who fills each genre, and
# {numref}`fig-datasets-gtzan` shows what that does to three ways of splitting.

# %% tags=["hide-input"] mystnb={"figure": {"name": "tab-datasets-leaders", "caption": "The most frequent artist of each of GTZAN's genres."}}
gtzan = results.read("gtzan")
leaders = pd.DataFrame(gtzan["leader"], index=["most frequent artist", "clips of 100"]).T
leaders

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-datasets-gtzan", "caption": "GTZAN: the share of test clips whose artist was heard in training, for three splits."}}
named = {
    "random": gtzan["overlap"]["stratified"],
    "fault-filtered": gtzan["overlap"]["fault_filtered"],
    "by artist": gtzan["overlap"]["artist"],
}
plots.show(
    draw_overlaps(named),
    alt="Three bars: in GTZAN, the share of test clips whose artist is in training, for a random, "
    "the fault-filtered and an artist-grouped split.",
)

# %% tags=["remove-cell"]
glue("repeated", gtzan["repeated"], display=False)
glue("filtered", gtzan["left_out"], display=False)
glue("filtered_repeats", gtzan["left_out_repeats"], display=False)
glue("mixed", len(gtzan["mixed_artists"]), display=False)
glue("random_overlap", 100 * named["random"], display=False)
glue("filtered_overlap", 100 * named["fault-filtered"], display=False)
assert named["random"] > 10 * named["fault-filtered"] > 0 == named["by artist"]

# %% [markdown]
# {glue:text}`repeated` clips share artist and title with another one. With a random split,
# {glue:text}`random_overlap:.0f` % of the test clips are by an artist from training. The fault-filtered
# lists leave out {glue:text}`filtered` clips, {glue:text}`filtered_repeats` of them repeats, and bring
# that down to {glue:text}`filtered_overlap:.0f` %; not to zero, for by Sturm's index
# {glue:text}`mixed` artists are still on two sides. In `load("gtzan").clips` the columns `repeats`,
# `mislabelled` and `faults` mark each clip, with the source. Only {glue:text}`marked` mislabelled
# clips are marked out of the box, because Sturm's table of them is not part of his index: copy it into
# `gtzan/mislabelled.csv` (columns `clip`, `why`) and they are marked as well.
#
# ## Getting the others
#
# {numref}`tab-datasets-ways` lists all that `load` knows.

# %% tags=["hide-input"] mystnb={"figure": {"name": "tab-datasets-ways", "caption": "The datasets, how to get them, and how they are split unless you say otherwise."}}
sizes = {name: f"{archive.size / 2**30:,.1f} GiB" for name, archive in downloads.ARCHIVES.items()}
folders = {name: f"{folder.size / 1e6:.0f} MB" for name, folder in downloads.REPOSITORIES.items()}
ways = {
    "synthetic": ("made on the spot", "official"),
    **{f: (f"download=True, {sizes[f]}", "official") for f in sizes},
    **{f: (f"download=True, {folders[f]}", "official") for f in folders if "fma" in f},
    "gtzan_mini": (f"download=True, {folders['gtzan_mini']}", "stratified"),
    "gtzan_images": (f"download=True, {folders['gtzan_images']}", "fault_filtered"),
    "gtzan": ("the old address is dead; the error says where it is", "fault_filtered"),
    "extended_ballroom": ("from its authors' script", "artist"),
    "rwc": ("on request from AIST, on your disk", "stratified"),
    "mirdata:NAME": ("as mirdata can", "stratified"),
    "my_music/": ("it is yours", "stratified"),
}
ways.pop("fma_metadata")  # comes with each of FMA's
pd.DataFrame(ways, index=["how to get it", "default split"]).T

# %% [markdown]
# A download says how large it is before it starts, goes on where it broke off, is checked against a
# checksum (what comes with git: against the commit), and unpacks nothing outside its folder. The
# pictures of FMA-small and GTZAN and the coefficients come from public repositories that name no
# licence: they are fetched for study. If only part of FMA is on the disk, the clips
# without a file are left out and counted; if there is none of its sound at all, the table still loads,
# with a warning, so that it can be studied before {glue:text}`small_size:.1f` GiB are fetched.
#
# ## Your own music
#
# One folder a genre is enough. Folders inside it are taken for artists, which makes a split by artist
# possible; formats may be mixed. Here with a few of the clips above, copied into such a folder:

# %% tags=["hide-input"]
with tempfile.TemporaryDirectory() as folder:
    for _, row in music.clips.groupby("genre").head(6).iterrows():
        if Path(row["path"]).is_file():
            artist = row["artist"] if pd.notna(row["artist"]) else "unknown"
            goal = Path(folder, "my_music", row["genre"], artist)
            goal.mkdir(parents=True, exist_ok=True)
            shutil.copy(row["path"], goal)
    mine = prcnn.datasets.load(Path(folder, "my_music"))
mine

# %% [markdown]
# From here on everything in this book works with it: `papermill book/train.ipynb out.ipynb -p dataset
# my_music/`.
#
# ## Summary
#
# - A dataset is a table: clip, path, genre, split, artist. What was left out is part of it.
# - FMA-small is {glue:text}`small` clips, less {glue:text}`broken` that hold no or hardly any sound. Its
#   official split keeps artists apart.
# - In GTZAN a random split tests mostly artists that were heard in training, and some recordings that
#   were heard there, too.
# - Table 1 as printed has errors that a look at the sources corrects.
#
# ## Exercises
#
# ```{exercise} How far is a random split from the official one?
# :label: datasets-1
# Split the dataset of this page at random with ten seeds. How far will the share of test clips whose
# artist is in training move from seed to seed: by one point, by ten, by thirty? Guess, run, and explain.
# ```
#
# ````{solution} datasets-1
# :class: dropdown
# ```python
# shares = [
#     splits.overlap(music.clips.assign(split=splits.stratified(music.clips, seed=seed)))
#     for seed in range(10)
# ]
# print(min(shares), max(shares))
# ```
# An artist with *n* clips escapes only if all of them fall on the test side. With three clips and 60 %
# for training, that a given test clip's artist is *not* in training has a probability of about
# 0.4² = 16 %, and over a hundred test clips the share comes close to its expectation.
# ````
#
# ```{exercise} A genre by one artist
# :label: datasets-2
# In `gtzan_mini` all ten blues clips are by John Lee Hooker. What does `load("gtzan_mini",
# splits="artist")` do with them (with Sturm's index in place), and what can be said about a model's
# score on blues afterwards?
# ```
#
# ```{solution} datasets-2
# :class: dropdown
# One artist cannot be on two sides, so all ten go to training; a warning names the genres that lack
# clips in some split, and blues is not the only one. Nothing can be said of it: blues has no recall,
# and counts as 0 in `Report.macro_f1`, the mean over all ten. The honest choices are more artists, or a
# split by clip *with the remark* that blues then means "John Lee Hooker".
# ```
#
# ```{exercise} Five folds that respect artists
# :label: datasets-3
# Make five folds of this page's dataset so that every artist is in one fold only, and show that each
# genre is in every fold.
# ```
#
# ````{solution} datasets-3
# :class: dropdown
# ```python
# fold = splits.k_fold(music.clips, k=5, group="artist")
# pd.crosstab(music.clips["genre"], fold)
# ```
# Every cell is above zero, but they are not equal: artists do not come in equal sizes, and the folds
# are balanced as far as whole artists allow.
# ````
