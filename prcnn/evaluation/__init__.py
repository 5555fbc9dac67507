"""How good is a model, and how sure can one be: reports, intervals, paired tests, calibration.

Whatever predicts, a network or a scikit-learn pipeline, ends in the same :class:`Report`, and two
reports on the same clips can be compared.
"""

from prcnn.evaluation.paired import (
    Paired,
    PairedSeeds,
    compare_over_seeds,
    interval_over_seeds,
    luck_of_runs,
    mcnemar,
    over_seeds,
)
from prcnn.evaluation.reports import Report, beside, from_segments, report
from prcnn.evaluation.statistics import bootstrap, calibration, wilson

__all__ = [
    "Paired",
    "PairedSeeds",
    "Report",
    "beside",
    "bootstrap",
    "calibration",
    "compare_over_seeds",
    "evaluate",
    "from_segments",
    "interval_over_seeds",
    "luck_of_runs",
    "mcnemar",
    "over_seeds",
    "report",
    "wilson",
]

# Above this many clips (1.3 GB of spectrograms) a split is streamed from the disk.
IN_MEMORY = 4096


def evaluate(model, store, split="test", *, batch_size=64):
    """Predict a split of a store and report.

    Parameters
    ----------
    model : keras.Model
        Takes ``store``'s spectrograms, gives (n, g) probabilities.
    store : prcnn.store.Store
    split : {"training", "validation", "test"}
    batch_size : int
        Clips predicted at a time.

    Returns
    -------
    Report

    Raises
    ------
    ValueError
        An empty split, or a model with another number of genres than the store.

    Chapter: book/train.ipynb
    """
    places = store.places(split)
    if len(places) > IN_MEMORY:
        rows = model.predict(store.stream(split, batch_size=batch_size), verbose=0)
    else:
        rows = model.predict(store.read(places), batch_size=batch_size, verbose=0)
    return report(store.labels(places), rows, store.genres, store.clips.index[places])
