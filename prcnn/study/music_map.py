"""A map of music: the test clips of FMA-small as the shipped network hears them, on a plane.

One command makes it again, for other weights too::

    python -c "from prcnn.study import music_map; music_map.make('~/data')"

writes ``book/results/music_map.json``; :func:`read` gives it as a table, and :func:`interactive` is
what the book's own script brings to life. :func:`make_synthetic` makes one of clips that the page
may play.
"""

import json

import keras
import numpy as np
import pandas as pd
from IPython.display import HTML
from sklearn.manifold import TSNE, trustworthiness
from sklearn.neighbors import NearestNeighbors

from prcnn import models
from prcnn.datasets import fma, load, splits
from prcnn.datasets.synthetic import clips
from prcnn.datasets.synthetic.recipes import RECIPES
from prcnn.spectrogram import IMAGES, log_mel
from prcnn.store import extract
from prcnn.study import results

RESULT = "music_map"
NEIGHBOURS = 10
#: One a genre: each at least 3 : 1 against a white page and against a dark one.
COLOURS = {
    "Electronic": "#0173b2",
    "Experimental": "#808080",
    "Folk": "#029e73",
    "Hip-Hop": "#d55e00",
    "Instrumental": "#a87c00",
    "International": "#c264b0",
    "Pop": "#e0457b",
    "Rock": "#7f5fd9",
}


def make(data_home=None, folder=None, seed=0):
    """Hear every test clip with the shipped ``beyond`` and lay its features out by t-SNE.

    ``folder`` is the result's, see :func:`prcnn.study.results.write`; ``seed`` is t-SNE's.

    Returns
    -------
    pathlib.Path
        Of the result: ``clips``, ``true``, ``probabilities``, ``x`` and ``y`` of every test clip;
        ``features``, how many numbers the network's last layer reads of it; ``trustworthiness`` of
        the map; and how often a clip's nearest neighbour from another upload is of its ``genre``,
        in these ``features`` and on the ``map``.

    Raises
    ------
    ValueError
        If the network's predictions are not those on its card: other pictures, or other weights.

    Chapter: book/music_map.ipynb
    """
    card = models.card("beyond")
    store = extract(load("fma_small_images", data_home), card["settings"])
    (X, y), tested = store.arrays("test"), store.clips.index[store.indices("test")]
    features, probabilities = _hear(X)
    of_card = dict(zip(card["test"]["clips"], card["test"]["predicted"], strict=True))
    if (probabilities.argmax(axis=1) != [of_card.get(clip) for clip in tested]).any():
        raise ValueError("These are not the predictions on the card of beyond: other pictures?")
    plane = _plane(features, seed, 30)
    groups = splits.uploads(store.clips.loc[tested]).to_numpy()
    return results.write(
        RESULT,
        {
            "genres": store.genres,
            "features": features.shape[1],
            "seed": seed,
            **_record(tested.to_numpy(), y, probabilities, plane),
            "trustworthiness": trustworthiness(features, plane, n_neighbors=NEIGHBOURS),
            "genre": {
                "features": float((_nearest(features, groups, y) == y).mean()),
                "map": float((_nearest(plane, groups, y) == y).mean()),
            },
        },
        folder,
    )


def _hear(X):
    """What the last layer of ``beyond`` reads of pictures (n, 128, 128), and what it says."""
    network = models.pretrained("beyond")
    last = keras.Model(network.input, [network.layers[-1].input, network.output])
    parts = [last(X[i : i + 50], training=False) for i in range(0, len(X), 50)]
    return (
        np.concatenate([keras.ops.convert_to_numpy(part[i]).astype("float32") for part in parts])
        for i in (0, 1)
    )


def _plane(features, seed, perplexity):
    plane = TSNE(init="pca", perplexity=perplexity, random_state=seed).fit_transform(features)
    # Its axes mean nothing, and pages are wider than high.
    return plane[:, np.argsort(-np.ptp(plane, axis=0))]


def playable():
    """The synthetic clips that the book's pages play when they are asked: eight a genre.

    Rows of :func:`prcnn.datasets.synthetic.plan`, genre by genre: two of the training split, by two
    artists and without borrowed bars, as examples, and six of the test split, drawn by lot.

    Chapter: book/guess.ipynb, book/music_map.ipynb
    """
    table = clips.plan()
    pure = table[(table["split"] == "training") & (table["share"] == 0)]
    examples = pure.drop_duplicates("artist_id").groupby("genre").head(2)
    drawn = table[table["split"] == "test"].groupby("genre").sample(6, random_state=0)
    return pd.concat([examples, drawn]).sort_values("genre", kind="stable")


def make_synthetic(data_home=None, folder=None, seed=0):
    """The map once more, of :func:`playable`'s clips: the network has never heard such music.

    Writes ``book/results/music_map_synthetic.json``, see :func:`make`. The genre that is ``true``
    is the recipe's. Chapter: book/music_map.ipynb
    """
    table = load("synthetic", data_home).clips.loc[playable().index]
    features, probabilities = _hear(np.stack([log_mel(path, IMAGES) for path in table["path"]]))
    true = table["genre"].map(fma.GENRES.index).to_numpy()
    record = _record(table.index.to_numpy(), true, probabilities, _plane(features, seed, 10))
    return results.write(
        f"{RESULT}_synthetic", {"genres": fma.GENRES, "seed": seed} | record, folder
    )


def _record(clips, true, probabilities, plane):
    """What :func:`read` reads."""
    return {
        "clips": clips,
        "true": true,
        "probabilities": [[round(float(p), 4) for p in row] for row in probabilities],
        "x": [round(float(x), 2) for x in plane[:, 0]],
        "y": [round(float(y), 2) for y in plane[:, 1]],
    }


def read(record=None):
    """The map as a table: what :func:`make` wrote, by default the recorded one.

    Returns
    -------
    pandas.DataFrame
        Index clip (FMA's track id); columns ``genre``, ``predicted``, ``probability`` (of what was
        predicted), ``right`` (bool), ``x``, ``y``, and one a genre with its probability.

    Chapter: book/music_map.ipynb
    """
    record = results.read(RESULT) if record is None else record
    genres = np.array(record["genres"])
    table = pd.DataFrame(record["probabilities"], pd.Index(record["clips"], name="clip"), genres)
    columns = {
        "genre": genres[record["true"]],
        "predicted": (predicted := genres[table.to_numpy().argmax(axis=1)]),
        "probability": table.to_numpy().max(axis=1),
        "right": predicted == genres[record["true"]],
        "x": record["x"],
        "y": record["y"],
    }
    return pd.concat([pd.DataFrame(columns, table.index), table], axis=1)


def around(table):
    """Which genre most of the ten nearest neighbours on the map have, for every clip.

    Neighbours from the clip's own upload do not count: that an album resembles itself says little.
    ``table`` is from :func:`read`; a Series comes back, index clip. Chapter: book/music_map.ipynb
    """
    genres, labels = np.unique(table["genre"], return_inverse=True)
    groups = splits.uploads(table).to_numpy()
    found = _nearest(table[["x", "y"]].to_numpy(), groups, labels, NEIGHBOURS)
    return pd.Series(genres[found], table.index)


def interactive(table, still, made=False):
    """The map for the book's ``music_map.js``; without a script and on paper the picture stays.

    ``table`` is from :func:`read`, and ``made`` by a program where the page may play its clips;
    ``still`` is the picture from :func:`prcnn.plots.show`, HTML of IPython's, as what comes back.

    Chapter: book/music_map.ipynb
    """
    genres = sorted(COLOURS)
    percent = (100 * table[genres]).round().astype(int).to_numpy().tolist()
    places = table[["x", "y"]].round(2).to_numpy().tolist()
    genre, said = (table[column].map(genres.index) for column in ("genre", "predicted"))
    dots = list(zip(table.index.tolist(), genre, said, places, percent, strict=True))
    data = {"genres": genres, "colours": [COLOURS[genre] for genre in genres], "clips": dots}
    data["synthetic"] = made and RECIPES.agg(", ".join, axis=1).to_dict()
    text = json.dumps(data, separators=(",", ":"))
    return HTML(
        f'<div class="music-map"><div class="map-still">{still.data}</div>'
        f'<script type="application/json">{text}</script></div>'
    )


def _nearest(places, groups, labels, n=1):
    """The commonest label among the ``n`` nearest of another group; the first of equals."""
    most = int(np.bincount(groups).max())
    nearest = NearestNeighbors(n_neighbors=min(n + most, len(places) - 1)).fit(places)
    order = nearest.kneighbors(return_distance=False)
    found = []
    for group, row in zip(groups, order, strict=True):
        others = labels[row[groups[row] != group][:n]]
        found.append(np.bincount(others).argmax())
    return np.array(found)
