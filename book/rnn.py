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
# # The RNN branch: what comes after what
#
# *The second branch reads the same spectrogram frame by frame, forwards and backwards, and hands on
# two states. How much of the clip is left in them?*

# %% tags=["parameters"]
dataset = "synthetic"
data_home = None
checkpoints = None  # the folder of the authors' weight files: measures again what is drawn below
write_results = False  # write book/results/rnn_memory.json

# %%
from prcnn.notebook import refuse_unknown_parameters

refuse_unknown_parameters()

import logging

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown

import prcnn
from prcnn import models, plots
from prcnn.study import results
from prcnn.spectrogram import AUTHORS, PAPER, log_mel

plots.use_style()
logging.getLogger("tensorflow").setLevel("ERROR")  # it warns of many small networks
clips = prcnn.datasets.load(dataset, data_home).clips
some = clips.sort_values("split").groupby("genre").head(1)  # a clip of each genre
X = np.stack([log_mel(path, PAPER) for path in some.path])
X.shape

# %% [markdown]
# ## What the GRU reads
#
# First the spectrogram is pooled by (2, 1): of every two frames the louder value of each band stays.
# That halves the steps the GRU has to make, which is where its time goes. The authors' code also
# pools by (4, 2).

# %%
rnn = models.build("rnn")
models.layer_summary(rnn).drop(columns="reads")

# %% [markdown]
# A gated recurrent unit carries a state $h$ of 64 numbers from step to step. At step $t$ it reads
# the 128 bands $x_t$ and decides, for each number by itself, how much to keep:
#
# $$
# \begin{align*}
# z_t &= \sigma(W_z x_t + U_z h_{t-1} + b_z) && \text{how much to keep} \\
# r_t &= \sigma(W_r x_t + U_r h_{t-1} + b_r) && \text{how much of the past to use} \\
# \tilde h_t &= \tanh(W x_t + r_t \odot (U h_{t-1} + b') + b) && \text{what is new} \\
# h_t &= z_t \odot h_{t-1} + (1 - z_t) \odot \tilde h_t
# \end{align*}
# $$
#
# The $W$ are three matrices for 128 bands, the $U$ three for 64 units, and Keras keeps two biases for
# each. Twice, since a second GRU reads the clip from its end (*bidirectional*):

# %%
parameters = 2 * 3 * (128 * 64 + 64 * 64 + 2 * 64)
assert parameters == rnn.get_layer("gru").count_params()
parameters

# %% [markdown]
# ## The state, step by step
#
# Asked for the whole sequence, the same layer shows what it holds after every step. Rows are the 128
# numbers of the two states; the branch hands on the forward state's last column and the backward
# state's **first**: each has then read the whole clip.

# %%
steps = models.outputs(rnn, X[:1], "rnn_input")
gru = rnn.get_layer("gru")
watched = keras.layers.Bidirectional.from_config(gru.get_config())
watched.forward_layer.return_sequences = watched.backward_layer.return_sequences = True
watched.return_sequences = True
watched.build(steps.shape)
watched.set_weights(gru.get_weights())
states = keras.ops.convert_to_numpy(watched(steps))[0]

ends = np.concatenate([states[-1, :64], states[0, 64:]])
assert np.allclose(ends, models.outputs(rnn, X[:1], "gru")[0], atol=1e-5)

fig, ax = plt.subplots(figsize=(7.2, 3.4))
image = ax.imshow(states.T, cmap="RdBu", vmin=-1, vmax=1)
ax.axhline(63.5, c="k", lw=1)
ax.set(xlabel="step", ylabel="state: forward below, backward above")
ax.grid(False)
fig.colorbar(image, ax=ax)
plots.show(ax, alt="128 rows of states over 320 steps, most at -1 or 1 for long stretches, some changing with the music.")

# %% [markdown]
# ## Order matters, and so do the bands
#
# The [CNN branch](cnn) does not notice a clip turned upside down. The GRU does, since every band has
# its own column in $W$. And it notices another order in time. The largest change of each branch's
# features, for three ways to spoil a clip, relative to the largest feature:

# %%
rng = np.random.default_rng(0)
spoiled = {
    "bands upside down": X[:, :, ::-1],
    "frames in random order": X[:, rng.permutation(640)],
    "played backwards": X[:, ::-1],
}
paper = models.build("paper")


def change(layer, spoilt):
    a, b = models.outputs(paper, X, layer), models.outputs(paper, np.ascontiguousarray(spoilt), layer)
    return np.abs(a - b).max() / np.abs(a).max()


table = pd.DataFrame(
    {
        branch: {way: change(layer, spoilt) for way, spoilt in spoiled.items()}
        for branch, layer in {"CNN branch": "flatten", "RNN branch": "gru"}.items()
    }
)
table.map(lambda value: "none" if value < 1e-5 else "yes")

# %% tags=["remove-cell"]
assert table.loc["bands upside down", "CNN branch"] < 1e-5
assert (table.drop(index="bands upside down") > 1e-2).all(axis=None)
assert (table["RNN branch"] > 1e-2).all()

# %% [markdown]
# ## Numbers of ordinary size
#
# A gate is a sigmoid: it decides where its input lies between about −3 and 3, and is fully open or
# shut beyond. Decibels lie between −80 and 0. The paper's code fed them as they are; here every
# network begins with a layer `scale` that subtracts each band's mean over the training clips and
# divides by its deviation. The same GRU, its gates before and after:

# %% tags=["hide-input"]
scaled = models.build("rnn")  # the same weights
scaled.get_layer("scale").adapt(X)


def update_gates(network):
    """What the input alone makes of the gate z, at every step."""
    gru = network.get_layer("gru").forward_layer
    kernel = keras.ops.convert_to_numpy(gru.cell.kernel)[:, : gru.units]
    reads = models.outputs(network, X, "rnn_input") @ kernel
    return 1 / (1 + np.exp(-reads))


gates = {"decibels": update_gates(rnn), "standardised": update_gates(scaled)}
fig, ax = plt.subplots(figsize=(7.2, 2.6))
for (name, z), fill in zip(gates.items(), ("0.75", "none"), strict=True):
    bins = np.linspace(0, 1, 41)
    ax.hist(z.ravel(), bins, density=True, fc=fill, ec="k", histtype="stepfilled", label=name)
ax.set(xlabel="update gate z: 0 takes the new, 1 keeps the old", ylabel="density", yscale="log")
ax.legend()
plots.show(
    ax,
    alt="Two histograms of gates: fed decibels, nearly all lie at 0 or 1; standardised, they form a "
    "hill around one half.",
)

# %% tags=["remove-input", "nbval-ignore-output"]
stuck = {name: ((z < 0.05) | (z > 0.95)).mean() for name, z in gates.items()}
Markdown(
    f"Fed decibels, {stuck['decibels']:.0%} of the gates are stuck within 0.05 of open or shut, where a "
    f"sigmoid is flat and hardly learns; standardised, {stuck['standardised']:.1%} are. So much of what "
    "this family of papers says about RNNs measures a missing line of preprocessing."
)

# %% tags=["remove-cell"]
assert stuck["decibels"] > 0.8 and stuck["standardised"] < 0.1

# %% [markdown]
# ## What it remembers
#
# A test of memory: replace 32 frames (0.7 s) of a clip by those of another clip, and see how far the
# two last states move. Do this for each part in turn. Before training, fed decibels as the published
# networks were:

# %%
untrained = models.influence(rnn, X)
ax = plots.influence(untrained)
plots.show(
    ax,
    alt="Two curves over the clip. The forward state moves most when the last part is replaced, the "
    "backward state when the first is, and far less for all other parts.",
)

# %% tags=["remove-cell"]
assert untrained.forward.idxmax() == untrained.index[-1]
assert untrained.backward.idxmax() == untrained.index[0]
assert untrained.forward.iloc[-1] > 3 * untrained.forward.iloc[:-2].max()

# %% tags=["remove-input", "nbval-ignore-output"]
share = untrained.forward.iloc[-1] / untrained.forward.iloc[:10].mean()
Markdown(
    "The forward state mostly knows the end of the clip and the backward state its beginning: the "
    f"last 0.7 seconds count {share:.0f} times as much as a part of the first half. With gates stuck, "
    "units that are overwritten at every step know the last frames only; the few that are held keep a "
    "little of everything. (Standardised, all gates are half open, and before training the state "
    "forgets within a few seconds.) Longer memory has to be learned. Was it, in the weights behind the paper's figures? The same test for them and for the "
    "same networks before training, on spectrograms as their authors made them (`AUTHORS`, where a "
    "part lasts twice as long):"
)

# %% tags=["nbval-ignore-output"]
if checkpoints is None:
    memory = results.read("rnn_memory")
else:
    Z = np.stack([log_mel(path, AUTHORS) for path in some.path])
    forward = {}
    for name in ("dwivedi", "figure2", "figure3"):
        fresh = [models.influence(models.build(name, seed=seed, scale="none"), Z).forward for seed in range(5)]
        forward[name] = models.influence(models.load_checkpoint(name, checkpoints), Z).forward
        forward[f"{name}, untrained"] = sum(fresh) / len(fresh)
    memory = {"dataset": dataset, "clips": len(Z), "frame": untrained.index.tolist()}
    memory["forward"] = {name: column.tolist() for name, column in forward.items()}
    if write_results:
        results.write("rnn_memory", memory)
    memory["provenance"] = results.provenance()

curves = pd.DataFrame(memory["forward"], index=memory["frame"])
curves /= curves.iloc[-1]
ax = plots.influence(curves, settings=AUTHORS)
ax.set_ylabel("change, last part = 1")
ax.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1))
plots.show(
    ax,
    alt="Six curves, three of published networks and three of the same untrained, all below 0.4 for most of the "
    "clip and rising steeply to 1 at its end; the published ones lie above their untrained twins.",
)

# %% tags=["remove-input", "nbval-ignore-output"]
early = curves.iloc[:10].mean()
learned = [name for name in early.index if "untrained" not in name]
shares = "; ".join(
    f"{name}: {early[name]:.0%}, untrained {early[f'{name}, untrained']:.0%}" for name in learned
)
Markdown(
    "A part of the first half moves the forward state by this share of what the last part does: "
    f"{shares}. Training on genres has taught these networks to remember more than they were born with, "
    "and still a part at the end moves the state more than any other. (Measured on "
    f"{memory['clips']} clips of `{memory['dataset']}`, {memory['provenance']['date'][:10]}, one clip a "
    "genre, untrained networks over five seeds; `-p checkpoints FOLDER` measures again.)"
)

# %% tags=["remove-cell"]
assert (early < 0.5).all()
assert all(early[name] > early[f"{name}, untrained"] for name in learned)

# %% [markdown]
# That the last moments weigh so much is a reason to give the head *all* steps and let it choose:
# that is [attention](attention.ipynb).
#
# ## The gate that Keras changed
#
# Dwivedi's weights {cite}`dwivedi2018prcnn` were trained with Keras 2, whose GRU approximated the
# gate's $\sigma$ by straight lines of slope 0.2; Keras 3 has a function of the same name, with
# slope 1/6. Loaded with the wrong gate, the same weights give other scores.

# %%
x = np.linspace(-5, 5, 201, dtype="float32")
gates = {
    "sigmoid": keras.ops.sigmoid(x),
    "Keras 2's hard sigmoid": models.branches.old_hard_sigmoid(x),
    "Keras 3's hard sigmoid": keras.ops.hard_sigmoid(x),
}
fig, ax = plt.subplots(figsize=(7.2, 3))
for (name, y), style in zip(gates.items(), ["-", "--", ":"], strict=True):
    ax.plot(x, keras.ops.convert_to_numpy(y), style, label=name)
ax.set(xlabel="what reaches the gate", ylabel="gate")
ax.legend()
plots.show(ax, alt="Three S-shaped curves from 0 to 1: a smooth one and two of straight lines.")

# %% [markdown]
# ## Summary
#
# - The branch pools two frames into one, reads 320 steps both ways, and hands on 128 numbers.
# - It knows which band is which, to which the CNN branch is blind, and it reads a clip in order from end
#   to end; the CNN notices order only within a few seconds.
# - Fed raw decibels, nearly all gates are stuck; a layer that standardises the bands sets them free.
# - A GRU forgets by default. The published ones have learned to remember more: a part of the first half
#   still counts for a fraction of what the last part does.
#
# ## Exercises
#
# ```{exercise} Backwards
# :label: rnn-1
# Play a clip backwards *and* exchange the forward and the backward GRU's weights. What happens to the
# 128 features, and why is it not exactly that for a clip whose frames cannot be paired evenly?
# ```
#
# ````{solution} rnn-1
# :class: dropdown
# The two halves of the state change places.
#
# ```python
# weights = gru.get_weights()
# before = models.outputs(rnn, X, "gru")
# gru.set_weights(weights[3:] + weights[:3])
# after = models.outputs(rnn, X[:, ::-1].copy(), "gru")
# print(np.allclose(after, np.roll(before, 64, axis=1), atol=1e-5))
# gru.set_weights(weights)
# ```
# Pooling drops a frame at the end when their number is odd; backwards it is another frame.
# ````
#
# ```{exercise} Counting again
# :label: rnn-2
# Dwivedi's branch pools by (4, 2) and has one bias for each gate, not two. How many parameters does
# her GRU have, and how many the whole network? Check with `models.build("dwivedi")`.
# ```
#
# ````{solution} rnn-2
# :class: dropdown
# Pooling by 2 leaves 64 bands: 2 · 3 · (64·64 + 64·64 + 64) = 49,536. With the CNN's 32,544 and the
# last layer's 384·8 + 8 = 3,080 that is 85,160.
# ````
#
# ```{exercise} Longer steps
# :label: rnn-3
# Does an untrained GRU remember more of the clip if it makes fewer, longer steps? Try
# `models.build("rnn", rnn_pool=(16, 1))` with `models.influence`.
# ```
#
# ````{solution} rnn-3
# :class: dropdown
# ```python
# longer = models.influence(models.build("rnn", rnn_pool=(16, 1)), X)
# print(longer.forward.iloc[:10].mean() / longer.forward.iloc[-1])
# print(untrained.forward.iloc[:10].mean() / untrained.forward.iloc[-1])
# ```
# Yes: it forgets by steps, not by seconds. The price is that what happens within a step is lost.
# ````
