"""From trained runs to the weights inside the package, with the card that says what they are."""

import hashlib
import json
from pathlib import Path

import keras
import numpy as np

from prcnn import evaluation
from prcnn.atomic import write_whole
from prcnn.models import build, trainable_parameters
from prcnn.models.shipped import weights
from prcnn.training import Run, load_run

LIMITS = (
    "It tells the genres of its training set apart and no others: whatever it hears gets one.",
    "Those genres are what artists called their tracks on the Free Music Archive; Pop, "
    "Experimental, Instrumental and International overlap with all others, and it errs there most.",
    "About half of all clips by artists that it has not heard are taken for another genre.",
    "It sees one frame every 0.23 s: timbre and its slow course, no rhythm finer than that.",
    "Speech, noise and silence get a genre, too; the probabilities do not say that it is no music.",
)
COMMAND = (
    'python -c "import prcnn; from prcnn.study import ship; '
    "store = prcnn.extract(prcnn.load({data!r}, download=True)); "
    "runs = [prcnn.train(prcnn.build({network!r}, {n_genres}, input_shape=store.shape, seed=seed), "
    "store, epochs={epochs}, seed=seed) for seed in {seeds}]; "
    "ship.ship(runs, store, 'prcnn/models')\""
)


def ship(runs, store, folder):
    """Write the weights of the best run by validation, and their card, into ``folder``.

    Matrices are rounded to 16 bits. The temperature that calibrates the network on validation
    (Guo et al. 2017) is divided into its last layer, so that its probabilities are calibrated as
    they come. The card's scores are those of the file, read again.

    Parameters
    ----------
    runs : list of path or prcnn.training.Run
        Finished runs of one network without changes, on the same store, that differ in their seed;
        or ValueError.
    store : prcnn.store.Store
        With the splits that they were trained, chosen and are now tested on.
    folder : str or Path
        ``prcnn/models`` of a checkout.

    Returns
    -------
    dict
        The card: see :func:`prcnn.models.card`.
    """
    runs = [run if isinstance(run, Run) else load_run(run) for run in runs]
    _check(runs, store)
    run = max(runs, key=lambda each: each.record["best"]["val_accuracy"])  # the first of equals
    model = _plain(run, store)
    arrays = {key: _rounded(value) for key, value in weights(run.model).items()}
    _assign(model, arrays)
    chosen_on = evaluation.evaluate(model, store, "validation")
    temperature = evaluation.temperature(chosen_on)
    for key in ("genre/0", "genre/1"):
        arrays[key] = (arrays[key] / temperature).astype(arrays[key].dtype)
    _assign(model, arrays)

    name, folder = model.name, Path(folder)
    path = folder / f"{name}.npz"
    write_whole(path, lambda partial: np.savez_compressed(partial, **arrays))
    reports = {split: evaluation.evaluate(model, store, split) for split in ("validation", "test")}
    settings = run.record["settings"]
    card = {
        "network": name,
        "parameters": trainable_parameters(model),
        "input_shape": list(store.shape),
        "settings": getattr(store.settings, "name", str(store.settings)),
        "genres": list(store.genres),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "data": {
            "name": store.name,
            "fingerprint": store.fingerprint,
            "clips": store.clips["split"].value_counts().to_dict(),
        },
        "split": "the dataset's own: trained on training, chosen on validation, test only reported",
        "seed": settings["seed"],
        "best_epoch": int(run.record["best"]["epoch"]),
        "recipe": settings,
        "runs": {
            str(each.record["settings"]["seed"]): float(each.record["best"]["val_accuracy"])
            for each in runs
        },
        "temperature": temperature,
        **{split: _scores(report) for split, report in reports.items()},
        "limits": LIMITS,
        "command": COMMAND.format(
            data=store.name,
            network=name,
            n_genres=len(store.genres),
            epochs=settings["epochs"],
            seeds=[each.record["settings"]["seed"] for each in runs],
        ),
        "provenance": run.record["provenance"],
    }
    card["test"] |= {
        "clips": reports["test"].clips.tolist(),
        "predicted": reports["test"].predicted.tolist(),
    }
    text = json.dumps(card, indent=1)
    write_whole(folder / f"{name}.json", lambda partial: partial.write_text(text + "\n"))
    return card


def _check(runs, store):
    if not runs:
        raise ValueError("There are no runs to choose from.")
    for run in runs:
        if not run.record["finished"]:
            raise ValueError(f"{run.folder} is not finished: call train again, it goes on.")
        if run.record["store"]["fingerprint"] != store.fingerprint:
            raise ValueError(f"{run.folder} was trained on other data than {store.name!r}.")


def _plain(run, store):
    model = build(run.model.name, len(store.genres), input_shape=tuple(store.shape))
    here, there = (
        {key: tuple(weight.shape) for key, weight in weights(each).items()}
        for each in (model, run.model)
    )
    if here != there:
        raise ValueError(f"{run.folder} holds {run.model.name!r} with changes; ship it as it is.")
    return model


def _rounded(weight):
    """Matrices in 16 bits; vectors, of which there are few, as they are."""
    value = np.array(keras.ops.convert_to_numpy(weight))
    return value.astype("float16") if value.ndim > 1 else value


def _assign(model, arrays):
    for key, weight in weights(model).items():
        weight.assign(arrays[key].astype(weight.dtype))


def _scores(report):
    bins = evaluation.calibration(report).dropna()
    gaps = (bins["confidence"] - bins["accuracy"]).abs() * bins["n"]
    likelihood = report.probabilities[np.arange(report.n), report.true]
    return report.record() | {
        "by_genre": report.per_genre.round(4).to_dict("index"),
        "calibration_error": float(gaps.sum() / report.n),
        "log_loss": float(-np.log(likelihood).mean()),
    }
