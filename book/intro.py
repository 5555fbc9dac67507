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
# **You will be able to** take sound apart into pictures, build, train and test networks on them, and say
# which of a paper's numbers to believe. **You should know** some Python, and what a mean is. **Time**: 5
# minutes for this page; [teaching](teaching.md) adds up the others.
#
# Listen first. Two clips of the same instruments: **which one is Folk?**

# %% tags=["remove-input"]
import pandas as pd
from IPython.display import HTML, Markdown

from prcnn import evaluation, plots
from prcnn.datasets import synthetic
from prcnn.datasets.synthetic.clips import waveform
from prcnn.study import answers, facts, records, results
from prcnn.study.rows import REFERENCE, SVM

plots.use_style()
run = results.read("train_synthetic")
said = dict(zip(run["clips"], (run["test"]["genres"][i] for i in run["predicted"]), strict=True))
plan = synthetic.plan().loc[run["clips"]]
plan = plan[plan["share"] == 0]
pair = [plan.index[plan["genre"] == genre][0] for genre in ("Instrumental", "Folk")]
names = ["The first", "The second"]
plots.question(
    "Which one is Folk?",
    [plots.player(waveform(plan.loc[clip]), label=name, seconds=4, offset=3) for clip, name in zip(pair, names, strict=True)],
    names,
    names[1],
    "Plucked strings in both, and every note equally often. In the second they ripple, one after another; in "
    "the first, Instrumental, every sound runs backwards. An average over time hears no order: that is why the paper "
    f"puts a network that reads in time beside one that sees. Trained, it called them {said[pair[0]]} "
    f"and {said[pair[1]]}.",
)

# %% [markdown]
# ## The paper on a page
#
# ![A log-mel spectrogram of 640 frames by 128 bands goes through five convolutions with pools to 256 numbers and, side by side, through a pool and a bidirectional GRU to 128 numbers; both are joined to 384 and classified by a softmax over eight genres.](architecture.svg)
#
# **Figure.** The paper's network: a branch that looks and a branch that listens, joined.
#
# [Fadaviardakani et al. (2020)](references.md) take the parallel network of [Feng et al. (2017)](references.md), feed it
# log-mel spectrograms of FMA-small ([Defferrard et al., 2017](references.md)), and add attention and ablations. In
# the figure, from left to right:
#
# - **In:** 30-second clips of eight genres become images of 640 frames × 128 mel bands.
# - **A CNN** of five layers sees short shapes in time; pooled, it leaves 256 numbers.
# - **An RNN**, a bidirectional GRU of 64 units, reads the clip from both ends: 128 numbers.
# - **Joined**, 384 numbers go through a softmax. RMSprop, learning rate 0.0005, 50 epochs.
# - **Out:** eight probabilities, one a genre. What counts is how many of 800 test clips get their own
#   genre; with attention they were fewer, and the authors asked why Feng's much higher figure, on another
#   dataset, did not carry over.
#
# The text of the paper, the code behind it and the weights its authors published do not describe the
# same network. The chapter on [reproduction](reproduction.ipynb) says exactly how, and proves it
# with the weights.
#
# ## What came out
#
# That was music made by a program, and a paper. Now real music: FMA-small in its official split, and what
# the main methods of this book make of its 800 test clips, each with its 95 % interval and a dot for every
# seed. Besides `paper`, the network of the figure above, these are
#
# - **`beyond`**, a network of our own with the same two branches, trained with what has been learned since;
# - **SVMs**, support vector machines: they draw a line between genres in numbers made by hand, such as the
#   mean and the spread of each frequency band;
# - **VGGish**, a network that others have trained on millions of videos: here an SVM gets its numbers.

# %% tags=["remove-input"]
board = answers.board()
plots.show(
    plots.accuracies(board, chance=1 / len(facts.GENRES)),
    alt="Test accuracy with 95 % interval on FMA-small's official split: VGGish with an SVM first, then the "
    "network beyond, then the SVMs and the paper's network.",
)

# %% [markdown]
# **Figure.** FMA-small, official split: test accuracy with 95 % interval, a dot a seed.

# %% tags=["remove-input"]
correct = int(facts.CONFUSION_FIGURE2.to_numpy().trace())
wilson = evaluation.wilson(correct, 800)
ours, best = board.loc["beyond, 20 epochs"], board.iloc[0]
ways = ("at random", "by artist")
segments, by_artist = (
    answers.summary(records.reports(f"gtzan_images segments, {way}", SVM)) for way in ways
)
cards = [
    (
        f"{100 * ours['accuracy']:.1f} %",
        f"<code>beyond</code>, trained from scratch, whose weights come with the package; mean of "
        f"{len(ours['seeds'])} seeds on FMA-small",
        f"95 % interval {100 * ours['low']:.1f} – {100 * ours['high']:.1f}",
    ),
    (
        f"{100 * correct / 800:.1f} %",
        f"the paper: {correct} of 800 clips in its Figure 2, by a network that its text does not describe",
        f"95 % interval {100 * wilson[0]:.1f} – {100 * wilson[1]:.1f}",
    ),
    (
        f"{100 * segments['accuracy']:.0f} → {100 * by_artist['accuracy']:.0f} %",
        "one classifier, GTZAN's clips in segments of five seconds: dealt at random, then artists kept apart",
        f"the second interval {100 * by_artist['low']:.0f} – {100 * by_artist['high']:.0f}",
    ),
]
cards = "".join(f"<div><strong>{a}</strong>{b}<small>{c}</small></div>" for a, b, c in cards)
HTML(f'<div class="result-cards">{cards}</div>')

# %% [markdown]
# The first has a chapter of its own, [beyond](beyond.ipynb), and a [map](music_map.ipynb) of what it
# hears; the second is taken apart in [reproduction](reproduction.ipynb); the third, in
# [leakage](leakage.ipynb), is why many published figures are higher than all of these. Where they
# were published, and how, stands in [baselines](baselines.ipynb).

# %% tags=["remove-input"]
network, svm = (
    records.reports(*answers.BOARD[name])
    for name in ("beyond, 20 epochs", "SVM on MFCC, deltas, bands")
)
ahead = evaluation.compare_over_seeds(network, svm)
every = answers.table("FMA-small", answers.SHORT)


def on_all(row):
    line = every.loc[row]
    return evaluation.percent(line["accuracy"], line[["low", "high"]])


Markdown(
    f"In short: a network pays, by {100 * ahead.difference:.1f} points over the best support vector machine "
    f"on hand-made features of the same pictures (95 % interval {100 * ahead.low:.1f} to "
    f"{100 * ahead.high:.1f}). The paper's own network does not. VGGish ({100 * best['accuracy']:.1f} %) heard the "
    "sound itself, a hundred frames a second, and millions of other recordings before; all the others saw public "
    "pictures of FMA-small, whose sound is 7.2 GiB. The intervals count clips that were uploaded "
    f"together as one. Even without that, an accuracy on 800 clips is only known to about "
    f"±{50 * (wilson[1] - wilson[0]):.1f} points.\n\n"
    f"All {len(records.predictions(SVM)):,} clips, each tested once in five folds, are ten times as many, and easier on "
    f"the whole: there `beyond` has {on_all('beyond')} after {answers.SHORT} epochs, the support vector machine "
    f"{on_all(SVM)}, and `paper`, after as many epochs, {on_all(REFERENCE)}."
)

# %% tags=["remove-cell"]
assert board.index[0].startswith("VGGish") and ahead.low > 0
assert board.index[1].startswith("beyond"), "the page's second is beyond"
paper_rows = [name for name in board.index if name.startswith("paper")]
assert board.loc[paper_rows, "accuracy"].max() < board.loc["SVM on MFCC, deltas, bands", "accuracy"]

# %% [markdown]
# ## The default needs no network
#
# FMA-small has to be fetched, so every chapter runs on something else unless told otherwise: a synthetic
# dataset, made on the spot, of eight genres with FMA-small's names. Some of them differ only in the order of
# events, like the two clips above, others only in their sound. Music it is not, and what holds on it has to be tried
# on FMA; but it shows what a network can hear that an average over time cannot:

# %% tags=["remove-input"]
shown = {}
for name, key in ((f"{run['network']}, {run['epochs']} epochs", "test"), ("linear model, mean spectrum", "linear")):
    shown[name] = [run[key]["accuracy"], *run[key]["interval"]]
shown = pd.DataFrame.from_dict(shown, "index", columns=["accuracy", "low", "high"])
plots.show(
    plots.accuracies(shown, chance=1 / len(run["test"]["genres"])),
    alt="On the synthetic test clips the paper's network is far ahead of a linear model on the mean spectrum.",
)

# %% [markdown]
# **Figure.** The synthetic default: the paper's network beside a linear model that hears only the mean
# spectrum.

# %% tags=["remove-input"]
pair = run["paired"]
Markdown(
    f"Of {run['test']['n']} test clips, the network alone was right on {pair['only_network']}, the linear model alone "
    f"on {pair['only_linear']} (McNemar's test, p {evaluation.p_value(pair['p_value'])}). Can you do as well? "
    "[Guess the genre](guess.ipynb) asks you the same questions."
)

# %% [markdown]
# ## How to read
#
# - **In order**, as a course: what goes in, the networks, what holds. [For lecturers](teaching.md) says
#   what makes a lecture, a lab or a term project.
# - **For a doubt**: [reproduction](reproduction.ipynb), [leakage](leakage.ipynb),
#   [baselines](baselines.ipynb).
# - **For your own music**: [datasets](datasets.ipynb), then [classify](classify.ipynb).
# - **For fun**: [guess the genre](guess.ipynb), [the map of music](music_map.ipynb).
# - **On paper**: print a page from the browser; every solution is unfolded.
#
# Every page is a notebook: change a cell, run it again. Exercises close each chapter; their solutions
# fold out.
#
# ## How to run
#
# The table says what to type, wherever you are.
#
# | where | how |
# |---|---|
# | a laptop | clone the repository, then `pip install -e ".[all]" && papermill book/train.ipynb out.ipynb -p epochs 50` |
# | JupyterLab | `pip install -e ".[all]"`, `jupyter lab book/train.ipynb` |
# | Colab, Binder | from a repository of your own: write its address into `_config.yml`, run `python book/launch.py`, and every page gets a button and a first cell that fetches the library |
# | a GPU | `pip install torch`, then `KERAS_BACKEND=torch` before the same commands (cuDNN's GRU); or `pip install "jax[cuda12]"` and `KERAS_BACKEND=jax` |
# | FMA-small | add `-p dataset fma_small -p data_home FOLDER`; see [datasets](datasets.ipynb) |
#
# **Table.** Where and how to run a page.
#
# No page needs the internet: the default dataset is made on the spot.
