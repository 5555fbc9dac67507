"""One run of the study: features, a network trained on them, what it is worth, all in one record.

The training page takes these steps one by one, to show them; the ablations take them by the
hundred. Both end with the same ``evaluation.json`` in the run's folder.
"""

from functools import lru_cache

from prcnn import baselines, datasets, evaluation, models, store, training
from prcnn.study import results


@lru_cache(maxsize=4)
def prepare(dataset, data_home=None, settings=None):
    """Features of a dataset, and the linear model to beat, once a process: a store and a report.

    ``dataset`` is a name or the path of a folder of genres, ``settings`` are its own by default.
    """
    clips = datasets.load(dataset, data_home=data_home)
    features = store.extract(clips, settings or clips.settings, progress=False)
    return features, baselines.mean_spectrum_report(features)


def run(
    dataset,
    network="paper",
    changes=None,
    *,
    data_home=None,
    settings=None,
    seed=0,
    out=None,
    epochs=50,
    progress=True,
    **recipe,
):
    """Train a network and report on it once, as the training page does.

    Parameters
    ----------
    dataset, data_home, settings
        See :func:`prepare`.
    network : str
        A name from ``prcnn.models.names()``.
    changes : dict, optional
        Of the network's options: see :func:`prcnn.models.build`.
    seed : int
        Of first weights and order of clips.
    out : path, optional
        Run folder; default as in :func:`prcnn.training.train`. A killed run goes on.
    epochs : int
    progress : bool
    **recipe
        Of :func:`prcnn.training.train`: ``batch_size``, ``learning_rate`` …

    Returns
    -------
    dict
        What :func:`record` gives; also ``evaluation.json`` in the run's folder.

    Chapter: book/ablations.ipynb
    """
    features, linear = prepare(dataset, data_home, settings)
    changes = changes or {}
    model = models.build(
        network, len(features.genres), input_shape=features.shape, seed=seed, **changes
    )
    trained = training.train(
        model, features, epochs=epochs, seed=seed, out=out, progress=progress, **recipe
    )
    report = evaluation.evaluate(trained.model, features)
    made = record(trained, features, report, linear, changes)
    results.write("evaluation", made, folder=trained.folder)
    return results.read("evaluation", folder=trained.folder)


def record(run, features, report, linear, changes):
    """What is kept of a run, a dict for :func:`prcnn.study.results.write`.

    ``features`` are what it was trained on, ``report`` and ``linear`` are the network's and the
    linear model's on the test split, ``changes`` are of the network's options.

    Chapter: book/train.ipynb
    """
    paired = evaluation.mcnemar(report, linear)
    settings = run.record["settings"]
    names = ("epochs", "early_stopping", "batch_size", "learning_rate", "seed")
    validation = evaluation.evaluate(run.model, features, split="validation")
    return {
        "dataset": features.name,
        "network": run.model.name,
        "changes": changes,
        "settings": features.settings.name,
        "parameters": models.trainable_parameters(run.model),
        **{name: settings[name] for name in names},
        "backend": run.record["backend"],
        "epoch_kept": run.record["best"]["epoch"],
        "seconds": run.record["seconds"],
        "validation": validation.record(),
        "of_validation": _said(validation),
        "test": report.record(),
        **_said(report),
        "linear": linear.record(),
        "paired": {
            "only_network": paired.only_first,
            "only_linear": paired.only_second,
            "p_value": paired.p_value,
        },
    }


def _said(report):
    return {
        "clips": report.clips.tolist(),
        "groups": report.groups,
        "true": report.true,
        "predicted": report.predicted,
    }
