"""How good is a model, and how sure can one be: reports, intervals, paired tests, calibration.

Whatever predicts, a network or a scikit-learn pipeline, ends in the same :class:`Report`, and two
reports on the same clips can be compared.
"""

import numpy as np

from prcnn.evaluation.paired import (
    TIE,
    Paired,
    PairedSeeds,
    compare_over_seeds,
    interval_over_seeds,
    mcnemar,
    over_seeds,
    verdict,
)
from prcnn.evaluation.reports import (
    Report,
    classification_reports,
    from_segments,
    group_labels,
    report,
    report_of_labels,
)
from prcnn.evaluation.statistics import (
    bootstrap,
    calibration,
    clips_needed,
    difference_seen,
    holm,
    temperature,
    wilson,
)
from prcnn.evaluation.words import percent, points


def evaluate(model, store, split="test", *, batch_size=64):
    """Predict a split of a store and report.

    Parameters
    ----------
    model : keras.Model
        Takes ``store``'s spectrograms, gives (n, g) probabilities.
    store : prcnn.store.Store
    split : {"training", "validation", "test"}
    batch_size : int
        Clips in memory at a time.

    Returns
    -------
    Report
        Where artists are known, its interval is about other artists.

    Raises
    ------
    ValueError
        An empty split, or a model with another number of genres than the store.

    Chapter: book/train.ipynb
    """
    places = store.indices(split)
    batches = store.stream(split, batch_size=batch_size)
    # Not by predict, whose tf.data iterator waits for a timer at its end.
    rows = [model.predict_on_batch(batches[i][0]) for i in range(len(batches))]
    clips = store.clips.iloc[places]
    return report(
        store.labels(places), np.concatenate(rows), store.genres, clips.index, group_labels(clips)
    )
