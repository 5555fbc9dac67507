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
# # The map of music: what does a network take for alike?
#
# *A network that has to name a genre must first decide which clips resemble each other. Where do eight
# genres lie in its ears, which of them border on each other, and are its mistakes strays or
# emigrants?*
#
# **You will be able to** read a map made by t-SNE for what it promises and no more, and ask it where
# mistakes live. **You should know** [beyond](beyond.ipynb). **Time**: 5 minutes.
#
# Before `beyond` names a genre, it has turned thirty seconds of music into a few hundred
# numbers, the outputs of its two branches side by side ([beyond](beyond.ipynb)). Clips with nearly the
# same numbers are the same to it, whatever they are called. Nobody can look at so many dimensions, so
# t-SNE ([van der Maaten and Hinton, 2008](references.md)) lays the clips out on a plane: neighbours are to stay neighbours.
# That is all it promises. The axes mean nothing, and neither does the size of a gap or of a group.


# %% tags=["parameters"]
run = False  # True: make the first map again, of today's weights
data_home = None  # where FMA-small's pictures are

# %% tags=["remove-cell"]
import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML, Markdown

import prcnn
from prcnn import models, plots
from prcnn.datasets import splits
from prcnn.datasets.synthetic.clips import playable
from prcnn.datasets.synthetic.recipes import RECIPES
from prcnn.evaluation import wilson
from prcnn.spectrogram import IMAGES, log_mel
from prcnn.study import results
from sklearn.manifold import TSNE, trustworthiness
from sklearn.neighbors import NearestNeighbors

plots.use_style()
network = models.pretrained("beyond")

# %% [markdown]
# Two steps make such a map. The network hears pictures up to its last layer but one; t-SNE lays what it
# heard on a plane. `perplexity` says about how many neighbours a clip is to keep.


# %%
def hear(X):
    """Of pictures (n, 128, 128): what the last layer reads."""
    return models.outputs(network, X, "dropout")


def lay_out(features, perplexity):
    tsne = TSNE(init="pca", perplexity=perplexity, random_state=0)
    plane = tsne.fit_transform(features)
    # The axes mean nothing, and pages are wider than high.
    return plane[:, np.argsort(-np.ptp(plane, axis=0))]


# %% tags=["hide-input"]
def table_of(clips, genres, true, probabilities, plane):
    """What the network says of every clip, and where it lies."""
    true, genres = np.array(genres)[true], np.array(genres)
    table = pd.DataFrame(probabilities, clips, genres)
    said = genres[table.to_numpy().argmax(axis=1)]
    columns = {"genre": true, "predicted": said, "right": said == true}
    columns |= {"x": plane[:, 0], "y": plane[:, 1]}
    return pd.concat([pd.DataFrame(columns, clips), table], axis=1)


def nearest(places, groups, labels):
    """The label of every clip's nearest neighbour from another group."""
    most = int(np.bincount(groups).max())
    found = NearestNeighbors(n_neighbors=most).fit(places).kneighbors(return_distance=False)
    first = (groups[found] != groups[:, None]).argmax(axis=1)
    return labels[found[np.arange(len(found)), first]]


def check(clips, probabilities):
    """Refuse what the weights that come with prcnn did not say."""
    card = models.card("beyond")["test"]
    of_card = dict(zip(card["clips"], card["predicted"], strict=True))
    said = np.argmax(probabilities, axis=1)
    if said.tolist() != [of_card.get(clip) for clip in clips]:
        raise ValueError(
            "These are not the predictions on the card of beyond. Other pictures? Or other weights "
            "than the recorded map's: then run this page with run=True."
        )


if run:
    store = prcnn.extract(prcnn.load("fma_small_images", data_home=data_home), IMAGES)
    (X, true), tested = store.arrays("test"), store.indices("test")
    features, groups = hear(X), splits.uploads(store.clips.iloc[tested]).to_numpy()
    clips, said = store.clips.index[tested].to_numpy(), network.predict(X, verbose=0)
    check(clips, said)
    plane = lay_out(features, 30)
    results.write(
        "music_map",
        {
            "genres": store.genres,
            "features": features.shape[1],
            "clips": clips,
            "true": true,
            "probabilities": said.astype(float).round(4),
            "x": plane[:, 0].astype(float).round(2),
            "y": plane[:, 1].astype(float).round(2),
            "trustworthiness": trustworthiness(features, plane, n_neighbors=10),
            "genre": {
                "features": float((nearest(features, groups, true) == true).mean()),
                "map": float((nearest(plane, groups, true) == true).mean()),
            },
        },
    )
record = results.read("music_map")
check(record["clips"], record["probabilities"])


def interactive(table, still, made=False):
    """The map for the book's music_map.js; without a script, and on paper, the picture stays."""
    genres = sorted(plots.GENRE_COLOURS)
    percent = (100 * table[genres]).round().astype(int).to_numpy().tolist()
    places = table[["x", "y"]].astype(float).round(2).to_numpy().tolist()
    genre, said = (table[column].map(genres.index) for column in ("genre", "predicted"))
    dots = list(zip(table.index.tolist(), genre, said, places, percent, strict=True))
    colours = [plots.GENRE_COLOURS[genre] for genre in genres]
    data = {"genres": genres, "colours": colours, "clips": dots}
    data["synthetic"] = made and RECIPES.agg(", ".join, axis=1).to_dict()
    text = json.dumps(data, separators=(",", ":"))
    return HTML(
        f'<div class="music-map"><div class="map-still">{still.data}</div>'
        f'<script type="application/json">{text}</script></div>'
    )


# %% tags=["remove-input"]
Markdown(
    f"The figure below has all {len(record['clips'])} test clips of FMA-small's official "
    "split, none of which it was trained on. The colour is the genre that the artist "
    "chose; a dot is a clip that the network gets right, a cross a mistake. Point at "
    "one, or step from one to the next with the arrow keys, and see how the network "
    "divides its belief among the genres. Press *mistakes*, then one genre: where have "
    "its lost clips gone?"
)

# %% tags=["hide-input"]
plane = np.column_stack([record["x"], record["y"]])
clips = pd.Index(record["clips"], name="clip")
table = table_of(clips, record["genres"], record["true"], record["probabilities"], plane)
table["probability"] = table[record["genres"]].max(axis=1)
ax = plt.subplots(figsize=(8, 4.6))[1]
for genre, here in table.groupby("genre"):
    for right, marker, size in ((True, "o", 22), (False, "x", 16)):
        spots = here[here["right"] == right]
        look = {"s": size, "color": plots.GENRE_COLOURS[genre], "marker": marker, "lw": 1.2}
        ax.scatter(spots["x"], spots["y"], label=genre if right else None, **look)
ax.set(aspect="equal", xticks=[], yticks=[], title="dot: right, cross: a mistake")
ax.legend(ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.02), frameon=False)
still = plots.show(
    ax,
    alt=f"Map of {len(table)} clips. Some genres have a region of their own, with ragged borders; crosses, "
    "the mistakes, lie all over the map and most densely where genres meet.",
)
interactive(table, still)

# %% [markdown]
# **Figure.** The test clips of FMA-small, laid out by t-SNE so that those which beyond takes for alike
# are neighbours.
#
# The music itself is not here, and neither are its spectrograms: each track belongs to its artist, under
# a Creative Commons licence of its own, and the public repository that holds the pictures names none.
# What you see of a clip is therefore only what the network says of it. Its number is FMA's track id: the
# title, the artist and the licence stand beside it in FMA's `tracks.csv`, and
# `prcnn.load("fma_small_images", download=True)` fetches the picture for you alone. Have you FMA-small on your
# machine? Choose its folder under the map, and a click, or Enter, plays the clip.
#
# ## A map that you can hear
#
# The same network, and music that a program made: eight clips of each recipe of the book's
# [synthetic](datasets.ipynb) genres, made, heard and laid out by the cell below. A click or Enter plays
# one. The network learned the names of genres from people's music and never heard any like this, so a
# cross is no mistake, only another word. Two recipes share each timbre, and two each order in time. Guess
# first: which of the two will make neighbours?

# %% tags=["nbval-ignore-output"]
played = playable()
paths = prcnn.load("synthetic").clips.loc[played.index, "path"]
X = np.stack([log_mel(path, IMAGES) for path in paths])
true = played["genre"].map(record["genres"].index).to_numpy()
said = network.predict(X, verbose=0)
plane = lay_out(hear(X), perplexity=10)
made = table_of(played.index, record["genres"], true, said, plane)
made[["genre", "predicted", "x", "y"]].sample(4, random_state=0)

# %% [markdown]
# **Table.** Four of the clips: what the recipe says, what the network says, and where they lie.
#
# **Change this and run again:** with `perplexity=30` a clip is to keep half of all others as its
# neighbours, and the small groups run together; with 2, no group larger than a pair has a meaning.

# %% tags=["hide-input", "nbval-ignore-output"]
ax = plt.subplots(figsize=(7.2, 3.8))[1]
for genre, here in made.groupby("genre"):
    for right, marker in ((True, "o"), (False, "x")):
        spots = here[here["right"] == right]
        label = f"{genre}: {', '.join(RECIPES.loc[genre])}" if not right else None
        ax.scatter(spots["x"], spots["y"], 26, plots.GENRE_COLOURS[genre], marker=marker, lw=1.4, label=label)
ax.set(xticks=[], yticks=[], title="dot: named as the recipe is, cross: another word")
ax.legend(ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.02), frameon=False)
still = plots.show(
    ax,
    alt=f"Map of {len(made)} clips in eight colours. Clips of one colour lie in small groups, and groups of one timbre "
    "side by side.",
)
interactive(made, still, made=True)

# %% [markdown]
# **Figure.** Clips of eight recipes, laid out as beyond hears them. Press one, and listen.

# %% tags=["remove-input", "nbval-ignore-output"]
artist = played["artist"].to_numpy()
spots = made[["x", "y"]].to_numpy()
apart = np.linalg.norm(spots[:, None] - spots, axis=-1)
apart[artist[:, None] == artist] = np.inf
three = apart.argsort(axis=1)[:, :3]
shared = {}
for what in ("timbre", "order"):
    of = RECIPES.loc[made["genre"], what].to_numpy()
    same = of[:, None] == of
    shared[what] = (of[three] == of[:, None]).mean(), same[artist[:, None] != artist].mean()
common = made["predicted"].value_counts()
Markdown(
    f"It calls {common.iloc[0]} of the {len(made)} clips {common.index[0]}: its words fit this music badly. What it hears is "
    f"finer than its words. Of a clip's three nearest neighbours by other artists {100 * shared['timbre'][0]:.0f} % have "
    f"its timbre and {100 * shared['order'][0]:.0f} % its order in time, where chance would give "
    f"{100 * shared['timbre'][1]:.0f} % and {100 * shared['order'][1]:.0f} %."
)

# %% tags=["remove-cell"]
assert shared["timbre"][0] > shared["order"][0] > 1.5 * shared["order"][1]
assert common.iloc[0] > len(made) / 2, "the text says that its words fit badly"

# %% [markdown]
# ## Where mistakes live
#
# Look around every clip: which genre do most of its ten nearest neighbours on the map have? An album
# resembles itself, so neighbours from the clip's own upload do not count.

# %%
upload = splits.uploads(table).to_numpy()
places = table[["x", "y"]].to_numpy()
distance = np.linalg.norm(places[:, None] - places, axis=-1)
distance[upload[:, None] == upload] = np.inf
nearest = distance.argsort(axis=1)[:, :10]
genres = table["genre"].to_numpy()[nearest]
around = pd.DataFrame(genres, table.index).mode(axis=1)[0]
round(float((around == table["genre"]).mean()), 2)

# %% [markdown]
# Leave out the line with `np.inf`, and the share rises: every clip is its own
# nearest neighbour, and the next ones come from the same record.

# %% tags=["remove-cell"]
right, wrong = table[table["right"]], table[~table["right"]]
at_home = (around[right.index] == right["genre"]).mean()
emigrants = (around[wrong.index] == wrong["predicted"]).mean()
strays = (around[wrong.index] == wrong["genre"]).mean()
recall = table.groupby("genre")["right"].mean().sort_values()
chance = (table["genre"].value_counts(normalize=True) ** 2).sum()

# %% tags=["remove-input"]
Markdown(
    f"On the plane, the nearest clip from another upload has the same genre in {100 * record['genre']['map']:.0f} % "
    f"of all cases; among the network's own {record['features']} numbers it is "
    f"{100 * record['genre']['features']:.0f} %, and by chance it would be {100 * chance:.0f} %. So the map loses little of "
    f"what the network knows (trustworthiness {record['trustworthiness']:.2f}, where 1 means that all "
    "neighbours on the map are neighbours in truth), and what the network knows is a matter of "
    f"neighbourhood: with its last layer it is right in {100 * table['right'].mean():.0f} %.\n\n"
    "One would expect a mistake deep in the country of the genre that it is mistaken for. But around a clip that the "
    f"network gets right the commonest genre is the clip's own in {100 * at_home:.0f} %. Around a "
    f"mistake it is the genre that the network named in {100 * emigrants:.0f} %, the one that the artist named in "
    f"{100 * strays:.0f} %, and a third one in {100 * (1 - emigrants - strays):.0f} %. Mistakes are neither emigrants nor "
    "strays: they live on the borders, where everything is mixed, and a last layer that drew its borders otherwise "
    "would win some of them and lose others. Only another way of listening would move them."
)

# %% tags=["remove-cell"]
assert max(emigrants, strays) < 0.5 < at_home, "the page says that mistakes live on the borders"
assert record["trustworthiness"] > 0.9
assert table["probability"].mean() > table["right"].mean(), "the solution says that it promises too much"

# %% [markdown]
# ## Countries and rumours
#
# In the figure below every genre has a map, its own clips on top of all others. Some genres are countries, with a
# centre and a border; others are rumours, a little everywhere. Which are which is no news to a
# musician: a beat, or a distorted guitar, is something to hear, and *Pop* or *Experimental* is
# something to say about a record.

# %% tags=["hide-input"]
among = (around == table["genre"]).groupby(table["genre"]).mean().sort_values()
figure, axes = plt.subplots(2, 4, figsize=(8, 3.7), sharex=True, sharey=True)
for ax, (genre, here) in zip(axes.flat, table.groupby("genre"), strict=True):
    ax.scatter(table["x"], table["y"], 3, "0.85")
    for right, marker in ((True, "o"), (False, "x")):
        spots = here[here["right"] == right]
        ax.scatter(spots["x"], spots["y"], 12, plots.GENRE_COLOURS[genre], marker=marker, lw=1)
    ax.set(aspect="equal", xticks=[], yticks=[])
    ax.set_title(f"{genre}, {here['right'].mean():.0%} right", fontsize="small")
plots.show(
    figure,
    alt=f"Eight small maps, one a genre. {recall.index[-1]} fills one region and is mostly right; "
    f"{among.index[0]} is scattered over the map.",
)

# %% [markdown]
# **Figure.** One map a genre: its own clips in colour, all others in grey.

# %% tags=["remove-input"]
lost = (among - recall).idxmax()
Markdown(
    f"{recall.index[-1]} is recognised best ({100 * recall.iloc[-1]:.0f} % of its clips), {among.index[0]} lives most "
    f"scattered: the commonest genre around a clip is its own in {100 * among.iloc[0]:.0f} %. The strangest country is "
    f"{lost}. For {100 * among[lost]:.0f} % of its clips the commonest genre around is its own, so on the map there is "
    f"such a place; yet the network calls only {100 * recall[lost]:.0f} % by its name. Here the last layer gives away what "
    "the features hold. With a hundred clips of each genre such a share is known to about "
    f"±{50 * (wilson(50, 100)[1] - wilson(50, 100)[0]):.0f} points."
)

# %% tags=["remove-cell"]
assert among[lost] - recall[lost] > 0.1, "the page says that a last layer gives a genre away"

# %% [markdown]
# ## Summary
#
# - The network's last layer reads a few hundred numbers; clips that it takes for alike have nearly the
#   same ones, and t-SNE shows who is near whom. It shows nothing else.
# - Its features tell apart music for which it has no word.
# - Albums resemble themselves: neighbours from the same upload must not count.
# - Clips that it gets right live among their own. Mistakes live on the borders.
#
# ## Exercises
#
# **Exercise 1 (easy). Sure, and wrong.**
# Take the clips to whose genre the network gives more than 80 %. Guess first: what share of them does
# it get wrong? Then count.
#
# <details><summary>Solution</summary>
#
# ```python
# sure = table[table["probability"] > 0.8]
# len(sure), 1 - sure["right"].mean(), 1 - sure["probability"].mean()
# ```
# Few clips make it so sure. The last number is the share of mistakes that it promised. On test it
# promises too much, as its temperature was fitted on validation, whose clips are easier
# ([discussion](discussion.ipynb)): being calibrated is a property of a network *and* of the clips.
#
# </details>
#
# **Exercise 2 (medium). A question that the map cannot answer.**
# Is Hip-Hop nearer to Electronic or to Folk? Measure it on the map, then say why the number is worth
# nothing, and find a better one in `table`.
#
# <details><summary>Solution</summary>
#
# ```python
# centre = table.groupby("genre")[["x", "y"]].median()
# for other in ("Electronic", "Folk"):
#     gap = centre.loc["Hip-Hop"] - centre.loc[other]
#     print(other, (gap**2).sum() ** 0.5)
# here = table[table["genre"] == "Hip-Hop"]
# here["predicted"].value_counts()
# ```
# t-SNE keeps neighbours and gives up distances: with another seed the same regions lie elsewhere. What
# the network confuses is a measurement, and its answer has a size: a number of clips.
#
# </details>
