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
# **You will be able to** load any of a dozen datasets or your own music, see what is wrong with it, and
# tell whether its test is fair. **You should know** a little pandas. **Time**: 10 minutes.
#
# The page shows one dataset, by default the synthetic one, which needs no download. With music of
# your own, or FMA on your disk, run it again:
#
# ```sh
# papermill book/datasets.ipynb out.ipynb -p dataset ~/my_music
# ```

# %% tags=["parameters"]
dataset = "synthetic"  # of prcnn.datasets.names(), or a folder
data_home = None  # default: PRCNN_DATA, else a cache folder

# %% tags=["hide-input"]
import shutil
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import Markdown, display

import prcnn
from prcnn import audio, plots
from prcnn.study import facts
from prcnn.datasets import download as downloads
from prcnn.datasets import fma, splits
from prcnn.datasets.synthetic import recipes

from prcnn.datasets.dataset import SPLITS
from prcnn.plots.page import HATCHES
from prcnn.spectrogram import CLOSE, GTZAN_IMAGES, IMAGES, PAPER

plots.use_style()
pd.set_option("display.max_colwidth", 80)

# %% [markdown]
# ## Listen first
#
# One function loads them all. The music of this page, and three seconds of the first training clip of each
# genre. Which two would you mix up?

# %%
music = prcnn.datasets.load(dataset, data_home=data_home)
music

# %%
for genre in music.genres[:10]:
    chosen = music.clips[
        (music.clips["genre"] == genre)
        & (music.clips["split"] == "training")
    ]
    if len(chosen) and Path(chosen["path"].iloc[0]).is_file():
        display(
            plots.player(
                chosen["path"].iloc[0],
                label=genre,
                seconds=3.0,
                offset=8.0,
            )
        )

# %% [markdown]
# ## One table for all of them
#
# A dataset is a table of clips and the list of genres. A clip's label is the place of its genre in that
# list.

# %%
music.clips[["genre", "split", "artist"]].head()

# %% [markdown]
# **Table.** The table that every loader makes: a row a clip.

# %% tags=["hide-input"]
counts = pd.crosstab(music.clips["genre"], music.clips["split"]).reindex(
    columns=SPLITS, fill_value=0
)
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

# %% [markdown]
# **Figure.** How many clips each genre has in each split.

# %% tags=["remove-cell"]
assert set(music.clips["genre"]) == set(music.genres) and music.genres == sorted(music.genres)

# %% tags=["remove-input"]
Markdown(
    f"{len(music.clips)} clips in {len(music.genres)} genres, by "
    f"{music.clips['artist'].nunique()} artists."
)

# %% [markdown]
# The synthetic genres bear the names of FMA-small's and are made up otherwise. Each has a *recipe*: a
# **timbre**, the instruments, and an **order**, when and which way round their notes sound. In
# the table, every genre shares one of the two with the row above and the other with the row below (the
# last row with the first), so neither alone tells them apart. A fifth of the clips play some of their
# bars as a neighbour would.
#
# They were not designed blind: recipes and artists were changed while looking at what linear models and
# networks made of the clips. What a page finds on this dataset is about these recipes, and has to be
# tried on real music before it is about music.

# %%
recipes.RECIPES

# %% [markdown]
# **Table.** The recipes of the synthetic genres.
#
# ## What the files are
#
# A network of one input shape needs clips of one length and one sampling rate. The headers say how far
# the files are from that; nothing is decoded for it. How many clips there are of each kind, and whether they
# are equally long:

# %%
files = audio.headers(music.clips)
kinds = files.groupby(["format", "sr", "channels"])["seconds"]
for kind, seconds in kinds:
    print(kind, f"{len(seconds)} clips")
    print(f"{seconds.min():.1f} to {seconds.max():.1f} seconds")

# %% tags=["hide-input"]
rates = pd.Series(facts.FMA_SMALL_RATES)
small = {clip: why for clip, why in fma.BROKEN.items() if why != fma.DOES_NOT_DECODE}
shares = [f"{100 * n / rates.sum():.1f} % have {rate:,} Hz" for rate, n in rates.items()]
Markdown(
    f"FMA-small's real files are less even: {', '.join(shares)}. Everything is therefore resampled to "
    f"one rate before it becomes a picture (next chapter). And {len(small)} files hold nothing, or "
    f"hardly anything: {', '.join(map(str, small))}. A loader that skips them silently changes the "
    "dataset; this one leaves out what is known to be broken *by name*, and counts it."
)

# %% tags=["remove-cell"]
assert len(small) == 8000 - facts.FMA_SMALL_RATES[44100] - 411 - 14 + 3

# %% tags=["remove-input"]
Markdown(
    f"These {len(small)} are all in the training split, which is why careful papers "
    f"report {6400 - len(small):,} training clips where others report 6,400. Of the "
    f"dataset on this page, {len(music.left_out)} clips were left out (`music.left_out` "
    "says which and why). `music.validate()` counts the files that have gone missing "
    "since, are empty, or, where checksums came with them, have changed. Of FMA, "
    "`fma.genres(data_home)` shows the tree of genres and `fma.features` the numbers "
    "that its authors computed *on whole tracks*: a classifier on them has heard more "
    "than the clip."
)

# %% [markdown]
# ## Why a split must respect artists
#
# Musicians make more than one song, with the same voice, the same guitar, the same studio. If some of
# them are in training and others in the test, a model can score by recognising the *musician*. So let
# us look at who makes up a genre.

# %% tags=["hide-input"]
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
# **Figure.** Who makes up a genre: each bar is cut into its artists, the most frequent one dark.
#
# A split is *filtered by artist* when no artist stands on both sides.
# FMA's official split is; a split drawn at random is not. Predict: if every artist has three clips, and
# they are dealt out at random, how many test clips have an artist who was heard in training?

# %%
dealt = splits.stratified(music.clips, seed=0)
at_random = music.clips.assign(split=dealt)
known = at_random.dropna(subset="artist")
heard = set(known["artist"][known["split"] == "training"])
tested = known["artist"][known["split"] == "test"]
print(f"at random: {tested.isin(heard).mean():.0%}")
print(f"the library says {splits.overlap(at_random):.0%}")

# %% [markdown]
# **Change this and run again**: another `seed`, or `splits.by_artist` for `splits.stratified`. Expect hardly
# a change from the first, and none left from the second. Both beside the split as it was loaded:


# %% tags=["hide-input"]
if music.clips["artist"].notna().any():
    shares = {
        f"as loaded ({music.splits})": splits.overlap(music.clips),
        "random": splits.overlap(at_random),
    }
    ax = plt.subplots(figsize=(7.2, 2.2))[1]
    bars = ax.barh(list(shares), [100 * share for share in shares.values()], color="0.45")
    ax.bar_label(bars, fmt="%.0f %%", padding=3)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set(xlabel="test clips whose artist is in training (%)", xlim=(0, 112))
    alt = "Two bars: as loaded, and for a random split, the share of test clips of artists that are also in training."
    display(plots.show(ax, alt=alt))

# %% [markdown]
# **Figure.** The share of test clips whose artist was heard in training, as loaded and in a random split.

# %% tags=["remove-cell"]
if dataset == "synthetic":
    assert shares["as loaded (official)"] == 0, "the page says that the synthetic split is filtered"
    assert shares["random"] > 0.5, "the page says that a random split is not"

# %% [markdown]
# How much that is worth in points of accuracy is measured in [leakage](leakage.ipynb), on GTZAN, a dataset
# with other faults besides.
#
# ## Without the sound: three views
#
# Music can rarely be handed on; pictures of it are. Two public repositories hold FMA-small and GTZAN as
# log-mel spectrograms, or as coefficients from which one can be made, in a few hundred megabytes. What
# they left out no network can hear.

# %% tags=["hide-input"]
views = {
    "fma_small_images": (
        IMAGES,
        "which sounds fill a clip, loud and soft, over all of it",
        "rhythm: beats fall between its frames; fine pitch",
    ),
    "fma_small_mfcc": (
        CLOSE,
        "beats and attacks, at the paper's own step; how loud the recording is",
        "how a song goes on; pitch and harmony, for each frame is smoothed to its rough shape",
    ),
    "gtzan_images": (
        GTZAN_IMAGES,
        "slow and middling rhythm, over all of a clip",
        "quick figures, sharp attacks; fine pitch",
    ),
    "(the paper)": (PAPER, "rhythm and sound, over half of a clip", "fine pitch; the other half"),
}
pd.DataFrame(
    {
        name: (s.n_frames, round(1000 * s.step, 1), round(s.seconds, 1), can, cannot)
        for name, (s, can, cannot) in views.items()
    },
    index=["frames", "ms from frame to frame", "seconds", "can be heard", "cannot be heard"],
).T

# %% [markdown]
# **Table.** Three views of real music without its sound, beside the picture that the paper describes.
#
# All have 128 bands; of the coefficients there are 20 a frame, and their inverse cosine transform gives
# the bands back, smoothed ([baselines](baselines.ipynb) makes such coefficients). The first two are of the
# same clips, which meet by track id. `prcnn.extract(prcnn.load("gtzan_images"))` reads the pictures, and
# the settings of the table make the same of any song, so that what was learned on them can be asked
# about your music.
#
# **Neither repository names a licence.** The loaders fetch them for study and nothing of them is part of
# this project: ask their owners before you pass them on.
#
# ## Getting the others
#
# All that `load` knows, how to get it, and how it is split unless you say otherwise:

# %% tags=["hide-input"]
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
# **Table.** The datasets, how to get them, and how they are split unless you say otherwise.

# %% tags=["remove-input"]
Markdown(
    "A download says how large it is before it starts, goes on where it broke off, is "
    "checked against a checksum (what comes with git: against the commit), and unpacks "
    "nothing outside its folder. If only part of FMA is on the disk, the clips without a "
    "file are left out and counted; if there is none of its sound at all, the table "
    "still loads, with a warning, so that it can be studied before "
    f"{downloads.ARCHIVES['fma_small'].size / 2**30:.1f} GiB are fetched."
)

# %% [markdown]
# ## Your own music
#
# One folder a genre is enough. Folders inside it are taken for artists, which makes a split by artist
# possible; formats may be mixed. Here with a few of the clips above, copied into such a folder:

# %%
with tempfile.TemporaryDirectory() as folder:
    for _, row in music.clips.groupby("genre").head(6).iterrows():
        if Path(row["path"]).is_file():
            artist = (
                row["artist"] if pd.notna(row["artist"]) else "unknown"
            )
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

# %% tags=["remove-input"]
Markdown(
    "- A dataset is a table: clip, path, genre, split, artist. What was left out is part "
    "of it.\n"
    f"- FMA-small is 8,000 clips, less {len(small)} that "
    "hold no or hardly any sound. Its official split keeps artists apart.\n"
    "- A split drawn at random tests mostly artists that were heard in training.\n"
    "- A picture of music can be studied where the music cannot be had; it says what it "
    "left out, and that is what no network can hear."
)

# %% [markdown]
# ## Exercises
#
# **Exercise 1 (easy). How far is a random split from the official one?**
# Split the dataset of this page at random with ten seeds. How far will the share of test clips whose
# artist is in training move from seed to seed: by one point, by ten, by thirty? Guess, run, and explain.
#
# <details><summary>Solution</summary>
#
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
#
# </details>
#
# **Exercise 2 (medium). A genre by one artist.**
# In `gtzan_mini` all ten blues clips are by John Lee Hooker. What does `load("gtzan_mini",
# splits="artist")` do with them (with Sturm's index in place), and what can be said about a model's
# score on blues afterwards?
#
# <details><summary>Solution</summary>
#
# One artist cannot be on two sides, so all ten go to training; a warning names the genres that lack
# clips in some split, and blues is not the only one. Nothing can be said of it: blues has no recall,
# and counts as 0 in `Report.macro_f1`, the mean over all ten. The honest choices are more artists, or a
# split by clip *with the remark* that blues then means "John Lee Hooker".
#
# </details>
#
# **Exercise 3 (medium). Five folds that respect artists.**
# Make five folds of this page's dataset so that every artist is in one fold only, and show that each
# genre is in every fold.
#
# <details><summary>Solution</summary>
#
# ```python
# fold = splits.k_fold(music.clips, k=5, group="artist")
# pd.crosstab(music.clips["genre"], fold)
# ```
# Every cell is above zero, but they are not equal: artists do not come in equal sizes, and the folds
# are balanced as far as whole artists allow.
#
# </details>
