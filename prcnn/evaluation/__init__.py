"""How good is a model, and how sure can one be: reports, intervals, paired tests, calibration.

Whatever predicts, a network or a scikit-learn pipeline, ends in the same :class:`Report`, and two
reports on the same clips can be compared.
"""

import dataclasses
import json

import numpy as np

from prcnn.evaluation.calibration import calibration, temperature
from prcnn.evaluation.paired import (
    Paired,
    compare_over_seeds,
    interval_over_seeds,
    mcnemar,
)
from prcnn.evaluation.reports import (
    Report,
    classification_reports,
    group_labels,
    report,
    report_of_labels,
)
from prcnn.evaluation.statistics import (
    TIE,
    Comparison,
    accuracy_interval,
    adjusted_level,
    benjamini_hochberg,
    compare,
    run_variance,
    verdict,
    wilson,
)
from prcnn.evaluation.words import p_value, percent, points


def evaluate(model, store, split="test", *, batch_size=64):
    """Predict a split of a store and report: a :class:`Report`, about other artists if known.

    ``model`` is a :class:`prcnn.training.Run`, which knows the genres and settings that it learned
    and is not evaluated on others, or a keras.Model: ``store``'s features to (n, g) probabilities,
    ``batch_size`` clips at a time. ValueError for an empty split, a run of other genres or
    settings, or a network with another number of genres than the store.

    Chapter: book/train.ipynb
    """
    if hasattr(model, "record"):
        _check_learned(model.record["store"], store)
        model = model.model
    indices = store.indices(split)
    batches = store.stream(split, batch_size=batch_size)
    # Not by predict, whose tf.data iterator waits for a timer at its end.
    rows = [model.predict_on_batch(batches[i][0]) for i in range(len(batches))]
    clips = store.clips.iloc[indices]
    return report(
        store.labels(indices), np.concatenate(rows), store.genres, clips.index, group_labels(clips)
    )


def _check_learned(learned, store):
    """Refuse a store of other genres or settings than those in a run's record."""
    settings = store.settings
    settings = dataclasses.asdict(settings) if dataclasses.is_dataclass(settings) else str(settings)
    held = {"genres": list(store.genres), "settings": settings}
    learned, held = json.loads(json.dumps([learned, held]))  # as a record is read back
    for what, here in held.items():
        there, same = learned[what], learned[what] == here
        if isinstance(here, dict) and isinstance(there, dict):
            fields = ["name", *(k for k in here | there if there.get(k) != here.get(k))]
            there, here = ({k: said.get(k) for k in fields} for said in (there, here))
            same = set(fields) == {"name"}
        if not same:
            raise ValueError(
                f"The run learned {what} {there}, the store {store.name!r} holds {here}. Evaluate "
                f"it on a store of the {what} that it learned, or train on this one."
            )
