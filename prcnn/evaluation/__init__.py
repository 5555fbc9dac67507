"""How good is a model, and how sure can one be: reports, intervals, paired tests, calibration.

Whatever predicts, a network or a scikit-learn pipeline, ends in the same :class:`Report`, and two
reports on the same clips can be compared.
"""

import contextlib
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
from prcnn.spectrogram import get_settings


def evaluate(model, store, split="test", *, batch_size=64):
    """Predict a split of a store and report: a :class:`Report`, about other artists if known.

    ``model`` is a :class:`prcnn.training.Run` or a keras.Model: ``store``'s features to (n, g)
    probabilities, ``batch_size`` clips at a time. A run, and a network that was trained here or
    came with its weights, knows the genres and settings that it learned. ValueError for an empty
    split, a store of other genres or settings, or of another number of genres.

    Chapter: book/train.ipynb
    """
    learned = {key: vars(model)[key] for key in ("genres", "settings") if key in vars(model)}
    if hasattr(model, "record"):
        learned, model = model.record["store"], model.model
    _check_learned(learned, store)
    indices = store.indices(split)
    batches = store.stream(split, batch_size=batch_size)
    # Not by predict, whose tf.data iterator waits for a timer at its end.
    rows = [model.predict_on_batch(batches[i][0]) for i in range(len(batches))]
    clips = store.clips.iloc[indices]
    return report(
        store.labels(indices), np.concatenate(rows), store.genres, clips.index, group_labels(clips)
    )


def _check_learned(learned, store):
    """Refuse a store of other genres or settings than those that were learned."""
    for what, here in (("genres", list(store.genres)), ("settings", _plain(store.settings))):
        there = _plain(learned.get(what, here))
        there, here = json.loads(json.dumps([there, here]))  # as a record is read back
        same = there == here
        if isinstance(here, dict) and isinstance(there, dict):
            fields = ["name", *(k for k in here | there if there.get(k) != here.get(k))]
            there, here = ({k: said.get(k) for k in fields} for said in (there, here))
            same = set(fields) == {"name"}
        if not same:
            raise ValueError(
                f"The network learned {what} {there}, the store {store.name!r} holds {here}. "
                f"Evaluate it on a store of the {what} that it learned, or train on this one."
            )


def _plain(said):
    """Settings as a record holds them, also those that are said by their name."""
    with contextlib.suppress(ValueError):
        said = get_settings(said)
    return dataclasses.asdict(said) if dataclasses.is_dataclass(said) else said
