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
# # Training: can it tell one genre from another?
#
# *Everything on one page: clips go in, a network is trained, and what it learned is measured once,
# with an interval, beside the paper and beside a method that does not listen to time at all.*
#
# **You will be able to** train a network from clips to interval, and to say in NumPy what its softmax, its
# loss and its optimiser do. **You should know** what [the CNN](cnn.ipynb) and [the RNN](rnn.ipynb) hand on.
# **Time**: 15 minutes, without those that the training itself takes.
#
# The page is also the command line of this project. Every value in the next cell can be set from
# outside:
#
# ```sh
# papermill book/train.ipynb out.ipynb -p epochs 50
# papermill book/train.ipynb out.ipynb -p network cnn5 -p dataset music/
# ```

# %% tags=["parameters"]
dataset = "synthetic"  # a name (prcnn.datasets.names()), or a folder
data_home = None  # where datasets lie; default: PRCNN_DATA, or a cache
network = "paper"  # a name from prcnn.models.names()
changes = {}  # options of the network: {"dropout": 0.5}
settings = "paper"  # log-mel settings: paper or authors
epochs = 20  # the paper: 50
batch_size = None  # None: as the network's own recipe says
learning_rate = None  # None: likewise
precision = "auto"  # or "float32", "mixed": 16-bit convolutions
seed = 0  # first weights, order of the clips
out = None  # run folder; default: runs/…

# %% [markdown]
# ## What goes in
#
# The table below counts the clips. The last column decides, and nobody may look at it yet.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown

import prcnn
from prcnn import (
    baselines,
    evaluation,
    models,
    plots,
    spectrogram,
    store,
    training,
)
from prcnn.study import facts, results
import keras

plots.use_style()
clips = prcnn.datasets.load(dataset, data_home=data_home)
table = pd.crosstab(clips.clips["genre"], clips.clips["split"])
table = (
    table.reindex(columns=["training", "validation", "test"])
    .fillna(0)
    .astype(int)
)
table.rename_axis(index=None, columns="genre")

# %% [markdown]
# **Table.** Clips of each genre, and what they are for.

# %% tags=["remove-input"]
known = clips.clips["artist"].notna().mean()
shared = prcnn.datasets.splits.overlap(clips.clips)
Markdown(
    f"The artist is known for {known:.0%} of the clips; of these, {shared:.0%} of the test clips are "
    "by an artist who is also in training. At 0 % the network is asked for the genre, not for a "
    "voice it has heard before."
)

# %% [markdown]
# Sound becomes pictures, and pictures lie in one array:

# %%
features = store.extract(clips, spectrogram.get_settings(settings))
X_test, y_test = features.arrays("test")
X_test.shape

# %% [markdown]
# The figure below is its first row, time to the right and mel bands upwards. You may listen to it;
# the network may not.

# %% tags=["hide-input"]
test_clips = features.clips[features.clips["split"] == "test"]
example = test_clips.iloc[0]
plots.show(
    plots.spectrogram(X_test[0], features.settings, title=example["genre"], colorbar=False),
    sound=example["path"],
    label=f"a clip of {example['genre']}",
    alt=f"Log-mel spectrogram of a clip of {example['genre']}: time to the right, mel bands upwards.",
)

# %% [markdown]
# **Figure.** A clip of the test split as the network gets it, and four seconds of its sound.
#
# Clips that could not be read are left out and counted, with the reason.

# %% tags=["remove-input"]
left_out = pd.Series({**clips.left_out, **features.failed}, name="left out because", dtype=object)
left_out.to_frame() if len(left_out) else Markdown("Here none was left out.")

# %% [markdown]
# ## The network
#
# The table lists it, layer by layer, with what each of them reads.

# %%
model = models.build(
    network,
    n_genres=len(features.genres),
    input_shape=features.settings.shape,
    seed=seed,
    **changes,
)
models.layer_summary(model).rename_axis(index=None, columns="layer")


# %% [markdown]
# **Table.** The network that is trained on this page.
#
# ## Training
#
# The last layer gives each genre a score. A **softmax** makes probabilities of the scores: positive ones
# that add up to 1. The **loss** of a clip is minus the logarithm of the probability that its own genre got: 0
# where the network was sure and right, the larger the surer it was and wrong.

# %%
def softmax(scores):
    e = np.exp(scores - scores.max())
    return e / e.sum()


p = softmax(np.array([2.0, 0.0, -1.0]))
genres = ["Folk", "Pop", "Rock"]
pd.DataFrame({"probability": p, "loss": -np.log(p)}, genres).round(2)


# %% [markdown]
# **Table.** Three scores, the probabilities that they become, and what each genre would cost if it were
# the right one.
#
# To learn is to lower the mean loss of the training clips, step by step: how the loss changes with each weight
# is its gradient, and the weight goes a little against it. **RMSprop** first divides the gradient by the size
# that it had lately, the root of a running mean of its squares, so that weights with small gradients get on as
# well. In NumPy, and beside it Keras's own:

# %%
def rmsprop(w, gradient, square, rate=5e-4, rho=0.9):
    square = rho * square + (1 - rho) * gradient**2
    return w - rate * gradient / np.sqrt(square + 1e-7), square


w, square = np.zeros(3), np.zeros(3)
theirs = keras.Variable(w)
optimizer = keras.optimizers.RMSprop(5e-4)
for gradient in np.random.default_rng(0).normal(size=(5, 3)):
    w, square = rmsprop(w, gradient, square)
    optimizer.apply([gradient], [theirs])
bool(np.allclose(w, theirs))

# %% [markdown]
# **Change this and run again:** multiply `gradient` by a hundred, for both. Expect the weights, `w`, to go no
# further: each gradient is divided by its own size. Then leave the division out, in ours: a hundred times the
# gradient is a hundred times the step, and the comparison fails.
#
# A network has many weights and takes some clips at a time, and all that is still three lines of Keras:

# %% tags=["nbval-ignore-output"]
plain = models.build(
    network,
    n_genres=len(features.genres),
    input_shape=features.settings.shape,
    seed=seed,
    **changes,
)
plain.compile(
    keras.optimizers.RMSprop(5e-4),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
fitted = plain.fit(
    *features.arrays("training"),
    validation_data=features.arrays("validation"),
    batch_size=32,
    epochs=2,
    verbose=0,
)
pd.DataFrame(fitted.history, index=["epoch 1", "epoch 2"]).round(2)

# %% [markdown]
# **Table.** Loss and accuracy in training and on the validation split, for two epochs of Keras's `fit`.
#
# `training.train` does the same, or what the network's own recipe says, after it has given the layer `scale`
# each band's mean and deviation, and remembers it: `run.record["settings"]` holds all. After each epoch it looks at the validation split, and keeps the weights of
# the best one. Its folder is written as it goes: a run that was stopped goes on where it was.
#
# Before you look at the curves below: which curve will be the higher one, and where will they part?

# %% tags=["nbval-ignore-output"]
run = training.train(
    model,
    features,
    epochs=epochs,
    batch_size=batch_size,
    learning_rate=learning_rate,
    precision=precision,
    seed=seed,
    out=out,
)
plots.show(
    plots.learning_curves(run.history),
    alt="Accuracy in training and validation, epoch by epoch, "
    "with the kept epoch marked.",
)

# %% [markdown]
# **Figure.** Accuracy in training and on the validation split, epoch by epoch.
#
# ## The test, once
#
# The test split was not looked at until here. Precision is the share of the clips called a genre
# that are of it; recall the share of a genre's clips that were called so; F1 is between the two. Guess first
# which genre will be the easiest, and find it in the table below.

# %% tags=["nbval-ignore-output"]
report = evaluation.evaluate(run.model, features, split="test")
report

# %% [markdown]
# **Table.** The test split, genre by genre.

# %% tags=["remove-cell"]
low, high = report.interval
assert 0 <= low <= report.accuracy <= high <= 1
if (dataset, network, settings, changes) == ("synthetic", "paper", "paper", {}) and epochs >= 20:
    assert low > 1 / len(report.genres), "the page says that the network does better than chance"

# %% tags=["remove-input", "nbval-ignore-output"]
Markdown(
    f"{report.n} test clips give an accuracy of {report.accuracy:.1%}, and an interval from {low:.1%} "
    f"to {high:.1%}: with other clips of the same kind the number would move about as much. Two "
    "networks whose intervals overlap widely are a tie until a paired test says otherwise."
)

# %% [markdown]
# ### Beside the paper
#
# The paper's Figure 2 is the same table for FMA-small. Unless this page was run on `fma_small`, the
# two columns are different music, and only their layout is comparable.

# %% tags=["hide-cell", "nbval-ignore-output"]
if set(report.genres) == set(facts.GENRES):
    names = (f"here: {dataset}", "paper: FMA-small")
    beside = evaluation.classification_reports(report, facts.FIGURE2, names=names)
else:
    beside = report.table
beside.style.format(precision=2, na_rep="")

# %% [markdown]
# ### Which genres are mistaken for which
#
# The matrix has the true genres in rows. What lies off the diagonal is not noise: two
# genres that change places share something that the network takes for the genre.

# %% tags=["nbval-ignore-output"]
plots.show(
    plots.confusion(report.confusion, title=f"{network} on {dataset}"),
    alt="Confusion matrix: true genres in rows, predicted ones in "
    "columns, clips counted in cells.",
)

# %% [markdown]
# **Figure.** Which genres are mistaken for which: true ones in rows, predicted ones in columns.
#
# ## Does it need a network at all?
#
# A linear model sees only the mean of each mel band over time: which frequencies are loud, not when.
# If it does as well, the accuracy is no evidence that the network uses rhythm or order.

# %% tags=["nbval-ignore-output"]
linear = baselines.mean_spectrum_report(features)
paired = evaluation.mcnemar(report, linear)
compared = pd.DataFrame(
    [(r.accuracy, *r.interval) for r in (report, linear)],
    columns=["accuracy", "low", "high"],
    index=[network, "linear, mean spectrum"],
)
plots.show(
    plots.accuracies(compared, chance=1 / len(report.genres)),
    alt="Test accuracy with 95 % interval of the network and of the "
    "linear model.",
)

# %% [markdown]
# **Figure.** The network and a linear model that hears no time, with 95 % intervals.

# %% tags=["remove-input", "nbval-ignore-output"]
Markdown(
    f"Only the network gets {paired.only_first} clips right, only the linear model "
    f"{paired.only_second}; McNemar's exact test of these gives p {evaluation.p_value(paired.p_value)}."
)

# %% [markdown]
# ## Listen to what it heard
#
# Two test clips that it was most sure about and got wrong. Would you have known?


# %% tags=["hide-input", "nbval-ignore-output"]
def mistake(place):
    """The clip that is wrong with the highest probability, or the next one."""
    sure = pd.Series(report.probabilities.max(axis=1), index=report.clips)
    wrong = sure[~report.correct].sort_values(ascending=False).index
    if place >= len(wrong):
        return Markdown("No other test clip is called a wrong genre.")
    i = report.clips.get_loc(wrong[place])
    true, said = report.genres[report.true[i]], report.genres[report.predicted[i]]
    left, right = plt.subplots(1, 2, figsize=(8, 2.6), width_ratios=(2, 1))[1]
    title = f"{true}, taken for {said}"
    plots.spectrogram(X_test[i], features.settings, left, title, colorbar=False)
    plots.genre_bars(report.probabilities[i], report.genres, true, right)
    return plots.show(
        left,
        alt=f"Log-mel spectrogram of a clip of {true}, and the probability of every genre.",
        sound=features.clips.loc[wrong[place], "path"],
        label=f"a clip of {true}",
    )


mistake(0)

# %% [markdown]
# **Figure.** The clip that it was most sure about, and wrong.

# %% tags=["hide-input", "nbval-ignore-output"]
mistake(1)

# %% [markdown]
# **Figure.** And the next one.
#
# ## What is kept
#
# The run folder holds the weights, the history, the settings with seed and versions, and this
# evaluation: enough to repeat the run or to doubt it.

# %% tags=["hide-input", "nbval-ignore-output"]
paired = evaluation.mcnemar(report, linear)
record = {
    "dataset": features.name,
    "network": run.model.name,
    "changes": changes,
    "parameters": models.trainable_parameters(run.model),
    **{name: run.record["settings"][name] for name in ("epochs", "batch_size", "seed")},
    "epoch_kept": run.record["best"]["epoch"],
    "seconds": run.record["seconds"],
    "test": report.record(),
    "clips": report.clips.tolist(),
    "true": report.true,
    "predicted": report.predicted,
    "linear": linear.record(),
    "paired": paired._asdict(),
}
results.write("evaluation", record, run.folder)
pd.Series({file.name: file.stat().st_size for file in sorted(run.folder.iterdir())}, name="bytes")

# %% [markdown]
# ## Summary
#
# - One function trains, one evaluates; the network never sees the test split before the end.
# - An accuracy comes with its interval and with a baseline, or it says little.
# - Every number on this page can be made again from its seed.
#
# ## Exercises
#
# **Exercise 1 (easy). Longer.**
# The paper trains for 50 epochs, this page for 20. Will the kept epoch be a late one, and which of the
# two curves will have moved? Decide, then run the page with 50.
#
# <details><summary>Solution</summary>
#
# Set `epochs = 50` in the second cell, or
# `papermill book/train.ipynb out.ipynb -p epochs 50`. On the synthetic set a late one is kept:
# validation still rises, jumping from epoch to epoch. Where training goes on rising and validation no
# longer does, the network learns the training clips, not the genres. That is why the kept epoch is
# chosen on validation, and why it may not be chosen on test.
#
# </details>
#
# **Exercise 2 (medium). One ear at a time.**
# Train `cnn5` and `rnn`, one branch each. One of them is blind to which band is which, the other forgets.
# Write down a pair of genres that only the first will confuse, and one that only the second will. Then
# look.
#
# <details><summary>Solution</summary>
#
# Set `network = "cnn5"`, then `"rnn"`, and compare the two confusion matrices. The synthetic genres
# come in pairs that share an ensemble and differ in the order of events, and pairs of the opposite
# kind: see the recipes in the chapter on [datasets](datasets.ipynb).
#
# </details>
#
# **Exercise 3 (medium). Another seed.**
# Five runs that differ only in their seed: will their accuracies lie further apart than the interval of
# one of them is wide, or closer together? Run seeds 0 to 4 and see.
#
# <details><summary>Solution</summary>
#
# `for s in 0 1 2 3 4; do papermill book/train.ipynb out$s.ipynb -p seed $s; done`. The spread over
# seeds is what the same clips give with other first weights; the interval is what other clips would
# give. Both belong to the number.
#
# </details>
