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
# # What it costs
#
# *How long does it take to turn a hundred thousand songs into pictures, and what does a network wait
# for while it learns?*
#
# **You will be able to** say what a dataset of any size will cost in hours and gigabytes, and where it
# pays to look for speed. **You should know** what a [log-mel spectrogram](log_mel.ipynb) is. **Time**: 5
# minutes.

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown

from prcnn import evaluation, plots
from prcnn.plots.page import HATCHES
from prcnn.spectrogram import AUTHORS, PAPER
from prcnn.study import results

plots.use_style()

# %% [markdown]
# ## From clips to pictures
#
# Turning clips into pictures is most of the waiting before a training run. Where does the time go?
# The bars below come from `tests/benchmarks/extraction.py`, which measures each stage on one core with
# real clips of FMA.


# %% tags=["hide-input"]
def draw_costs(costs, height, cores="one core"):
    """Bars of milliseconds a clip: a row a bar, a column a stage."""
    ax, left = plt.subplots(figsize=(7.2, height))[1], 0
    greys = np.linspace(0.35, 0.95, len(costs.columns)).astype(str)
    for stage, grey, hatch in zip(costs, greys, HATCHES * 9, strict=False):
        look = {"color": grey, "edgecolor": "black", "hatch": hatch}
        ax.barh(costs.index, costs[stage], left=left, label=stage, **look)
        left = left + costs[stage]
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set(xlabel=f"milliseconds a clip, {cores}")
    ax.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.02), frameon=False)
    return ax


# %% tags=["hide-input", "nbval-ignore-output"]
cost = results.read("extraction")
stages = pd.DataFrame(cost["stages"]).T
slow_mean = stages.pop("(mean(axis=1) instead)")
plots.show(
    draw_costs(stages, 1.9),
    alt="Bars of milliseconds a clip by stage: decoding the MP3 takes most of each bar.",
)

# %% [markdown]
# **Figure.** Milliseconds that a clip of 30 seconds takes on its way to a picture, stage by stage.

# %% tags=["remove-cell"]
assert (stages["decode"] > 0.5 * stages.sum(axis=1)).all(), "decoding no longer dominates"
cores = cost["cores"]
faster = {
    name: cost["mp3"]["ratios"][f"librosa to prcnn, {name}"] for name in ("paper", "authors")
}
limit = cost["mp3"]["milliseconds"]["librosa, paper"] / stages.loc["paper", "decode"]

# %% tags=["remove-input"]
Markdown(
    "Decoding MP3 is most of it and cannot be avoided; so the aim is to add little. With "
    "`AUTHORS` the whole chain takes "
    f"{cost['mp3']['ratios']['prcnn to decoder, authors']:.2f} times the decoder alone. "
    "Three things did it:"
)

# %% tags=["remove-input"]
Markdown(
    "- **Decode no more than is looked at.** For `PAPER`, half of the clip.\n"
    "- **Average the channels with a product.** numpy's `mean(axis=1)` takes "
    f"{slow_mean['authors']:.1f} ms a clip, more than the "
    f"{stages.loc['authors'].drop('decode').sum():.1f} ms of all the rest of the chain "
    "together; multiplying by (½, ½) takes "
    f"{stages.loc['authors', 'average channels']:.1f} ms.\n"
    "- **Stay in the cache.** 32 frames at a time are windowed, transformed, squared and "
    "summed into bands."
)

# %% tags=["remove-input"]
Markdown(
    f"Against the loop one would write with librosa that is {faster['paper']:.1f} times "
    "as fast for `PAPER` on FMA's MP3s "
    f"({cost['wav']['ratios']['librosa to prcnn, paper']:.1f} times on GTZAN's WAVs) and "
    f"{faster['authors']:.1f} times for `AUTHORS`: {cores['paper']['one']:.0f} and "
    f"{cores['authors']['one']:.0f} clips a second on one core "
    f"({cost['provenance']['machine']['processor']}). Two cores do "
    f"{cores['paper']['ratio']:.2f} and {cores['authors']['ratio']:.2f} times as many. On "
    f"MP3s {limit:.1f} times is the limit for `PAPER`: decoding those fifteen seconds "
    "alone takes as long as that."
)

# %% [markdown]
# ## What a store knows

# %% tags=["remove-cell"]
opening = results.read("opening")

# %% tags=["remove-input"]
Markdown(
    "`prcnn.extract` keeps its pictures in a folder that is named after what decides "
    "(settings, version of the code, decoders), and knows a clip by its **content**, the "
    "SHA-256 of its file. So nothing stale is ever read, and nothing is computed twice: "
    "music that was touched, renamed or copied to another machine together with the "
    "store is found again, one more song costs one song, and datasets share the clips "
    "that they have in common. Opening again reads no sound, for a file's content is "
    f"remembered with its size, times and inode: {min(opening['fma_small']['again']):.1f} "
    f"s for the 8,000 clips of FMA-small, {min(opening['fma_full']['again']):.1f} s for "
    "the 106,574 of all FMA. And since contents are compared anyway, a file that is "
    "there under two genres, or in training and in test, draws a warning."
)

# %% [markdown]
# A clip that cannot be used moves no label. Where the sound is at fault (it does not decode, is silent, or
# too short), that is remembered until a decoder is upgraded. Where the disk is (no permission, too many
# open files), the next call tries again.
#
# ## All of FMA
#
# `fma_full` has 106,574 whole tracks, 879 GiB. The work goes through joblib, which hands it to a Dask
# cluster without a changed line:
#
# ```python
# import dask.distributed, joblib
#
# client = dask.distributed.Client("scheduler:8786")
# with joblib.parallel_config(backend="dask"):
#     clips = prcnn.load("fma_full")
#     store = prcnn.extract(clips, PAPER, out="/shared/stores")
# ```
#
# Workers need to see the same two folders, the music to read and the store to write; nothing else is
# shared, and a worker that dies costs the clips it was at, which another does again (a test kills one
# in the middle). What to expect, by machines like the one that was measured:

# %% tags=["nbval-ignore-output"]
tracks = 106_574
rows = {}
for name, chosen in {"paper": PAPER, "authors": AUTHORS}.items():
    rate = cost["cores"][name]["two"] / 2
    size = 4 * np.prod(chosen.shape) * tracks / 1e9
    rows[name] = {
        "clips/s a core": round(rate, 1),
        "hours, 1 core": round(tracks / rate / 3600, 2),
        "hours, 16 cores": round(tracks / rate / 3600 / 16, 2),
        "store (GB)": round(size, 1),
        "MB/s read by 16 cores (256 kbit/s)": int(
            16 * rate * min(chosen.seconds, 31) * 256 / 8 / 1000
        ),
    }
pd.DataFrame(rows).astype(object)

# %% [markdown]
# **Table.** What all of FMA would cost, from the rates measured on two cores.

# %% tags=["remove-input"]
Markdown(
    "So one machine with 16 cores does it in minutes once the tracks are on its disk; "
    "the 879 GiB are a question of download and of disks, not of computing. Keep the "
    "music on one large disk that workers mount read-only, and the store's "
    f"{rows['paper']['store (GB)']:.0f} GB anywhere shared. Each file is read twice: once "
    "as a whole, to know its content, which for 879 GiB at 500 MB/s takes "
    f"{879 * 2**30 / 500e6 / 3600:.1f} hours; then its first seconds. Beyond 16 cores it "
    "is the disk that has to deliver; one worker a core, no threads."
)

# %% tags=["remove-input"]
Markdown(
    "Memory does not grow with the number of clips, for a worker holds 16 of them, "
    f"{4 * np.prod(PAPER.shape) * 16 / 1e6:.1f} MB: the peak was "
    f"{cost['memory']['200']['worker']:.0f} MB a worker and "
    f"{cost['memory']['200']['main']:.0f} MB in the main process for 200 clips, "
    f"{cost['memory']['2000']['worker']:.0f} and {cost['memory']['2000']['main']:.0f} MB "
    "for 2,000."
)

# %% [markdown]
# One warning. FMA's clips are cut from the *middle* of tracks; the first seconds of a whole track are
# its intro. `fma_large` holds 30-second clips of the same 106,574 tracks in 93 GiB: unless you need the
# whole tracks for something else, extract that ([Defferrard et al., 2017](references.md)).

# %% [markdown]
# **Change this and run again**: what would your collection cost? Expect hours to fall with cores as long as
# the disk delivers, and the store to grow with frames, whatever the songs' lengths.

# %%
songs, cores = 10_000, 4
clips_a_second = cost["cores"]["paper"]["two"] / 2  # measured, a core
hours = songs / (clips_a_second * cores) / 3600
gigabytes = songs * 640 * 128 * 4 / 1e9  # frames × bands × float32
print(f"{60 * hours:.1f} minutes, a store of {gigabytes:.1f} GB")

# %% [markdown]
# ## A step of training
#
# Where does the time go when `paper` learns? `tests/benchmarks/training.py` builds the network up block
# by block and measures what each adds to a step, forward and backward.

# %% tags=["hide-input"]
speed = results.read("training_speed")
plots.show(
    draw_costs(
        pd.DataFrame(speed["stages"], index=["a step"]).clip(lower=0),
        1.3,
        f"{speed['provenance']['machine']['cores']} cores",
    ),
    alt="One bar of milliseconds a clip: the first two blocks take most, the GRU about a quarter.",
)

# %% [markdown]
# **Figure.** Milliseconds that a clip costs in a step of training, block by block.

# %% tags=["remove-cell"]
ratios = speed["times_as_fast_as_plain"]
assert ratios["paper"] > 0.95 and max(speed["stages"], key=speed["stages"].get) == "block 1"

# %% tags=["remove-input"]
Markdown(
    "The first block costs most although it has the fewest weights: its maps are the "
    "largest, and moving them through memory is the work. Computing the same by other "
    "means (a convolution as one matrix product, pooling as a maximum of slices, both "
    "directions of the GRU in one loop) was slower. So `paper` is made of Keras's own "
    "layers, which also run on every backend and, on a GPU, use cuDNN: a step is "
    f"{ratios['paper']:.2f} times as fast as one of the network that the authors' script "
    f"writes, which built a second time is {ratios['plain_again']:.2f} times as fast as "
    "itself."
)

# %% [markdown]
# What does help is fewer bits. A processor with units for bfloat16 (AMX, AVX512-BF16) multiplies two
# of these 16-bit numbers where it multiplied one of 32. `train(…, precision="auto")` takes them
# where the processor's flags name such units; the GRU, the softmax and the loss stay in 32 bits,
# because the GRU is slower in 16 and sums lose digits:

# %% tags=["hide-input"]
fewer, processes = speed["sixteen_bits"], results.read("processes_speed")["steps_a_second"]
pairs = {
    d: results.read(f"precision_{d}")["mixed_minus_float32"]
    for d in ("synthetic", "fma_small_images")
}
cost = {d: evaluation.points(pd.Series(found)) for d, found in pairs.items()}
Markdown(
    f"With 16-bit convolutions `paper` trains **{fewer['paper']:.2f} times** as fast as in 32 bits, "
    f"and `beyond` **{fewer['beyond']:.2f} times**, measured in turn. Accuracy moves by "
    f"{cost['synthetic']} on the synthetic test clips and by {cost['fma_small_images']} on those of "
    "FMA-small (16 bits less 32, pairs of runs with the same seeds). Two processes with a core each "
    "do more steps a second than one with both: "
    f"{processes['paper, mixed']['ratio']:.2f} times as many for `paper`, "
    f"{processes['beyond, mixed']['ratio']:.2f} for `beyond`, both in 16 bits: so a sweep runs two "
    "at a time."
)

# %% [markdown]
# What helped besides lies outside the network. `fit` reads batches through tf.data, and when an epoch ends,
# tf.data's thread that tunes itself waits for a timer whose period doubles: 5.12, 10.24, 20.48 s. A third
# to a half of a short epoch can be waiting. `prcnn.training` takes the batches itself, in the same order,
# and ends with the same weights (a test compares them). The seconds:

# %% tags=["hide-input"]
epochs = speed["seconds_an_epoch"]
pd.DataFrame(
    {
        "seconds an epoch, median": {name: taken["median"] for name, taken in epochs.items()},
        "shortest": {name: min(taken["all"]) for name, taken in epochs.items()},
        "longest": {name: max(taken["all"]) for name, taken in epochs.items()},
    }
).rename({"fit": "plain Keras network, fit", "prcnn": "paper, prcnn.training"}).round(2)

# %% [markdown]
# **Table.** A short epoch with Keras' own loop and with ours.

# %% tags=["remove-cell"]
assert speed["epoch_times_as_fast_as_fit"] > 1

# %% [markdown]
# ## Summary
#
# - Most of the time that a clip takes goes into decoding its MP3; the rest of the chain adds little.
# - A store makes each clip once, in memory that does not grow with the number of clips.
# - The first convolution costs most, because its maps are the largest; 16-bit numbers are what helps.
#
# ## Exercises
#
# **Exercise 1 (easy). The slowest part.**
# Predict: if everything except decoding took no time at all, by how much would the whole chain be
# faster with `AUTHORS`? Then read the answer off the first figure. Where would you look for
# speed next?
#
# <details><summary>Solution</summary>
#
# ```python
# whole = stages.loc["authors"].sum()
# print(whole / stages.loc["authors", "decode"])
# ```
# Hardly at all: this is Amdahl's law. What is left is to decode fewer seconds, to decode on more cores,
# or to keep what was decoded, and that is what a store does.
#
# </details>
#
# **Exercise 2 (medium). One more block.**
# A sixth block of 64 filters behind the fifth would add 12,352 weights, as many as the fourth has.
# Does it make a step a fifth slower?
#
# <details><summary>Solution</summary>
#
# No. A block costs what its maps are large, and after five poolings hardly anything is left of them:
# the bar of a step shows how the blocks get cheaper while their weights become more.
#
# </details>
