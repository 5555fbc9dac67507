"""Do features made by hand add to what a network has learned? Side by side, in one classifier.

The paper names it as future work. ``prcnn_features`` in the study trains both together; this asks
the shipped network, without training it again. One command::

    python -c "from prcnn.study import joined; joined.study('~/data')"

Chapter: book/discussion.ipynb
"""

import keras
import numpy as np
from threadpoolctl import threadpool_limits

from prcnn import models
from prcnn.baselines import classifier, of_spectrograms
from prcnn.datasets import load
from prcnn.evaluation import compare_over_seeds, report_of_labels
from prcnn.store import extract
from prcnn.study import results
from prcnn.study.fma_small import FEATURES, uploads

RESULT = "joined_fma_small_images"
MADE, LEARNED, BOTH = "made by hand", "learned", "both"


def study(data_home=None, *, dataset="fma_small_images", folder=None):
    """Fit one support vector machine to features made by hand, to learned ones, and to both.

    Learned are the numbers that the last layer of the shipped ``beyond`` reads. The network has
    seen the training clips, so its features fit them better than new ones: a classifier may trust
    them too much, which speaks against what is made by hand.

    Parameters
    ----------
    data_home : str or Path, optional
    dataset : str
    folder : str or Path, optional
        Of the result, see :func:`prcnn.study.results.write`.

    Returns
    -------
    pathlib.Path
        Of ``joined_fma_small_images.json``: for each row ``numbers``, accuracy on ``validation``,
        and ``predicted``, what it says of every test clip.

    Chapter: book/discussion.ipynb
    """
    store = extract(load(dataset, data_home), models.card("beyond")["settings"], progress=False)
    network = models.pretrained("beyond")
    last = keras.Model(network.input, network.layers[-1].input)
    places = np.arange(len(store.clips))
    learned = np.concatenate(
        [
            keras.ops.convert_to_numpy(last(store.read(part), training=False))
            for part in np.array_split(places, -(-len(places) // 64))
        ]
    ).astype("float32")
    made = of_spectrograms(store, FEATURES["MFCC, deltas, bands"]).to_numpy()
    rows = {MADE: made, LEARNED: learned, BOTH: np.concatenate([made, learned], axis=1)}
    training, validation, test = (store.indices(s) for s in ("training", "validation", "test"))
    y, found = store.labels(places), {}
    for name, X in rows.items():
        with threadpool_limits(1):
            svm = classifier("svm_rbf").fit(X[training], y[training])
            found[name] = {
                "numbers": X.shape[1],
                "validation": float((svm.predict(X[validation]) == y[validation]).mean()),
                "predicted": svm.predict(X[test]),
            }
    record = {
        "dataset": dataset,
        "genres": store.genres,
        "clips": store.clips.index[test].tolist(),
        "true": y[test],
        "rows": found,
    }
    return results.write(RESULT, record, folder)


def reports(record):
    """Row → report on the test clips; those that were uploaded together are its groups.

    Chapter: book/discussion.ipynb
    """
    given = record["genres"], record["clips"], uploads(record["clips"], record["true"])
    return {
        name: report_of_labels(record["true"], row["predicted"], *given)
        for name, row in record["rows"].items()
    }


def gain(record):
    """What features made by hand add to learned ones, with its interval.

    Returns
    -------
    prcnn.evaluation.Comparison

    Chapter: book/discussion.ipynb
    """
    found = reports(record)
    return compare_over_seeds([found[BOTH]], [found[LEARNED]])
