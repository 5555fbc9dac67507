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
#
# **You will be able to** build the CNN branch in plain Keras, count its parameters and what it sees,
# and say what it is blind to. **You should know** what a convolution is, and
# [log-mel](log_mel.ipynb). **Time**: 10 minutes.

# %% tags=["parameters"]
dataset = "synthetic"
data_home = None
clip = None  # a clip's id; None: the first Rock clip of the test split

# %%
import itertools
import logging

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

import prcnn
from prcnn import models, plots
from prcnn.spectrogram import PAPER, log_mel
from keras import Input, Model, layers

plots.use_style()
# TensorFlow warns of many small networks.
logging.getLogger("tensorflow").setLevel("ERROR")
clips = prcnn.datasets.load(dataset, data_home).clips
if clip is None:
    rock = clips.query("split == 'test' and genre == 'Rock'")
    clip = (rock if len(rock) else clips).index[0]
path = clips.path[clip]
mel = log_mel(path, PAPER)

# %% [markdown]
# The figure below is all that the network is given: 640 frames of 128 mel bands, and no sound.
# You may have the sound, too. Press play and follow the line: what in the picture are the drums?

# %% tags=["hide-input", "nbval-ignore-output"]
ax = plt.subplots(figsize=(7.2, 2.6))[1]
plots.show(
    plots.spectrogram(mel, PAPER, ax=ax, colorbar=False),
    alt="Log-mel spectrogram of a Rock clip: upright stripes at regular distances, level lines between.",
    sound=path,
    label=f"{clips.genre[clip]} clip, from second 4 to 8",
    offset=4.0,
)

# %% [markdown]
# **Figure.** The clip of this chapter as the network gets it, with four seconds of its sound. A click in
# the framed part plays from there.
#
# ## Layer by layer
#
# A convolution slides small *kernels* over the image and notes how well each fits; *pooling* keeps
# the largest of every few values; then the next convolution looks at that, from further away. In plain
# Keras the whole branch is a loop:

# %%
heard = Input((640, 128))
x = heard[..., None]  # an image of one colour
for filters, pool in zip(
    (16, 32, 64, 64, 64), (2, 2, 2, 4, 4), strict=True
):
    x = layers.Conv2D(filters, (3, 1), activation="relu")(x)
    x = layers.MaxPooling2D(pool)(x)
by_hand = Model(heard, layers.Flatten()(x))
by_hand.output_shape

# %% [markdown]
# `prcnn.models.build` makes every network of this book by name. Alone, the CNN branch is called `cnn5`.
# Before its convolutions stands a layer that standardises the bands, and after them one that names the
# genre; without those two, and with the same weights, it is the one above:

# %%
cnn = models.build("cnn5")
for ours, named in zip(
    (each for each in by_hand.layers if each.weights),
    (f"conv_{i}" for i in range(1, 6)),
    strict=True,
):
    ours.set_weights(cnn.get_layer(named).get_weights())
a = by_hand.predict(mel[None], verbose=0)
b = models.outputs(cnn, mel[None], "flatten")
bool(np.allclose(a, b, atol=1e-4))

# %% tags=["remove-cell"]
assert np.allclose(a, b, atol=1e-4), "the branch built on this page is the library's"

# %% [markdown]
# **Change this and run again:** make every pool `(1, 2)` in the loop. Then no frame is ever joined with
# another, the branch puts out hundreds of times as many numbers, and `np.allclose` refuses to compare them.

# %%
seen = models.receptive_field(cnn)[["frames", "bands"]]
lines = models.layer_summary(cnn).loc["conv_1":"pool_5"]
table = lines[["output", "parameters"]].join(seen.astype(int))
table.rename_axis(index=None, columns="layer")

# %% [markdown]
# **Table.** The CNN branch, layer by layer: what comes out, what is learned, and what one value of it
# sees.
#
# Read a line of the table above as: *what comes out* (time, mel, filters), how many numbers
# are learned, and how many frames and bands of the spectrogram **one** value of it depends on: its
# receptive field. The parameters can be counted by hand. A convolution has one number for every
# place under the kernel, times the filters below, plus one bias, all times its own filters. For the
# third, that is $(3 · 1 · 32 + 1) · 64 = 6208$; and so for all five:

# %%
filters = [1, 16, 32, 64, 64, 64]
counts = [
    (3 * 1 * below + 1) * own
    for below, own in itertools.pairwise(filters)
]
counts

# %% tags=["remove-cell"]
assert counts == [lines.parameters[f"conv_{i}"] for i in range(1, 6)]

# %% [markdown]
# These are the numbers in the paper's Figure 4 ([Fadaviardakani et al., 2020](references.md)). How far one value
# sees grows from layer to layer: the figure below shows it at four depths.

# %% tags=["hide-input"]
ax = plt.subplots(figsize=(7.2, 3.2))[1]
plots.spectrogram(mel, PAPER, ax=ax, colorbar=False)
ax.images[-1].set_cmap("Greys")
halo = [withStroke(linewidth=4, foreground="white")]
fields = models.receptive_field(cnn).loc["pool_2"::2]
for i, ((layer, field), style) in enumerate(zip(fields.iterrows(), ("-", "--", "-.", ":"), strict=True)):
    corner, size = (60 * PAPER.step, 0), (field.frames * PAPER.step, field.bands)
    look = {"fill": False, "lw": 2.5, "ls": style, "ec": f"C{i}", "path_effects": halo}
    ax.add_patch(Rectangle(corner, *size, clip_on=False, label=layer, **look))
ax.legend(title="one value of", loc="upper right", framealpha=1)
plots.show(
    ax,
    alt="A spectrogram with four frames of growing size: pool_2 sees a sliver, pool_5 a third of the "
    "time axis and all bands.",
)

# %% [markdown]
# **Figure.** What one value of each layer can see of the spectrogram: a sliver after the second pooling,
# all bands and a third of the time after the fifth.

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
chosen = models.build("cnn5", filters=[3], pools=[(2, 2)])
kernels = [[-1, 0, 1], [1 / 3, 1 / 3, 1 / 3], [1, -2, 1]]
weights = np.array(kernels).T.reshape(3, 1, 1, 3)
chosen.get_layer("conv_1").set_weights([weights, np.zeros(3)])
loudness = mel - mel.min()  # decibels above the floor
maps = models.outputs(chosen, loudness[None], "conv_1")[0]


# %% tags=["hide-input"]
def draw_maps(maps, ax, columns=8):
    """Maps (time, mel, filters) side by side, the first top left, each as bright as its largest value."""
    time, mel, filters = maps.shape
    rows = -(-filters // columns)
    across, up = max(1, time // 40), max(1, mel // 16)  # between two maps
    tiles = np.full((rows * (mel + up) - up, columns * (time + across) - across), np.nan)
    for i in range(filters):
        row, column = divmod(i, columns)
        bottom, left = (rows - 1 - row) * (mel + up), column * (time + across)
        tile = maps[..., i].T / (np.abs(maps[..., i]).max() or 1)
        tiles[bottom : bottom + mel, left : left + time] = tile
    ax.imshow(tiles, interpolation="nearest")
    ax.set_axis_off()


# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(6, 2))
draw_maps(maps[:200], ax, columns=3)
plots.show(
    ax,
    alt="Three maps of the first 200 frames: the first shows thin vertical lines at every onset, the second "
    "a blurred spectrogram, the third isolated specks.",
)

# %% [markdown]
# **Figure.** What three kernels answer to the first 200 frames: did it get louder, how loud is it, is it
# a dip?
#
# The first map in the figure above is an onset detector: drums become vertical lines, held
# notes vanish. Nobody has to write it; it is one of the patterns that three weights can learn. Before
# any training the sixteen kernels of `conv_1` are random, and their maps look like the upper ones of
# the figure below; what comes out of `pool_3` is already coarse.
#
# Why are so many of them black? These filters answer next to nothing. Decibels below the maximum are never
# positive, so a kernel whose three weights *sum* to something positive is cut off by the ReLU wherever
# neighbouring frames are alike, which is nearly everywhere. (What reaches the third block is never
# negative; there it is the filters of mostly negative weights.)

# %% tags=["hide-input"]
fig, axes = plt.subplots(2, 1, figsize=(6, 2.8))
for ax, layer, n in zip(axes, ["conv_1", "pool_3"], [16, 16], strict=True):
    draw_maps(models.outputs(cnn, mel[None], layer)[0, ..., :n], ax)
    ax.set_title(f"{layer}: its first {n} maps, untrained")
plots.show(
    fig,
    alt="Two mosaics of feature maps. conv_1: a few near copies of the spectrogram, most maps black or nearly. "
    "pool_3: about half of the maps black, the others coarse.",
)

# %% [markdown]
# **Figure.** The first sixteen maps of two layers before training, each as bright as its own largest
# value.
#
# ## What no (3, 1) network can see
#
# A kernel one band wide never compares two bands. Only pooling brings bands together, and it keeps
# a maximum without noting which band it came from. After pooling by 2, 2, 2, 4 and 4, all
# $2·2·2·4·4 = 128$ bands have become one. Predict before you read on: if we turn the spectrogram
# **upside down**, bass on top and treble below, how many of the 256 features change?

# %%
upside_down = mel[:, ::-1]
both = np.stack([mel, upside_down])
features = models.outputs(cnn, both, "flatten")
int((np.abs(np.diff(features, axis=0)) > 1e-4).sum())

# %% [markdown]
# None. The same maxima are taken over the same groups, and the two pictures of
# the figure below are one and the same to this branch.

# %%
fig, axes = plt.subplots(1, 2, figsize=(6, 2.2), sharey=True)
titles = ["the clip", "upside down: the same to this CNN"]
for ax, image, title in zip(axes, both, titles, strict=True):
    ax.imshow(image[:320].T)
    ax.grid(False)
    ax.set(title=title, xlabel="frame")
axes[0].set_ylabel("mel band")
plots.show(
    fig, alt="The clip's spectrogram, and the same turned upside down."
)

# %% [markdown]
# **Figure.** A clip, and the same clip with bass on top: the CNN branch cannot tell them apart.
#
# That is no matter of training: it holds for **every** choice of weights, those of the paper's
# Figure 2 among them. The branch hears rhythm and texture, how sound rises and falls within bands
# and how many kinds of movement there are, but not pitch: it cannot tell a bass line from a hi-hat
# that moves alike. What the parallel network knows of high and low, it knows from the
# [RNN branch](rnn.ipynb), whose first matrix gives every band its own weights.

# %% [markdown]
# ## Summary
#
# - Five blocks of convolution and pooling turn (640, 128) into 256 features with 32,544 weights.
# - One of the last values sees all bands and several seconds; four of them share the clip.
# - Kernels of (3, 1) look along time, within one band. With these pools the branch is blind to which
#   band is which: upside down, every clip is the same to it.
#
# What a step of training costs, layer by layer, stands on the page about [costs](costs.ipynb).
#
# ## Exercises
#
# **Exercise 1 (easy). Half the tree.**
# Two ways to shuffle the bands: swap the two of every pair, or move all of them up by one and the last
# to the bottom. One of them goes unnoticed. Predict which, then run it. Can you find an order of the
# bands that nobody would call music and that still changes nothing?
#
# <details><summary>Solution</summary>
#
# Any permutation that keeps the groups of the pools together goes unnoticed, for instance swapping
# the two bands of every pair. Shifting all bands by one breaks the pairs, so it is noticed.
#
# ```python
# swap = np.arange(128).reshape(-1, 2)[:, ::-1].ravel()
# for order in (swap, np.roll(np.arange(128), 1)):
#     a, b = models.outputs(cnn, np.stack([mel, mel[:, order]]), "flatten")
#     print(np.allclose(a, b, atol=1e-4))
# ```
#
# </details>
#
# **Exercise 2 (medium). Wider kernels.**
# The paper also tries kernels of other shapes. Which of (3, 1), (1, 1), (3, 3) and (5, 5) can tell a clip
# from itself upside down, and at what price in parameters? Say which, then build them with
# `models.build("cnn5", kernel_size=…, padding="same")`. (Without `padding="same"` a wide kernel would use
# up the bands; with it 320 features are left instead of 256.)
#
# <details><summary>Solution</summary>
#
# ```python
# for kernel_size in [(3, 1), (1, 1), (3, 3), (5, 5)]:
#     other = models.build("cnn5", kernel_size=kernel_size, padding="same")
#     a, b = models.outputs(other, both, "flatten")
#     told = np.abs(a - b).max() / np.abs(a).max() > 1e-3
#     print(kernel_size, models.trainable_parameters(other), told)
# ```
# Those that are one band wide cannot, the others can: three bands are enough to know which way up a
# clip is, for about three times the parameters. Five by five pays more and sees no more of that.
#
# </details>
#
# **Exercise 3 (medium). Seeing further.**
# Two pools are given to the first block: (4, 2) instead of (2, 2). By how much does what the last value
# sees grow? Most people guess: by two frames. Then: which pools in time make one of the last values see at least half of the clip, with the mel axis
# as it is? Check with `models.receptive_field`.
#
# <details><summary>Solution</summary>
#
# ```python
# wider = models.build("cnn5", pools=[(4, 2), (2, 2), (2, 2), (4, 4), (4, 4)])
# models.receptive_field(wider).loc["pool_5"]
# ```
# Pooling early moves all later layers apart: one step of (4, 2) in the first block doubles what
# everything after it sees.
#
# </details>
#
# **Exercise 4 (medium). An onset detector of your own.**
# Sum the map of the kernel $(-1, 0, 1)$ over the bands. Its peaks are onsets. Tap along with the clip of
# the figure above first: how many onsets in ten seconds do you hear, and how many does it find?
#
# <details><summary>Solution</summary>
#
# ```python
# from scipy.signal import find_peaks
#
# strength = maps[..., 0].sum(axis=1)
# peaks, _ = find_peaks(strength, height=strength.mean() + strength.std())
# len(peaks)
# ```
#
# </details>
#
# **Exercise 5 (medium). One sentence left out.**
# The paper's three-layer CNN does not say which pools it keeps. Guess by what factor the number of
# parameters changes between the first three pools, (2, 2) each, and `pools=[(2, 2), (4, 4), (4, 4)]`.
# And why does `build` refuse `pools=(4, 4)` for five layers?
#
# <details><summary>Solution</summary>
#
# ```python
# for change in ({}, {"pools": [(2, 2), (4, 4), (4, 4)]}):
#     print(models.trainable_parameters(models.build("cnn3", **change)))
# models.build("cnn5", pools=(4, 4))
# ```
# The pools decide how much the last, dense layer sees, and so how many weights it has: the two readings
# differ as much as two networks do. Five times four is more than there is: 4⁵ bands of 128.
#
# </details>
