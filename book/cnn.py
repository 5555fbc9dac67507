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
# # The CNN branch: movement, band by band
#
# *Five convolutions and five poolings turn the 81,920 numbers of a spectrogram into 256. What has
# each of them seen, and what can none of them see?*

# %% tags=["parameters"]
dataset = "synthetic"
data_home = None
clip = None  # a clip's id; None: the first Rock clip of the test split, or the first of all

# %%
from prcnn.notebook import refuse_unknown_parameters

refuse_unknown_parameters()

import itertools
import logging

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown

import prcnn
from prcnn import models, plots
from prcnn.study import results
from prcnn.spectrogram import PAPER, log_mel

plots.use_style()
logging.getLogger("tensorflow").setLevel("ERROR")  # it warns of many small networks
clips = prcnn.datasets.load(dataset, data_home).clips
if clip is None:
    rock = clips.query("split == 'test' and genre == 'Rock'")
    clip = (rock if len(rock) else clips).index[0]
path = clips.path[clip]
mel = log_mel(path, PAPER)
mel.shape

# %% [markdown]
# 640 frames of 128 mel bands. This is all that the network is given. Four seconds of it:

# %% tags=["nbval-ignore-output"]
plots.player(path, label=f"{clips.genre[clip]} clip", offset=4.0)

# %% [markdown]
# ## Layer by layer
#
# A convolution slides small *kernels* over the image and notes how well each fits; *pooling* keeps
# the largest of every few values; then the next convolution looks at that, from further away.
# `prcnn.models.build` makes every network of this book by name. Alone, the CNN branch is called
# `cnn5`.

# %%
cnn = models.build("cnn5")
layers = models.layer_summary(cnn).join(models.receptive_field(cnn).astype("Int64"))
layers.drop(columns="reads").loc["channel":]

# %% [markdown]
# Read a line as: *what comes out* (time, mel, filters), how many numbers are learned, and how many
# frames and bands of the spectrogram **one** value of it depends on: its {term}`receptive field`.
# A convolution has one number for every place under the kernel, times the filters below, plus one
# bias, all times its own filters:

# %%
filters = [1, 16, 32, 64, 64, 64]
counts = [(3 * 1 * below + 1) * own for below, own in itertools.pairwise(filters)]
assert counts == [layers.parameters[f"conv_{i}"] for i in range(1, 6)]
counts

# %% [markdown]
# These are the numbers in the paper's Figure 4 {cite}`fadaviardakani2020parallel`. The lines around
# it show how far one value sees, at four depths:

# %%
fig, ax = plt.subplots(figsize=(7.2, 3.2))
plots.receptive_fields(models.receptive_field(cnn).loc["pool_2"::2], mel, ax=ax)
plots.show(
    ax,
    alt="A spectrogram with four frames of growing size: pool_2 sees a sliver, pool_5 a third of the "
    "time axis and all bands.",
)

# %% tags=["remove-input"]
field = models.receptive_field(cnn).loc["pool_5"]
second = PAPER.sr / PAPER.hop_length
Markdown(
    f"One of the last values sees {field.frames} frames, {field.frames / second:.1f} seconds, and all "
    f"{field.bands} bands. There are four such values in time, {field.frame_step} frames apart, which together "
    f"reach over {(field.frames + 3 * field.frame_step) / second:.1f} of the clip's "
    f"{len(mel) / second:.1f} seconds."
)

# %% [markdown]
# ## What a kernel (3, 1) sees
#
# Three frames, one band. Let us choose the three numbers by hand instead of learning them:
# $(-1, 0, 1)$ asks *did this band just get louder?*, $(1, 1, 1)/3$ *how loud is it?*, and
# $(1, -2, 1)$ *is this a dip?*

# %%
by_hand = models.build("cnn5", filters=[3], pools=[(2, 2)])
kernels = np.array([[-1, 0, 1], [1 / 3, 1 / 3, 1 / 3], [1, -2, 1]])
by_hand.get_layer("conv_1").set_weights([kernels.T.reshape(3, 1, 1, 3), np.zeros(3)])
maps = models.outputs(by_hand, mel[None] - mel.min(), "conv_1")[0]

fig, ax = plt.subplots(figsize=(6, 2))
plots.feature_maps(maps[:200], ax=ax, columns=3)
plots.show(
    ax,
    alt="Three maps of the first 200 frames: the first shows thin vertical lines at every onset, the second "
    "a blurred spectrogram, the third isolated specks.",
)

# %% [markdown]
# The first map is an onset detector: drums become vertical lines, held notes vanish. Nobody has to
# write it; it is one of the patterns that three weights can learn. Before any training the sixteen
# kernels of `conv_1` are random, and their maps look like this; what comes out of `pool_3` is already
# coarse. The black maps are filters that answer next to nothing: decibels below the maximum are never
# positive, so a kernel whose three weights *sum* to something positive is cut off by the ReLU wherever
# neighbouring frames are alike, which is nearly everywhere. (What reaches the third block is never
# negative; there it is the filters of mostly negative weights.)

# %%
fig, axes = plt.subplots(2, 1, figsize=(6, 2.8))
for ax, layer, n in zip(axes, ["conv_1", "pool_3"], [16, 16], strict=True):
    plots.feature_maps(models.outputs(cnn, mel[None], layer)[0, ..., :n], ax=ax)
    ax.set_title(f"{layer}: its first {n} maps, untrained")
plots.show(
    fig,
    alt="Two mosaics of feature maps. conv_1: a few near copies of the spectrogram, most maps black or nearly. "
    "pool_3: about half of the maps black, the others coarse.",
)

# %% [markdown]
# ## What no (3, 1) network can see
#
# A kernel one band wide never compares two bands. Only pooling brings bands together, and it keeps
# a maximum without noting which band it came from. After pooling by 2, 2, 2, 4 and 4, all
# $2·2·2·4·4 = 128$ bands have become one. So turn the spectrogram **upside down**, bass on top and
# treble below: the same maxima are taken over the same groups, and the 256 features are the same.

# %%
upside_down = mel[:, ::-1]
both = np.stack([mel, upside_down])
features = models.outputs(cnn, both, "flatten")
change = np.abs(features[0] - features[1]).max() / np.abs(features).max()
bool(change < 1e-6)

# %%
fig, axes = plt.subplots(1, 2, figsize=(6, 2.2), sharey=True)
titles = ["the clip", "upside down: the same to this CNN"]
for ax, image, title in zip(axes, both, titles, strict=True):
    ax.imshow(image[:320].T)
    ax.grid(False)
    ax.set(title=title, xlabel="frame")
axes[0].set_ylabel("mel band")
plots.show(fig, alt="The clip's spectrogram, and the same turned upside down.")

# %% [markdown]
# That is no matter of training: it holds for **every** choice of weights, those of the paper's
# Figure 2 among them. The branch hears rhythm and texture, how sound rises and falls within bands
# and how many kinds of movement there are, but not pitch: it cannot tell a bass line from a hi-hat
# that moves alike. What the parallel network knows of high and low, it knows from the
# [RNN branch](rnn), whose first matrix gives every band its own weights. That kernels could be
# wider is one of the paper's ablations; three bands are enough (all of these with `padding="same"`,
# without which a wide kernel would use up the bands; so 320 features are left instead of 256):

# %%
rows = {}
for kernel_size in [(3, 1), (1, 1), (3, 3), (5, 5)]:
    other = models.build("cnn5", kernel_size=kernel_size, padding="same")
    features = models.outputs(other, both, "flatten")
    difference = np.abs(features[0] - features[1]).max() / np.abs(features).max()
    rows[str(kernel_size)] = {
        "parameters": models.trainable_parameters(other),
        "tells it from upside down": bool(difference > 1e-3),
    }
pd.DataFrame(rows).T.rename_axis("kernel")

# %% tags=["remove-cell"]
assert change < 1e-6
assert [row["tells it from upside down"] for row in rows.values()] == [False, False, True, True]

# %% [markdown]
# ## Changing it
#
# `build` takes the changes of the paper's ablations, and refuses what cannot work, with the reason:

# %%
try:
    models.build("cnn5", pools=(4, 4))
except ValueError as reason:
    print(reason)

# %% [markdown]
# The paper's three-layer CNN does not say which pools it keeps. They decide how much the last, dense
# layer sees, and how many weights it has:

# %%
three = {"(2, 2) three times": {}, "(2, 2), (4, 4), (4, 4)": {"pools": [(2, 2), (4, 4), (4, 4)]}}
pd.DataFrame(
    {
        name: {
            "features": models.build("cnn3", **change).get_layer("flatten").output.shape[1],
            "parameters": models.trainable_parameters(models.build("cnn3", **change)),
        }
        for name, change in three.items()
    }
).T.rename_axis("pools of cnn3")

# %% [markdown]
# ## What a step of training costs
#
# Where does the time go when `paper` learns? `tests/benchmarks/training.py` builds the network up block
# by block and measures what each adds to a step, forward and backward:

# %%
speed = results.read("training_speed")
plots.show(
    plots.stage_costs(
        pd.DataFrame(speed["stages"], index=["a step"]).clip(lower=0),
        ax=plt.subplots(figsize=(7.2, 1.3))[1],
        cores=f"{speed['provenance']['machine']['cores']} cores",
    ),
    alt="One bar of milliseconds a clip: the first two blocks take most, the GRU about a quarter.",
)

# %% [markdown]
# The first block costs most although it has the fewest weights: its maps are the largest, and moving
# them through memory is the work. Other ways to compute the same thing, each put into the network
# that the authors' script writes, and how many times as fast a step then is:

# %%
pd.DataFrame(
    {
        "times as fast as plain Keras": speed["times_as_fast_as_plain"],
        "outputs differ by": {
            k: v["outputs"] for k, v in speed["largest_difference_from_plain"].items()
        },
        "gradients differ by": {
            k: v["gradients"] for k, v in speed["largest_difference_from_plain"].items()
        },
    }
).rename({"paper": "prcnn's `paper`", "plain_again": "plain Keras a second time"}).sort_values(
    "times as fast as plain Keras", ascending=False
).style.format("{:.2f}", subset=["times as fast as plain Keras"]).format(
    "{:.0e}", na_rep="", subset=["outputs differ by", "gradients differ by"]
)

# %% tags=["remove-cell"]
assert max(speed["times_as_fast_as_plain"].values()) < 1.15, "nothing is clearly faster"
assert all(d["outputs"] < 1e-5 for d in speed["largest_difference_from_plain"].values())
assert all(d["gradients"] < 1e-4 for d in speed["largest_difference_from_plain"].values())
assert max(speed["stages"], key=speed["stages"].get) == "block 1"

# %% [markdown]
# None is faster than plain Keras by more than plain Keras a second time is. With oneDNN, which TensorFlow
# uses on x86 by default, the gradient of max-pooling is no longer what training waits for, and chains of elementwise operations touch the large maps more often
# than the library's layers do. So `paper` is made of Keras's own layers, which also run on every backend
# and, on a GPU, use cuDNN.
#
# What does help is fewer bits. A processor with units for bfloat16 (AMX, AVX512-BF16) multiplies two
# of these 16-bit numbers where it multiplied one of 32. `train(…, precision="auto")` tries a few steps
# on the machine at hand and takes the faster; the GRU, the softmax and the loss stay in 32 bits,
# because the GRU is slower in 16 and sums lose digits:

# %% tags=["hide-input"]
fewer, processes = speed["sixteen_bits"], results.read("processes_speed")["steps_a_second"]
pairs = {
    d: results.read(f"precision_{d}")["mixed_minus_float32"]
    for d in ("synthetic", "fma_small_images")
}
cost = {
    d: "{difference:+.1f} points [{low:+.1f}, {high:+.1f}]".format(
        **{k: 100 * found[k] for k in ("difference", "low", "high")}
    )
    for d, found in pairs.items()
}
Markdown(
    f"With 16-bit convolutions a step of `paper` is **{fewer['paper']:.2f} times** as fast as one of "
    f"the plain Keras network, and a step of `beyond` **{fewer['beyond']:.2f} times** as fast as its "
    "own in 32 bits, measured in turn in one run. Accuracy moves by "
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
# and ends with the same weights (a test compares them):

# %%
epochs = speed["seconds_an_epoch"]
pd.DataFrame(
    {
        "seconds an epoch, median": {name: taken["median"] for name, taken in epochs.items()},
        "shortest": {name: min(taken["all"]) for name, taken in epochs.items()},
        "longest": {name: max(taken["all"]) for name, taken in epochs.items()},
    }
).rename({"fit": "plain Keras network, fit", "prcnn": "paper, prcnn.training"}).round(2)

# %% tags=["remove-cell"]
assert speed["epoch_times_as_fast_as_fit"] > 1

# %% [markdown]
# ## Summary
#
# - Five blocks of convolution and pooling turn (640, 128) into 256 features with 32,544 weights.
# - One of the last values sees all bands and several seconds; four of them share the clip.
# - Kernels of (3, 1) look along time, within one band. With these pools the branch is blind to which
#   band is which: upside down, every clip is the same to it.
#
# ## Exercises
#
# ```{exercise} Half the tree
# :label: cnn-1
# Turning upside down is not the only change the branch does not notice. Find a permutation of the
# bands that keeps bass below treble and still changes nothing, and one that does change the features.
# ```
#
# ````{solution} cnn-1
# :class: dropdown
# Any permutation that keeps the groups of the pools together goes unnoticed, for instance swapping
# the two bands of every pair. Shifting all bands by one breaks the pairs, so it is noticed.
#
# ```python
# swap = np.arange(128).reshape(-1, 2)[:, ::-1].ravel()
# for order in (swap, np.roll(np.arange(128), 1)):
#     a, b = models.outputs(cnn, np.stack([mel, mel[:, order]]), "flatten")
#     print(np.allclose(a, b, atol=1e-4))
# ```
# ````
#
# ```{exercise} Seeing further
# :label: cnn-2
# Which pools in time make one of the last values see at least half of the clip, with the mel axis
# as it is? Check with `models.receptive_field`.
# ```
#
# ````{solution} cnn-2
# :class: dropdown
# ```python
# wider = models.build("cnn5", pools=[(4, 2), (2, 2), (2, 2), (4, 4), (4, 4)])
# models.receptive_field(wider).loc["pool_5"]
# ```
# Pooling early moves all later layers apart: one step of (4, 2) in the first block doubles what
# everything after it sees.
# ````
#
# ```{exercise} An onset detector of your own
# :label: cnn-3
# Sum the map of the kernel $(-1, 0, 1)$ over the bands. Its peaks are onsets. How many are there in a
# clip with drums and in one without?
# ```
#
# ````{solution} cnn-3
# :class: dropdown
# ```python
# from scipy.signal import find_peaks
#
# strength = maps[..., 0].sum(axis=1)
# peaks, _ = find_peaks(strength, height=strength.mean() + strength.std())
# len(peaks)
# ```
# ````
