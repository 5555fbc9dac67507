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
# # Attention: what did it look at?
#
# *The paper adds attention to its network, draws it in Figure 4, scores it in Figure 3, and finds that
# it does not help. What did that attention look at? At nothing: one line of algebra shows it, and so
# do the authors' own weights. Then the same question for attention that works.*
#
# **You will be able to** say from a layer table what an attention can learn, show it with a gradient,
# and build one in five lines that does weigh time. **You should know** [the CNN branch](cnn.ipynb),
# [the RNN branch](rnn.ipynb). **Time**: 15 minutes.
#
# The page trains a network on the way, in about two minutes. With the authors' weights in a folder, it measures them
# instead of reading what was measured before:
#
# ```sh
# papermill book/attention.ipynb out.ipynb -p checkpoints ~/weights
# ```

# %% tags=["parameters", "hide-input"]
dataset = "synthetic"
data_home = None
network = "attention_serial"  # or attention_linear, attention_cnn
epochs = 14
batch_size = 16
seed = 0
out = None  # folder in which the run is kept; default: a temporary one
checkpoints = None  # folder with the authors' weight files; None: draw from book/results

# %% tags=["hide-input"]
import logging
import tempfile

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown, display

import prcnn
from prcnn import models, plots, store, training
from prcnn.study import weights, results
import keras

logging.getLogger("tensorflow").setLevel("ERROR")  # it warns of many small networks
plots.use_style()
features = store.extract(prcnn.datasets.load(dataset, data_home=data_home))
X_test, y_test = features.arrays("test")
test_clips = features.clips[features.clips["split"] == "test"]

# %% [markdown]
# ## The published attention
#
# The CNN ends in 256 numbers, the GRU in a state $h$ of 256. A softmax makes weights of the CNN's
# numbers, a product joins them with the state, a sum closes: the last lines of Figure 4, here in
# the table below. Read it slowly, from the softmax on. Do you see what is wrong?

# %%
n_genres = len(features.genres)
figure3 = models.build("figure3", n_genres=n_genres, seed=seed)
table = models.layer_summary(figure3)[["output", "reads"]].tail(9)
table.rename_axis(index=None, columns="layer")

# %% [markdown]
# **Table.** The end of the published attention network: each layer, what it puts out, and what it reads.
#
# Write $a_i$ for the weights: a softmax, so they sum to one. The product is a table with an entry for
# each weight and each unit of the state,
#
# $$M_{ij} = a_i h_j ,$$
#
# and the sum runs over the weights:
#
# $$\sum_i M_{ij} = \sum_i a_i h_j = h_j \sum_i a_i = h_j .$$
#
# What comes out is the state $h$ that went in. The weights cancel, whatever they are. The CNN could be
# anything; the network is an RNN alone.
#
# ## See it cancel
#
# The same clips, twice: through the network as it is, and with all five convolutions set to zero. For
# comparison, the same two branches joined side by side, as in the paper's other networks
# (the table below).

# %% tags=["nbval-ignore-output"]
X = X_test[:8]
change = {}
for name in ("figure3", "dwivedi_retrained"):
    model = models.build(name, n_genres=n_genres, seed=seed)
    whole, silenced = weights.without_cnn(model, X)
    change[name] = np.abs(whole - silenced).max()
pd.Series(change, name="change").map("{:.1e}".format).to_frame()

# %% [markdown]
# **Table.** The largest change of any probability when all five convolutions are set to zero.

# %% tags=["remove-cell"]
assert change["figure3"] < 1e-6, "the page says that the CNN does nothing"
assert change["dwivedi_retrained"] > 1e-3, "and that it does something elsewhere"

# %% [markdown]
# ## And it cannot learn
#
# What does not change the output gets no gradient. One step of plain gradient descent with learning
# rate 1 takes the gradient itself off every weight; so the change of the weights *is* the gradient. In
# the table below, in which rows do you expect a zero?


# %%
def gradient(name):
    """The largest gradient in every layer, on eight clips."""
    model = models.build(name, n_genres=n_genres, seed=seed)
    loss = "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.SGD(1.0), loss)
    layers = [x for x in model.layers if x.trainable_weights]
    before = [layer.get_weights()[0] for layer in layers]
    model.train_on_batch(X, y_test[: len(X)])
    return {
        layer.name: np.abs(layer.get_weights()[0] - old).max()
        for layer, old in zip(layers, before, strict=True)
    }


# %% tags=["nbval-ignore-output"]
names = ("figure3", "dwivedi_retrained")
gradients = pd.DataFrame({name: gradient(name) for name in names})
gradients.map("{:.1e}".format)

# %% [markdown]
# **Table.** The largest gradient that reaches each layer, with the published attention and with
# concatenation.

# %% tags=["remove-cell"]
conv = gradients[gradients.index.str.startswith("conv_")]
assert conv["figure3"].max() < 1e-4 * gradients.loc["genre", "figure3"]
assert conv["dwivedi_retrained"].min() > 1e-4 * gradients.loc["genre", "dwivedi_retrained"]

# %% [markdown]
# The output layer learns in both. The convolutions learn only where the branches are concatenated;
# behind the published attention nothing arrives but rounding.
#
# ## The authors' weights say the same
#
# If that is so, the convolutions behind Figure 3 must still be where their initialisation put them.
# RMSprop keeps a record: for each weight a running mean of its squared gradient, saved in the same
# files (the figure below).

# %% tags=["remove-input"]
if checkpoints is None:
    record = results.read("reproduction")
    said = (
        "The authors' weights are not part of this project, and no folder with them was given. What "
        f"follows was measured from their files on {record['provenance']['date'][:10]} and is drawn "
        "from `book/results`."
    )
else:
    record = weights.measure(checkpoints)
    said = "What follows was measured just now, from the files that were given."
Markdown(said)

# %% tags=["hide-input"]
of_layers = {
    name: pd.DataFrame.from_dict(layers, orient="index")
    for name, layers in record["convolutions"].items()
}
running = pd.DataFrame(
    {name: table["accumulator"] for name, table in of_layers.items()}, dtype=float
)
ax = plt.subplots()[1]
for (name, column), marker in zip(running.dropna(axis=1).items(), "osD^v", strict=False):
    ax.plot(running.index, column, ls=":", marker=marker, label=name)
ax.set(yscale="log", ylabel="largest mean squared gradient", xlabel="layer")
ax.legend(title="weights", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
plots.show(
    ax,
    alt="Largest mean squared gradient of every convolution, on a logarithmic axis: the two weight "
    "files with published attention lie many powers of ten below all others.",
)

# %% [markdown]
# **Figure.** What RMSprop wrote down: the largest mean squared gradient of every convolution, in five
# files of weights.
#
# `figure3` and `figure3_rerun` are two runs of the attention network; the others, joined by
# concatenation, come from the same authors, data and optimiser. (Dwivedi's file is too old to name
# its accumulators by layer.) Keras's initialisation is uniform within a limit that follows from
# a layer's size, with biases of zero. The figure below divides the largest weight of each
# layer by that limit. The kernels of Figure 3 still fill their range and no more, all five of them; those
# of Figure 2 have left it, the deeper the further.

# %% tags=["hide-input"]
ratios = pd.DataFrame(
    {
        name: of_layers[name]["largest"] / of_layers[name]["limit"]
        for name in ("figure3", "figure3_rerun", "figure2", "stacked", "dwivedi_retrained")
    }
).T
ax = plt.subplots(figsize=(6.4, 2.4))[1]
ax.imshow(ratios, cmap="Oranges", vmin=1, vmax=5, origin="upper")
for (row, column), ratio in np.ndenumerate(ratios):
    ax.text(column, row, f"{ratio:.2f}", ha="center", va="center")
ax.set_xticks(range(len(ratios.columns)), ratios.columns)
ax.set_yticks(range(len(ratios)), ratios.index)
ax.grid(False)
plots.show(
    ax,
    alt="Tiles, a row a weight file, a column a layer: the two rows of published attention are pale, "
    "at most 1 in every layer; in the others tiles get darker towards the last layers.",
)

# %% [markdown]
# **Figure.** The largest weight of each convolution, divided by the limit of its initialisation. Pale is
# 1: nothing has happened since.
#
# The spread of those weights and their biases say the same:

# %% tags=["hide-cell"]
shown = pd.concat(
    {name: of_layers[name] for name in ("figure3", "figure2")}, names=["weights", "layer"]
)
pd.DataFrame(
    {
        "spread / that of initialisation": shown["std"] / (shown["limit"] / np.sqrt(3)),
        "largest bias": shown["bias"],
    }
).style.format("{:.2f}").format("{:.1e}", subset="largest bias")

# %% tags=["remove-cell"]
attended, joined = ["figure3", "figure3_rerun"], ["figure2", "stacked", "dwivedi_retrained"]
assert running[attended].max().max() < 1e-15 < 1e-9 < running[joined].min().min()
first, second = of_layers["figure3"], of_layers["figure2"]
assert (first["largest"] <= 1.01 * first["limit"]).all() and first["bias"].max() < 1e-3
assert (second["largest"] > 1.02 * second["limit"]).all() and second["bias"].min() > 1e-2
assert max(record["without_cnn"][name] for name in attended) < 1e-6
assert min(record["without_cnn"][name] for name in joined) > 1e-2
idle = sum(layer.count_params() for layer in weights.convolutions(figure3))

# %% tags=["remove-input"]
Markdown(
    "Taking the CNN away from the two attention files changes no probability by more "
    f"than {max(record['without_cnn'][name] for name in attended):.0e}; from any of the "
    f"others, by {min(record['without_cnn'][name] for name in joined):.2f} and more. Of "
    f"the {models.trainable_parameters(models.build('figure3')):,} parameters of Figure "
    f"3's network, {idle:,} were carried along and never used."
)


# %% [markdown]
# So the paper's row "CNN + two-layer RNN + attention" is not about attention, and not about a CNN: what
# was trained is, presumably, one recurrent layer. (Presumably, because the row shares its validation
# accuracy with Figure 3, but not its test accuracy.) Whether attention helps was not tested.
#
# ## Attention over time
#
# [Yu et al. (2020)](references.md) let a network weigh the *moments* of a clip. The GRU hands on its state at
# every step, $h_1$ to $h_T$, and the clip is their weighted mean,
#
# $$c = \sum_t \alpha_t h_t , \qquad \alpha_t = \frac{\exp e_t}{\sum_s \exp e_s} ,$$
#
# so weights are shared out over *time*, and nothing cancels: each state is another. They differ in
# where the score $e_t$ comes from (the table below). In NumPy it is five lines, here for the score that
# the state itself gives:

# %%
def attend(h, W, b, u):
    """The weighted mean of states h (steps, units), and the weights."""
    e = np.tanh(h @ W + b) @ u  # a score for each moment
    alpha = np.exp(e - e.max())
    alpha = alpha / alpha.sum()  # a softmax over time
    return alpha @ h, alpha


# %%
serial = models.build("attention_serial", n_genres=n_genres, seed=seed)
h = models.outputs(serial, X[:1], "gru")[0]
hidden, scores = (
    serial.get_layer(f"attention_{name}").get_weights()
    for name in ("hidden", "scores")
)
c, alpha = attend(h, *hidden, scores[0][:, 0])
theirs = models.outputs(serial, X[:1], "context")[0]
bool(np.allclose(c, theirs, atol=1e-5))

# %% tags=["remove-cell"]
assert np.allclose(c, theirs, atol=1e-5), "attention built on this page is the library's"

# %% [markdown]
# **Change this and run again:** divide the scores by ten, `e = e / 10`, before the softmax. The weights
# get nearly even, and the comparison fails. Multiply them by a hundred instead, and a single moment
# takes all: `alpha.max()` is close to one.
#
# | network | score | from |
# |---|---|---|
# | `attention_serial` | $e_t = u^\top \tanh(W h_t + b)$ | the GRU's own state |
# | `attention_linear` | $e_t = w^\top x_t$ | the input at that moment |
# | `attention_cnn` | $e_t = w^\top z_t$, with $z$ from a CNN that keeps time | the input around that moment |
#
# **Table.** Three scores for a moment, after Yu et al.
#
# > **What is inferred here.** We know the three ways from descriptions of Yu et al.; their equations were not verified against
# > their text. Inferred are: the form of the scores above and their missing bias, the 64 units of the
# > serial one, that the linear one reads the same pooled frames as the GRU, and the CNN's layout: the
# > filters and kernels of this paper's CNN, with time pooled only once so that there is one score for
# > each step of the GRU.

# %% tags=["hide-input"]
working = {
    name: models.build(name, n_genres=n_genres, seed=seed)
    for name in ("attention_serial", "attention_linear", "attention_cnn")
}
for name, model in working.items():
    steps, units = model.get_layer("gru").output.shape[1:]
    print(f"{name:16}  {models.trainable_parameters(model):>7,} parameters; {steps} states of {units} numbers")

# %% [markdown]
# ### Four things that must hold
#
# Weights sum to one. They vary over time. Other convolutions move them, where there are any. And
# other orders of the same frames give other probabilities: a network that keeps these is looking
# at something. The table below has them for untrained networks and eight clips.


# %% tags=["hide-input", "nbval-ignore-output"]
def looks(model):
    """Weights and probabilities of clips, and of the same clips with their frames shuffled."""
    order = np.random.default_rng(seed).permutation(X.shape[1])
    look = keras.Model(model.input, [model.get_layer("attention").output, model.output])
    weights, p = look.predict(np.concatenate([X, X[:, order]]), verbose=0)
    return weights[: len(X), :, 0], p[: len(X)], p[len(X) :]


rng = np.random.default_rng(seed)
rows = {}
for name, model in working.items():
    alpha, p, shuffled = looks(model)
    scrambled = keras.models.clone_model(model)
    scrambled.set_weights(model.get_weights())
    for layer in weights.convolutions(scrambled):
        layer.set_weights([rng.normal(0, 0.3, w.shape) for w in layer.get_weights()])
    other = looks(scrambled)[0] if weights.convolutions(model) else None
    rows[name] = {
        "sums to one within": np.abs(alpha.sum(axis=1) - 1).max(),
        "largest / mean weight": (alpha.max(axis=1) / alpha.mean(axis=1)).max(),
        "moved by another CNN": None
        if other is None
        else np.abs(other - alpha).sum(axis=1).max() / 2,
        "change when time is shuffled": np.abs(p - shuffled).max(),
    }
checks = pd.DataFrame.from_dict(rows, orient="index").astype(float)
checks.style.format("{:.2f}", na_rep="no CNN").format("{:.0e}", subset="sums to one within").format(
    "{:.2f}", subset="change when time is shuffled"
)

# %% [markdown]
# **Table.** Four things that must hold of attention that works.

# %% tags=["remove-cell"]
assert (checks["sums to one within"] < 1e-5).all()
assert (checks["largest / mean weight"] > 1.01).all()
assert checks.loc["attention_cnn", "moved by another CNN"] > 0.01
assert (checks["change when time is shuffled"] > 1e-4).all()

# %% [markdown]
# The third column is the share of the weight that lands elsewhere with other convolutions. In the
# published network it had nowhere to land. (The untrained linear score puts nearly all weight on a single
# step: it multiplies decibels, numbers down to −80, with weights that nothing has scaled yet.)
#
# ## Where it looks
#
# Now the chapter's question can be asked of attention that works. The network whose score is the five lines
# above is trained until it no longer gets better at the validation clips.

# %% tags=["nbval-ignore-output"]
untrained = models.attention_weights(working[network], X_test)
run = training.train(
    working[network],
    features,
    epochs=epochs,
    batch_size=batch_size,
    seed=seed,
    out=out or tempfile.mkdtemp(prefix="attention-"),
    progress=False,
)
trained = models.attention_weights(run.model, X_test)
p = run.model.predict(X_test, verbose=0)
said = p.argmax(axis=1)
run.history.tail(5)[["accuracy", "val_accuracy"]].round(2)

# %% [markdown]
# **Table.** The last five epochs: accuracy on the clips it learns from, and on the validation clips.

# %% tags=["remove-input", "nbval-ignore-output"]
steps = trained.shape[1]
few = round(steps / 10)
Markdown(
    f"On the clips that it learns from it goes on getting better, on the others it does not. The best epoch is kept, "
    f"{run.record['best']['epoch']} of {epochs}; of the test clips it gets {100 * (said == y_test).mean():.0f} % right. Before "
    "training, the tenth of the moments that counted most had "
    f"{100 * np.sort(untrained, axis=1)[:, -few:].sum(axis=1).mean():.0f} % of a clip's weight. Now it has "
    f"{100 * np.sort(trained, axis=1)[:, -few:].sum(axis=1).mean():.0f} %."
)

# %% [markdown]
# The figure below is a test clip, and over it how much each moment counts. The dashed line is what every
# moment would get if all counted the same. Press play, follow the dot, and hear what it found important.

# %% tags=["hide-input", "nbval-ignore-output"]
example = int(np.flatnonzero(said == y_test)[0])
heard = test_clips.iloc[example]
ax = plt.subplots(figsize=(7.2, 2.9))[1]
plots.spectrogram(X_test[example], features.settings, ax=ax, colorbar=False)
ax.images[-1].set_cmap("Greys")
over = ax.twinx()
step = X_test.shape[1] / steps * features.settings.step
over.step(np.arange(steps) * step, trained[example] * steps, where="post", c="C3", lw=1.5)
over.axhline(1, c="C3", lw=1, ls="--")
over.set(ylabel="times the mean weight", ylim=(0, None))
over.grid(False)
ax.set_title(f"{heard['genre']}: {network}, trained for {epochs} epochs")
seen = features.settings.seconds
plots.show(
    over,
    sound=heard["path"],
    curve=trained[example] * steps,
    label=f"a clip of {heard['genre']}, {seen:.1f} s",
    seconds=seen,
    alt=f"Spectrogram of a clip of {heard['genre']} with the attention of each moment drawn over it: "
    "nearly all of it lies in some narrow peaks.",
)

# %% [markdown]
# **Figure.** What the trained network weighs, over the spectrogram and in time with the sound. The dot says
# how many times as much as the mean a moment counts.
#
# And the second that it weighs most, and the one it weighs least:

# %% tags=["hide-input", "nbval-ignore-output"]
window = round(1 / step)
summed = np.convolve(trained[example], np.ones(window), mode="valid")
for word, start in (("most", summed.argmax()), ("least", summed.argmin())):
    label = f"weighed {word}: {summed[start]:.0%} of all weight, from {start * step:.1f} s"
    display(plots.player(heard["path"], label=label, seconds=1, offset=start * step))

# %% [markdown]
# ## Does it need what it looks at?
#
# A picture of weights is no proof. So take moments away: a tenth of them, covered with the clip's mean
# spectrum, and see what that costs the genre that was named. Bet first: what will the tenth cost that
# counts most, what the one that counts least, what one drawn by lot?


# %%
def cost(order, share=0.1):
    """Points lost, and % of other answers, without some steps."""
    covered = X_test.copy()
    parts = covered.reshape(len(p), steps, -1, X_test.shape[2])
    chosen = order[:, : round(share * steps)]
    for part, clip, first in zip(parts, X_test, chosen, strict=True):
        part[first] = clip.mean(axis=0)
    q = run.model.predict(covered, verbose=0)
    rows = np.arange(len(p))
    lost = (p - q)[rows, said].mean()
    return 100 * lost, 100 * (q.argmax(axis=1) != said).mean()


# %% tags=["nbval-ignore-output"]
order = np.argsort(trained, axis=1)
lot = np.random.default_rng(seed).permuted(order, axis=1)
costs = {
    "that counts most": cost(order[:, ::-1]),
    "that counts least": cost(order),
    "drawn by lot": cost(lot),
}
words = ["points lost", "other answers (%)"]
pd.DataFrame(costs, index=words).T.round(1)

# %% [markdown]
# **Table.** What it costs to cover a tenth of the moments, in the mean over the test clips.

# %% tags=["remove-cell"]
assert np.allclose(trained.sum(axis=1), 1, atol=1e-4)
assert np.abs(trained - untrained).sum(axis=1).max() > 1e-3, "training moves the attention"
assert np.ptp(trained, axis=1).min() > 0, "and it varies over time in every clip"
learned = dataset == "synthetic" and network == "attention_serial" and epochs >= 10
if learned:
    assert costs["that counts most"][0] > 5 * max(costs["that counts least"][0], costs["drawn by lot"][0])

# %% [markdown]
# It does look where its weights say: what counts little can go, and nothing happens. **Change this and run
# again:** `cost(order[:, ::-1], share=0.3)`. Expect less than three times the cost, since most of the weight
# is gone with the first tenth.
#
# ## What is there?
#
# One would guess: the attacks, where something begins. The figure below takes from every clip the tenth
# of its moments at which the spectrum rises most, and asks what weight lies there, just before, and just
# after.

# %% tags=["hide-input", "nbval-ignore-output"]
frames = X_test.reshape(len(p), steps, -1, X_test.shape[2]).mean(axis=2)
rise = np.maximum(np.diff(frames, axis=1, prepend=frames[:, :1]), 0).sum(axis=2)
attacks = np.argsort(-rise, axis=1)[:, :few]
lags = np.arange(-10, 16)
around = [
    (np.take_along_axis(np.roll(trained, -lag, axis=1), attacks, axis=1) * steps).mean() for lag in lags
]
ax = plt.subplots(figsize=(5.2, 2.4))[1]
ax.plot(lags * step, around, "o-", color="C3", ms=4)
ax.axhline(1, color="C3", lw=1, ls="--")
ax.axvline(0, color="0.6", lw=1)
ax.set(xlabel="seconds after an attack", ylabel="times the mean weight", ylim=(0, None))
plots.show(
    ax,
    alt="Weight against the time since an attack: low at the attack, high a quarter of a second before and a third of a second after it.",
)

# %% [markdown]
# **Figure.** The weight of moments before and after the attacks of a clip, in the mean over the test clips.

# %% tags=["remove-cell"]
after = dict(zip(lags.tolist(), around, strict=True))
if learned:
    for between in (range(-8, -2), range(4, 12)):
        assert max(after[lag] for lag in between) > 1.2 * max(after[0], 1), "the text says: between attacks"

# %% [markdown]
# The weight does not lie at the attacks but between them: a quarter of a second before one and a third of a second
# after one, which in this music, with a beat every half second or so, is the same place. One reading is that on the
# beat all of these genres play, and what tells the orders in time apart, a burst, a ripple or nothing at all, is to be
# heard between two beats ([datasets](datasets.ipynb)).
#
# Read such pictures with care. A state $h_t$ of a bidirectional GRU has heard the whole clip, from
# both ends; a large weight at a moment says that the *state* there was useful, not that the sound
# there was, and with another seed it may be another moment. And a picture is no score: whether attention over time helps is a matter for several
# seeds and a paired test, which the chapter on [ablations](ablations.ipynb) has.
#
# ## Summary
#
# - The attention of the paper's Figures 3 and 4 sums its weights away. Its output is the RNN's state.
# - Its convolutions get no gradient, and in the authors' files they are where they started.
# - Weights over *time*, on the whole sequence of states, sum to one, vary, and change the result.
# - A trained network needs the few moments that it weighs, and hardly misses the others. Those that it weighs
#   most lie, in this music, between the attacks.
#
# ## Exercises
#
# **Exercise 1 (easy). The other sum.**
# What would come out of Figure 4 if the sum ran over the units $j$ instead of the weights $i$? Would
# both branches count?
#
# <details><summary>Solution</summary>
#
# $\sum_j a_i h_j = a_i \sum_j h_j$: the CNN's softmax times a single number. Now the CNN learns, and
# of the RNN's 256 numbers only their sum is left. Both count, but one of them hardly.
#
# </details>
#
# **Exercise 2 (hard). Not quite zero.**
# The accumulators of Figure 3's convolutions are tiny, but not zero. Where do they come from?
#
# <details><summary>Solution</summary>
#
# In 32-bit arithmetic the softmax sums to one within some $10^{-7}$, and the two halves of its
# gradient cancel to the same accuracy. Rounding is passed on as a gradient, and its square, averaged,
# is what RMSprop wrote down. RMSprop divides by the root of that mean, which lifts such noise up; a
# small constant in its denominator holds it down again. So the weights took a random walk of tiny
# steps, and that is why the largest bias in the table is not exactly zero either.
#
# </details>
#
# **Exercise 3 (medium). Three ways to look.**
# The three networks score a moment by the state, by the frame, or by the frames around it. Order them by
# how smooth their weights will look, and give a reason. Then run the page for the other two.
#
# <details><summary>Solution</summary>
#
# `papermill book/attention.ipynb out.ipynb -p network attention_cnn`, and the same with
# `attention_linear`. One would expect this: the serial score reads the GRU's state, which changes
# slowly; the linear one reads single frames and follows every attack; the CNN is in between, with the
# few frames that its kernels span.
#
# </details>
#
# **Exercise 4 (hard). Mean instead of attention.**
# Replace the weights by $1/T$, so that every moment counts the same. Bet: by how many points does
# attention over time win? How would you find out whether you have won your bet?
#
# <details><summary>Solution</summary>
#
# A plain mean of the states is the fair rival of attention: it also sees all moments. Build it with
# `keras.layers.GlobalAveragePooling1D()` on `model.get_layer("gru").output`, train both with the same
# five seeds, and compare with `prcnn.evaluation.compare_over_seeds`.
#
# </details>
