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
#
# **You will be able to** write a GRU's step in NumPy, build the RNN branch in plain Keras, and
# measure what a state remembers. **You should know** matrices, and [log-mel](log_mel.ipynb).
# **Time**: 15 minutes.

# %% tags=["parameters"]
dataset = "synthetic"
data_home = None
checkpoints = None  # folder of the authors' weights: measures again
write_results = False  # write book/results/rnn_memory.json

# %%
import logging
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown

import prcnn
from prcnn import audio, models, plots
from prcnn.datasets.synthetic import sounds
from prcnn.study import results
from prcnn.spectrogram import AUTHORS, PAPER, log_mel
import keras
from keras import Input, Model, layers

plots.use_style()
# TensorFlow warns of many small networks.
logging.getLogger("tensorflow").setLevel("ERROR")
clips = prcnn.datasets.load(dataset, data_home).clips
# A clip of each genre.
some = clips.sort_values("split").groupby("genre").head(1)
X = np.stack([log_mel(path, PAPER) for path in some.path])

# %% [markdown]
# ## A memory of two numbers
#
# A gated recurrent unit, a GRU, walks through a clip and carries a state $h$ from step to step: 64
# numbers in this paper, two in the next paragraphs. At step $t$ it reads what sounds now, $x_t$, and
# decides for each number by itself how much to keep:
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
# The same four lines in Python, without $b'$, which is zero here:


# %%
def gru(x, W, U, b):
    h, states = np.zeros(2), []
    for x_t in x:
        z = sigmoid(W["z"] @ x_t + U["z"] @ h + b["z"])
        r = sigmoid(W["r"] @ x_t + U["r"] @ h + b["r"])
        new = np.tanh(W["h"] @ x_t + r * (U["h"] @ h) + b["h"])
        h = z * h + (1 - z) * new
        states.append(h)
    return np.array(states)


# %%
def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def drums(seconds=3.0):
    """Every second a kick, and three tenths after it a snare."""
    rng = np.random.default_rng(0)
    loop = np.zeros(round(seconds * PAPER.sr))
    kick = sounds.drum(0.25, 150, 50, 0.08)
    snare = 0.6 * sounds.noise(0.2, 2000, 9000, 0.05, rng)
    for beat in range(int(seconds)):
        for sound, at in ((kick, beat + 0.1), (snare, beat + 0.4)):
            start = round(at * PAPER.sr)
            loop[start : start + len(sound)] += sound
    return loop


def hits(sound):
    """Two numbers a frame: does a kick sound, does a snare sound?"""
    frames = replace(
        PAPER, name="loop", n_frames=len(sound) // PAPER.hop_length
    )
    loud = 10 ** (log_mel(sound, frames, frames.sr) / 20)
    bands = loud[:, :6].mean(axis=1), loud[:, 70:].mean(axis=1)
    return np.stack([b > b.max() / 2 for b in bands], axis=1) * 1.0


# %% [markdown]
# Our loop is boom-tack, once a second: a kick, and three tenths of a second later a snare. Of each frame
# the GRU is told two things, *does a kick sound?* and *does a snare sound?*, and its weights are
# set by hand:
#
# - **Unit 1 remembers kicks.** At a kick its gate opens, and it becomes nearly 1. Between kicks it keeps
#   a share $\sigma(b_z)$ at every frame; the rest fades. That one number, $b_z$, is its memory.
# - **Unit 2 judges snares.** At a snare it looks at unit 1: if a kick is still remembered, it becomes 1,
#   otherwise −1. Then it holds its verdict until the next snare.


# %%
def by_hand(memory):
    off = np.zeros((2, 2))
    W = {
        "z": np.diag([-12, -12]),  # a hit opens its unit's gate
        "r": off,
        "h": np.array([[2, 0], [0, 8]]),
    }
    U = {"z": off, "r": off, "h": np.array([[0, 0], [8, 0]])}
    b = {"z": [memory, 6], "r": [9, 9], "h": [0, -11]}
    return W, U, b


# %% [markdown]
# The figure below shows the two numbers while the loop plays, with $b_z = 3$. A high tone sounds
# while unit 2 says yes.


# %% tags=["hide-input"]
def look(sound, memory, title):
    """The two units over time, and the sound with a tone where the second is above zero."""
    x = hits(sound)
    states = gru(x, *by_hand(memory))
    seconds = np.arange(len(x)) * PAPER.step
    yes = np.interp(np.arange(len(sound)) / PAPER.sr, seconds, states[:, 1].clip(0))
    tone = 0.15 * yes * np.sin(2 * np.pi * 880 * np.arange(len(sound)) / PAPER.sr)
    ax = plt.subplots(figsize=(7.2, 2.2))[1]
    for hit, (name, line) in enumerate({"kick": ":", "snare": "-"}.items()):
        at = seconds[1:][np.diff(x[:, hit]) > 0]
        ax.vlines(at, -1.1, 1.1, "0.6", line, lw=3, label=name)
    ax.plot(seconds, states[:, 0], "--", c="C0", label="unit 1: a kick, lately?")
    ax.plot(seconds, states[:, 1], c="C3", label="unit 2: boom-tack?")
    ax.set(xlabel="time (s)", ylim=(-1.15, 1.15), xlim=(0, seconds[-1]))
    ax.legend(ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1), fontsize="small")
    alt = f"{title}: unit 1 jumps to 1 at every kick and fades; unit 2 is at 1 or at -1."
    label = f"{title}, memory {memory}"
    return plots.show(ax, alt, sound=0.8 * sound + tone, label=label)


# %% tags=["nbval-ignore-output"]
look(drums(), memory=3, title="The loop")

# %% [markdown]
# **Figure.** A GRU of two units hears a drum loop. At every snare unit 1 still remembers the kick, and
# unit 2 says yes.
#
# Now play the loop **backwards**: the same sounds, the same number of each, in the other order. What
# will unit 2 say? Decide before you press play.

# %% tags=["nbval-ignore-output"]
look(drums()[::-1], memory=3, title="The loop backwards")

# %% [markdown]
# **Figure.** The same loop backwards. When the snare comes, seven tenths of a second have passed since
# the kick, and unit 1 has forgotten it.
#
# No tone. The figure above shows why, and that two numbers are enough to tell one order from the
# other. No average over time could, for both loops have the same. But it hangs on one number. Give unit 1 a longer memory,
# $b_z = 5$ instead of 3, and play the loop backwards again (the figure below):

# %% tags=["nbval-ignore-output"]
look(drums()[::-1], memory=5, title="The loop backwards")

# %% [markdown]
# **Figure.** Backwards again, with a longer memory: unit 1 never forgets, and unit 2 says yes to
# everything.
#
# It says yes to this, too. Whoever remembers everything cannot say what came just before.
# The table below tries other values: with too short a memory the GRU hears boom-tack nowhere,
# with too long a one everywhere, and in between lies a narrow stretch in which it hears order. To find
# such numbers for 64 units at once is what training is for.

# %% tags=["hide-input"]
rows = {}
for memory in (1, 2, 3, 4, 5):
    kept = sigmoid(memory)
    said = {
        way: gru(hits(sound), *by_hand(memory))[60:, 1].mean() > 0
        for way, sound in {"forwards": drums(), "backwards": drums()[::-1]}.items()
    }
    rows[memory] = {
        "kept a frame": f"{kept:.1%}",
        "half forgotten after": f"{PAPER.step * np.log(0.5) / np.log(kept):.2f} s",
        **{way: "yes" if yes else "no" for way, yes in said.items()},
    }
pd.DataFrame(rows).T.rename_axis(columns="memory")

# %% [markdown]
# **Table.** What unit 2 says of the loop, forwards and backwards, for memories from short to long.

# %% tags=["remove-cell"]
assert [(r["forwards"], r["backwards"]) for r in rows.values()] == [
    ("no", "no"), ("no", "no"), ("yes", "no"), ("yes", "yes"), ("yes", "yes"),
]  # fmt: skip
layer = keras.layers.GRU(2, return_sequences=True)
layer.build((None, None, 2))
W, U, b = by_hand(3)
layer.set_weights(
    [
        np.concatenate([W[k].T for k in "zrh"], axis=1),
        np.concatenate([U[k].T for k in "zrh"], axis=1),
        np.array([np.concatenate([b[k] for k in "zrh"]), np.zeros(6)]),
    ]
)
theirs = keras.ops.convert_to_numpy(layer(hits(drums())[None].astype("float32")))[0]
assert np.allclose(theirs, gru(hits(drums()), W, U, b), atol=1e-5), "Keras' GRU does the same"

# %% [markdown]
# ## The same with 64 units, both ways
#
# In the paper's network nobody tells the GRU what a kick is: it reads all 128 bands. First the spectrogram
# is pooled by (2, 1): of every two frames the louder value of each band stays. That halves the steps the
# GRU has to make, which is where its time goes. (The authors' code also pools by (4, 2).) And a second
# GRU reads the clip from its end: the layer is *bidirectional*. In plain Keras:

# %%
heard = Input((640, 128))
pooled = layers.MaxPooling2D((2, 1))(heard[..., None])[..., 0]
state = layers.Bidirectional(layers.GRU(64))(pooled)
branch = Model(heard, state)
rnn = models.build("rnn")
branch.layers[-1].set_weights(rnn.get_layer("gru").get_weights())
a = branch.predict(X, verbose=0)
bool(np.allclose(a, models.outputs(rnn, X, "gru"), atol=1e-5))

# %% [markdown]
# So the library's `rnn` is that, between a layer that standardises the bands and one that names the
# genre. **Change this and run again:** pool by (4, 1). The comparison fails, though all weights fit: a
# GRU's weights do not depend on the number of steps, but what it has heard at the end does.

# %%
table = models.layer_summary(rnn)[["type", "output", "parameters"]]
table.rename_axis(index=None, columns="layer")

# %% [markdown]
# **Table.** The RNN branch, layer by layer.
#
# The parameters in the table above can be counted. The $W$ are three matrices for 128 bands, the
# $U$ three for 64 units, and Keras keeps two biases for each; all of it twice, for the two directions:

# %%
2 * 3 * (128 * 64 + 64 * 64 + 2 * 64)

# %% tags=["remove-cell"]
assert rnn.get_layer("gru").count_params() == 2 * 3 * (128 * 64 + 64 * 64 + 2 * 64)

# %% [markdown]
# ## The state, step by step
#
# From here on the chapter has one clip to listen to, `X[0]`. Where it takes a mean, it takes it over
# `X`: that clip, and one of each other genre. Asked for the whole sequence, the same layer shows what it
# holds after every step. (The branch hands on the forward state's last column and the backward state's
# **first**: each has then read the whole clip.)

# %%
both_ways = rnn.get_layer("gru")
sequence = layers.GRU(64, return_sequences=True)
watched = layers.Bidirectional(sequence)
watched.build((None, None, 128))
watched.set_weights(both_ways.get_weights())


def walk(network):
    """The state after every step of the clip: (step, 128)."""
    steps = models.outputs(network, X[:1], "rnn_input")
    return keras.ops.convert_to_numpy(watched(steps))[0]


states = walk(rnn)
states.shape

# %% tags=["remove-cell"]
ends = np.concatenate([states[-1, :64], states[0, 64:]])
assert np.allclose(ends, models.outputs(rnn, X[:1], "gru")[0], atol=1e-5)

# %% [markdown]
# ## Order matters, and so do the bands
#
# The [CNN branch](cnn.ipynb) does not notice a clip turned upside down. The GRU does, since every band has
# its own column in $W$. And, as with the drums, it notices another order in time.
# The table below asks of each branch of the untrained network whether its features change when
# a clip is spoiled in one of three ways.

# %%
rng = np.random.default_rng(0)
spoiled = {
    "bands upside down": X[:, :, ::-1],
    "frames in random order": X[:, rng.permutation(640)],
    "played backwards": X[:, ::-1],
}
paper = models.build("paper")


def change(layer, spoilt):
    a = models.outputs(paper, X, layer)
    b = models.outputs(paper, np.ascontiguousarray(spoilt), layer)
    return np.abs(a - b).max() / np.abs(a).max()


table = pd.DataFrame(
    {
        branch: {
            way: change(layer, spoilt)
            for way, spoilt in spoiled.items()
        }
        for branch, layer in {
            "CNN branch": "flatten",
            "RNN branch": "gru",
        }.items()
    }
)
table.map(lambda value: "no" if value < 1e-5 else "yes")

# %% [markdown]
# **Table.** Does a branch notice? Its features for clips as they are and spoiled, compared.

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
# divides by its deviation.
#
# What that does can be heard in a single unit. The figure below has the one that goes most with the
# loudness of the clip once the bands are standardised. Nobody has taught it to: among 64 random units one
# always does. Press play and follow the dot; the high tone is as loud as the unit is high. The dashed line
# is the same unit, with the same weights, fed decibels. Which of the two would you rather teach something?

# %% tags=["hide-input", "nbval-ignore-output"]
scaled = models.build("rnn")  # the same weights
scaled.get_layer("scale").adapt(X)
loud = models.outputs(rnn, X[:1], "rnn_input")[0].mean(axis=1)
free = walk(scaled)[:, :64]
number = np.argmax([np.corrcoef(each, loud)[0, 1] for each in free.T])
seconds = np.arange(len(loud)) * 2 * PAPER.step
seen = seconds < 4
unit, seconds = free[seen, number], seconds[seen]
sound = audio.load(some.path.iloc[0], PAPER.sr, duration=4)
time = np.arange(len(sound)) / PAPER.sr
height = np.interp(time, seconds, (unit + 1) / 2)
tone = 0.15 * height * np.sin(2 * np.pi * 880 * time)
ax = plt.subplots(figsize=(7.2, 2.6))[1]
ax.plot(seconds, unit, c="C3", label="standardised")
ax.plot(seconds, states[seen, number], "--", c="0.3", label="fed decibels")
over = ax.twinx()
over.plot(seconds, loud[seen], ":", c="C0", label="loudness")
over.set_ylabel("mean level (dB)")
over.grid(False)
ax.set(xlabel="time (s)", ylabel="state, from −1 to 1", xlim=(0, seconds[-1]), ylim=(-1.1, 1.1))
ax.figure.legend(ncols=3, loc="outside upper center")
plots.show(
    ax,
    alt="Three curves over four seconds: the loudness of a clip, one number of a GRU's state which rises and "
    "falls with it, and the same number when the GRU is fed decibels, which hardly leaves its end.",
    sound=0.7 * sound + tone,
    curve=unit,
    label=f"the clip ({some.genre.iloc[0]}), and a tone for the unit",
)

# %% [markdown]
# **Figure.** One unit of an untrained GRU while it hears a clip, and the loudness that it follows. The dot
# and the high tone are the unit, fed standardised bands.

# %% tags=["hide-input"]
def update_gates(network):
    """What the input alone makes of the gate z, at every step."""
    gru = network.get_layer("gru").forward_layer
    kernel = keras.ops.convert_to_numpy(gru.cell.kernel)[:, : gru.units]
    reads = models.outputs(network, X, "rnn_input") @ kernel
    return sigmoid(np.clip(reads, -30, 30))  # no more can be seen, and nothing overflows


gates = {"decibels": update_gates(rnn), "standardised": update_gates(scaled)}

# %% tags=["remove-input", "nbval-ignore-output"]
stuck = {name: ((z < 0.05) | (z > 0.95)).mean() for name, z in gates.items()}
Markdown(
    f"The gates say why. Fed decibels, {stuck['decibels']:.0%} of them are stuck within 0.05 of open or shut, where a "
    f"sigmoid is flat and hardly learns; standardised, {stuck['standardised']:.1%} are. So much of what "
    "this family of papers says about RNNs measures a missing line of preprocessing."
)

# %% tags=["remove-cell"]
assert stuck["decibels"] > 0.8 and stuck["standardised"] < 0.1

# %% [markdown]
# ## What it remembers
#
# A test of memory: replace 32 frames (0.7 s) of a clip by those of another clip, and see how far the
# two last states move. Do this for each part in turn. The figure below does it before training,
# fed decibels as the published networks were.

# %% tags=["hide-input"]
PART = 32  # frames that are replaced at a time

untrained = models.state_influence(rnn, X)
ax = plt.subplots()[1]
for (name, column), style in zip(untrained.items(), ("-", "--"), strict=True):
    ax.plot((untrained.index + PART / 2) * PAPER.step, column, style, label=name, marker=".")
ax.set(xlabel="part replaced, at (s)", ylabel="change of the state", yscale="log")
ax.legend()
plots.show(
    ax,
    alt="Two curves over the clip. The forward state moves most when the last part is replaced, the "
    "backward state when the first is, and far less for all other parts.",
)

# %% [markdown]
# **Figure.** How far the two last states move when a part of the clip is replaced, by where the part
# lies. Untrained, fed decibels.

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
    "forgets within a few seconds.) Longer memory has to be learned. Was it, in the weights behind the paper's "
    "figures? The table below has the same test for them and for the same networks before training, on "
    "spectrograms as their authors made them."
)

# %% tags=["hide-input", "nbval-ignore-output"]
if checkpoints is None:
    memory = results.read("rnn_memory")
else:
    Z = np.stack([log_mel(path, AUTHORS) for path in some.path])
    forward = {}
    for name in ("dwivedi", "figure2", "figure3"):
        fresh = [
            models.state_influence(models.build(name, seed=seed, scale="none"), Z).forward
            for seed in range(5)
        ]
        forward[name] = models.state_influence(models.load_checkpoint(name, checkpoints), Z).forward
        forward[f"{name}, untrained"] = sum(fresh) / len(fresh)
    memory = {"dataset": dataset, "clips": len(Z), "frame": untrained.index.tolist()}
    memory["forward"] = {name: column.tolist() for name, column in forward.items()}
    if write_results:
        results.write("rnn_memory", memory)
    memory["provenance"] = results.provenance()

curves = pd.DataFrame(memory["forward"], index=memory["frame"])
early = (curves / curves.iloc[-1]).iloc[:10].mean()
learned = [name for name in early.index if "untrained" not in name]
shares = {
    name: {"untrained": early[f"{name}, untrained"], "trained": early[name]} for name in learned
}
pd.DataFrame(shares).T.rename_axis(columns="network").map("{:.0%}".format)

# %% [markdown]
# **Table.** What a part of the first half moves the forward state, as a share of what the last part does.

# %% tags=["remove-input", "nbval-ignore-output"]
Markdown(
    "Training on genres has taught these networks to remember more than they were born with, "
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
# Gates have one more surprise in store. Keras changed the function $\sigma$ between two versions, and the
# same weights then say other genres: the chapter on [reproduction](reproduction.ipynb) tells that story.

# %% [markdown]
# ## Summary
#
# - Two units suffice to tell boom-tack from tack-boom, if one number, how much is kept, is right.
# - The branch pools two frames into one, reads 320 steps both ways, and hands on 128 numbers.
# - It knows which band is which, to which the CNN branch is blind, and it reads a clip in order from end
#   to end; the CNN notices order only within a few seconds.
# - Fed raw decibels, nearly all gates are stuck; a layer that standardises the bands sets them free.
# - A GRU forgets by default. The published ones have learned to remember more: a part of the first half
#   still counts for a fraction of what the last part does.
#
# ## Exercises
#
# **Exercise 1 (medium). Half time.**
# Play the loop at half the speed: a kick every two seconds, the snare six tenths of a second after it.
# Predict what unit 2 says with $b_z = 3$, and which $b_z$ brings it back. Then change `drums` and look.
#
# <details><summary>Solution</summary>
#
# No, everywhere: a GRU counts frames, not beats, and after six tenths of a second unit 1 has forgotten
# the kick as it had in the loop played backwards. Twice the time needs the square root of what is kept:
# $\sigma(b_z) = \sqrt{\sigma(3)}$, so $b_z \approx 3.7$. What the network knows of rhythm it knows at
# one tempo, unless it is shown others.
#
# </details>
#
# **Exercise 2 (medium). Backwards.**
# Play a clip backwards *and* exchange the forward and the backward GRU's weights. What happens to the
# 128 features, and why is it not exactly that for a clip whose frames cannot be paired evenly?
#
# <details><summary>Solution</summary>
#
# The two halves of the state change places.
#
# ```python
# weights = both_ways.get_weights()
# before = models.outputs(rnn, X, "gru")
# both_ways.set_weights(weights[3:] + weights[:3])
# after = models.outputs(rnn, X[:, ::-1].copy(), "gru")
# print(np.allclose(after, np.roll(before, 64, axis=1), atol=1e-5))
# both_ways.set_weights(weights)
# ```
# Pooling drops a frame at the end when their number is odd; backwards it is another frame.
#
# </details>
#
# **Exercise 3 (easy). Counting again.**
# Dwivedi's branch pools by (4, 2) and has one bias for each gate, not two. How many parameters does
# her GRU have, and how many the whole network? Check with `models.build("dwivedi")`.
#
# <details><summary>Solution</summary>
#
# Pooling by 2 leaves 64 bands: 2 · 3 · (64·64 + 64·64 + 64) = 49,536. With the CNN's 32,544 and the
# last layer's 384·8 + 8 = 3,080 that is 85,160.
#
# </details>
#
# **Exercise 4 (medium). Longer steps.**
# Does an untrained GRU forget by seconds or by steps? Say which before you let it make fewer, longer
# steps, with `models.build("rnn", rnn_pool=(16, 1))` and `models.state_influence`.
#
# <details><summary>Solution</summary>
#
# ```python
# longer = models.state_influence(models.build("rnn", rnn_pool=(16, 1)), X)
# print(longer.forward.iloc[:10].mean() / longer.forward.iloc[-1])
# print(untrained.forward.iloc[:10].mean() / untrained.forward.iloc[-1])
# ```
# Yes: it forgets by steps, not by seconds. The price is that what happens within a step is lost.
#
# </details>
