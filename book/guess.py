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
# # Guess the genre: you against the network
#
# *Eight clips, one of each genre, four seconds of each. You have heard two examples of every genre; the
# network heard dozens. How many do you get, how many does it, and when would the difference mean anything?*
#
# **You will be able to** hear what the names of the book's own genres mean, and say how little eight
# clips prove. **You should know** nothing. **Time**: 5 minutes.
#
# The clips come from the book's default dataset, music made by a program and named after FMA's genres
# ([datasets](datasets.ipynb)). The examples are from its training split, the clips to guess from the test
# split. The network is the paper's, after its fifty epochs of training in the chapter on
# [training](train.ipynb).
#
# ## Two examples of each
#
# In the book every genre has two buttons here. In a notebook the cell below plays the examples of one
# genre. **Change this and run again:** another `genre` plays another pair, and `turn = 2` gives eight
# other clips to guess, in the book by the button *Another round*. Expect to do better, for by then you
# know the names, and the network to do as well as before.

# %%
genre = "Folk"
turn = 1  # of six

# %% tags=["hide-input"]
import json

from IPython.display import HTML, Markdown, display

from prcnn import plots, spectrogram
from prcnn.datasets import synthetic
from prcnn.datasets.synthetic.clips import playable, waveform
from prcnn.datasets.synthetic.recipes import RECIPES, neighbours
from prcnn.study import results


def sound(clip, label):
    return plots.player(waveform(clip), label=label, seconds=4, offset=3)


def script(data):
    return f'<script type="application/json">{json.dumps(data)}</script>'


played = playable()
examples = played[played["split"] == "training"]
numbers = {name: list(map(int, of.index)) for name, of in examples.groupby("genre")}
display(HTML(f'<div class="game-examples">{script(numbers)}</div>'))
for i, (_, clip) in enumerate(examples[examples["genre"] == genre].iterrows(), 1):
    display(sound(clip, f"{genre}, example {i}"))

# %% [markdown]
# ## Eight clips
#
# The answer folds out once you have chosen.

# %% tags=["hide-input"]
run = results.read("train_synthetic")
genres = run["test"]["genres"]
clips = synthetic.plan().loc[run["clips"]]
clips["said"] = [genres[label] for label in run["predicted"]]
drawn = clips.loc[played.index[played["split"] == "test"]]


def answer(clip):
    timbre, order = RECIPES.loc[clip["genre"]]
    words = f"{clip['genre']}: timbre {timbre}, order {order}. "
    if clip["share"]:
        words += f"But it plays {100 * clip['share']:.0f} % of its bars like {clip['neighbour']}. "
    return f"{words}The network said {clip['said']}."


def ask(i, clip):
    asked = f"Which genre is clip {i}?"
    heard = sound(clip, f"Clip {i}")
    return plots.question(asked, [heard], genres, clip["genre"], answer(clip), clip["said"]).data


turns = [drawn.groupby("genre").nth(i).sample(frac=1, random_state=i) for i in range(6)]
questions = [ask(i, clip) for i, (_, clip) in enumerate(turns[turn - 1].iterrows(), 1)]
later = [
    [
        {"clip": int(number), "truth": clip["genre"], "network": clip["said"], "answer": answer(clip)}
        for number, clip in one.iterrows()
    ]
    for one in turns[turn:]
]
score = '<div class="score" role="status"></div>'
HTML(f'<div class="game">{"".join(questions)}{score}{script(later)}</div>')

# %% [markdown]
# Play again with the key: every genre is a timbre and an order in time, and it shares each of the two
# with one other genre.

# %% tags=["remove-input"]
HTML(f"<details><summary>The key</summary>{RECIPES.to_html()}</details>")

# %% [markdown]
# ## Was it a fair match?

# %% tags=["remove-input"]
right = (drawn["said"] == drawn["genre"]).sum()
learned = (synthetic.plan()["split"] == "training").sum() // len(genres)
wrong = clips[clips["said"] != clips["genre"]]
near = sum(said in neighbours(true) for said, true in zip(wrong["said"], wrong["genre"], strict=True))
low, high = run["test"]["interval"]
Markdown(
    f"Not quite. The network heard the first {spectrogram.PAPER.seconds:.0f} seconds of every clip and had learned from "
    f"{learned} examples of each genre; you had four seconds and two examples. The clips were drawn by lot, with a seed: "
    f"of the {len(drawn)} in all six rounds it names {right}, of all {run['test']['n']} test clips "
    f"{100 * run['test']['accuracy']:.0f} % (95 % interval {100 * low:.0f} % to {100 * high:.0f} %).\n\n"
    f"It errs as a listener does. Of its {len(wrong)} mistakes on the whole test split, {near} name one of the two "
    "genres that share the timbre or the order with the right one; a blind guess would hit those in two "
    "cases of seven. And no score out of eight says much: see the first exercise."
)

# %% tags=["remove-cell"]
assert [genres[label] for label in run["true"]] == clips["genre"].tolist(), "the clips are those of the run"
assert near / len(wrong) > 2 / 7 + 0.2, "the page says that it mistakes neighbours"

# %% [markdown]
# ## Summary
#
# - A name means what its examples sound like: you learned eight of them from two examples each.
# - Both of you confuse genres that share their timbre or their order.
# - Eight clips are a game. They are no test.
#
# ## Exercises
#
# **Exercise 1 (easy). How far ahead is ahead?**
# You and the network heard the same clips, so only those count where one of you alone was right. Say
# that you were, on `n` clips, and the network never. Guess first: from which `n` on is that more than luck
# at the usual 5 %?
#
# <details><summary>Solution</summary>
#
# ```python
# from scipy.stats import binomtest
#
# for n in range(1, 9):
#     print(n, binomtest(n, n).pvalue)
# ```
# From six on. If you were equally good, each of these clips would be a coin, and five heads in a row
# happen, to one side or the other, in one game of sixteen. This is McNemar's exact test, the one that
# compares networks in this book; with eight clips it can hardly ever say yes.
#
# </details>
#
# **Exercise 2 (medium). Blind.**
# Somebody names genres without listening. One player draws each answer by lot, another one uses each
# genre exactly once, a third one says Rock eight times. Who gets most right, on average? Guess, then
# simulate.
#
# <details><summary>Solution</summary>
#
# ```python
# import numpy as np
#
# random, truth = np.random.default_rng(0), np.arange(8)
# lot = [(random.integers(8, size=8) == truth).sum() for _ in range(10_000)]
# once = [(random.permutation(8) == truth).sum() for _ in range(10_000)]
# rock = [(truth == 7).sum() for _ in range(10_000)]
# for name, right in (("lot", lot), ("once", once), ("rock", rock)):
#     print(name, np.mean(right), np.std(right))
# ```
# All the same: one clip of eight. They differ in luck alone, and the player who says Rock has none.
# Accuracy on balanced classes cannot tell a lazy network from a blind one; a confusion matrix can.
#
# </details>
