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
# # Parallel networks for music genres, reproduced
#
# *A paper says that a network which looks at a spectrogram like a picture, and at the same time reads
# it like a sequence, tells genres apart. Does it? This book builds that network again, checks it
# against the authors' own weights, and measures every number with a seed and an interval.*
#
# ```{image} architecture.svg
# :alt: A log-mel spectrogram of 640 frames by 128 bands goes through five convolutions with pools to 256 numbers and, side by side, through a pool and a bidirectional GRU to 128 numbers; both are joined to 384 and classified by a softmax over eight genres.
# :width: 100%
# ```
#
# ## The paper on a page
#
# {cite:t}`fadaviardakani2020parallel` take the parallel network of {cite:t}`feng2017music`, feed it
# log-mel spectrograms of FMA-small {cite}`defferrard2017fma`, and add attention and ablations.
#
# - **In:** 30-second clips of eight genres become images of 640 frames × 128 mel bands.
# - **A CNN** of five layers sees short shapes in time; pooled, it leaves 256 numbers.
# - **An RNN**, a bidirectional GRU of 64 units, reads the clip from both ends: 128 numbers.
# - **Joined**, 384 numbers go through a softmax. RMSprop, learning rate 0.0005, 50 epochs.
# - **Out:** its Figure 2 reports the accuracy below; with attention it was lower, and the authors
#   asked why Feng's much higher figure, on another dataset, did not carry over.
#
# The text of the paper, the code behind it and the weights its authors published do not describe the
# same network. The chapter on [reproduction](reproduction.ipynb) says exactly how, and proves it
# with the weights.

# %%
import pandas as pd
from IPython.display import Markdown

from prcnn import evaluation, plots
from prcnn.study import ablations, fma_small, paper, results

plots.use_style()

correct = int(paper.CONFUSION_FIGURE2.to_numpy().trace())
low, high = evaluation.wilson(correct, 800)
Markdown(
    f"The paper's Figure 2 rests on {correct} of 800 test clips: {correct / 8:.1f} %, with a 95 % "
    f"interval from {100 * low:.1f} to {100 * high:.1f} %. An accuracy on 800 clips is known to "
    f"about ±{50 * (high - low):.1f} points; most differences between published networks of this "
    "family are smaller than that."
)

# %% [markdown]
# ## The results so far
#
# Published figures for FMA-small, official split, with the interval that 800 clips give:

# %%
published = paper.REFERENCES.copy()
published.loc[len(published)] = ("PRCNN (the paper, Figure 2)", correct / 8, "log-mel", "the paper")
intervals = [evaluation.wilson(round(8 * test), 800) for test in published["test"]]
published["95 % interval"] = [f"{100 * a:.1f} – {100 * b:.1f}" for a, b in intervals]
published.sort_values("test", ascending=False).style.format({"test": "{:.1f}"}).hide()

# %% [markdown]
# And ours, on the same 800 test clips. Not on their sound, which is 7.2 GiB, but on the public pictures of
# it: 128 frames of 128 mel bands for 30 seconds, every method fed the same. The network was chosen on
# validation alone ([beyond](beyond.ipynb)); the intervals count clips that were uploaded together as one,
# so they are wider than those above:

# %% tags=["hide-input"]
board = fma_small.board()
plots.show(
    plots.accuracies(board, chance=1 / len(paper.GENRES)),
    alt="Test accuracy with 95 % interval on FMA-small's pictures: VGGish with an SVM first, then the "
    "network beyond, then the SVMs and the paper's network.",
)

# %% tags=["remove-input"]
methods = fma_small.contenders()
ahead = evaluation.compare_over_seeds(methods["beyond"], methods["SVM on MFCC, deltas, bands"])
count = {name: len(board.loc[name, "seeds"]) for name in board.index}
Markdown(
    f"The network `beyond`, mean of {count['beyond']} seeds, is {100 * ahead.difference:.1f} points ahead "
    f"of the best support vector machine on hand-made features (95 % interval {100 * ahead.low:.1f} to "
    f"{100 * ahead.high:.1f}); the paper's own network on standardised bands is not. Pre-training on far "
    "more music (VGGish) is worth more than either. The chapter on [ablations](ablations.ipynb) has the "
    "paper's other networks on these clips."
)

# %% tags=["remove-cell"]
assert board.index[0].startswith("VGGish") and ahead.low > 0

# %% [markdown]
# The same on the synthetic dataset that comes with the book (eight genres with FMA-small's names,
# made so that some differ only in the order of events and others only in their sound): one run of
# the training page as the paper trains, and the linear model that a network must beat.

# %%
run = results.read("train_synthetic")
shown = {}
for name, key in ((f"{run['network']}, {run['epochs']} epochs", "test"), ("linear, mean spectrum", "linear")):
    low, high = run[key]["interval"]
    shown[name] = {
        "test accuracy (%)": f"{100 * run[key]['accuracy']:.1f}",
        "95 % interval": f"{100 * low:.1f} – {100 * high:.1f}",
        "clips": run[key]["n"],
    }
pd.DataFrame.from_dict(shown, orient="index")

# %% [markdown]
# The rows of the paper's Table 2, run again with several seeds each on that set, beside the paper's
# single runs on FMA-small (test accuracies in percent; the chapter on
# [ablations](ablations.ipynb) has the tests and the other rows):

# %%
study = ablations.table(results.read("ablations_synthetic"))
study = study[study["group"] == "Table 2"].rename_axis(None)
pd.DataFrame(
    {
        "the paper, FMA-small": paper.TABLE2["test"].map("{:.1f}".format).to_numpy(),
        "ours, synthetic": [f"{100 * a:.1f} ± {100 * s:.1f}" for a, s in zip(study["accuracy"], study["sd"], strict=True)],
        "95 % interval": [f"{100 * a:.1f} – {100 * b:.1f}" for a, b in zip(study["low"], study["high"], strict=True)],
        "seeds": study["runs"],
    },
    index=study.index,
)

# %%
first, second = run["paired"]["only_network"], run["paired"]["only_linear"]
Markdown(
    "± is the standard deviation over seeds. In the long run above, on the same clips, the network "
    f"alone was right {first} times, the linear model alone {second} times: p = {run['paired']['p_value']:.2g} (McNemar). The "
    "rows of Table 2 were run before networks standardised their input: they were fed raw decibels, as "
    "the paper's were."
)

# %% [markdown]
# ## How to read
#
# - **In order**, as a course: what goes in, the networks, what holds.
# - **For a doubt**: [reproduction](reproduction.ipynb), [leakage](leakage.ipynb),
#   [baselines](baselines.ipynb).
# - **For your own music**: [datasets](datasets.ipynb), then [classify](classify.ipynb).
#
# Every page is a notebook: change a cell, run it again. Exercises close each chapter; their solutions
# fold out.
#
# ## How to run
#
# | where | how |
# |---|---|
# | a laptop | clone the repository, then `pip install -e ".[all]" && papermill book/train.ipynb out.ipynb -p epochs 50` |
# | JupyterLab | `pip install -e ".[all]"`, `jupyter lab book/train.ipynb` |
# | Colab | upload a notebook of `book/`; new first cell: `!git clone ADDRESS prcnn && pip install -e "prcnn[all]"`, with the address of this repository; then restart the runtime |
# | Binder | give mybinder.org the address of this repository; it reads `environment.yml` |
# | a GPU | `pip install torch`, then `KERAS_BACKEND=torch` before the same commands (cuDNN's GRU); or `pip install "jax[cuda12]"` and `KERAS_BACKEND=jax` |
# | FMA-small | add `-p dataset fma_small -p data_home FOLDER`; see [datasets](datasets.ipynb) |
#
# No page needs the internet: the default dataset is made on the spot.
