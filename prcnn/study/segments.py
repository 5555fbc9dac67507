"""The paper's network on segments of clips: split at random, as a leak, and split by clip.

Feng and others cut each clip into segments of 5 seconds and train on them. Here the networks are
trained on gtzan_mini's, once dealt out at random and once with all segments of a clip together, and
followed epoch by epoch. One command, which goes on where it was stopped::

    python -c "from prcnn.study import segments; segments.study('~/music', 'runs/segments')"

Chapter: book/leakage.ipynb
"""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from prcnn import audio, datasets, store
from prcnn.atomic import write_whole
from prcnn.datasets import splits
from prcnn.evaluation import compare_over_seeds, report_of_labels
from prcnn.spectrogram import FENG, PAPER
from prcnn.study import results
from prcnn.study.runs import limit_threads, once, side_by_side

RESULT, SECONDS, FOLDS = "segments_gtzan_mini", 5.0, 5
#: Network → what it sees of a segment: the paper's log-mels, as far as 5 s go, and Feng's STFT.
NETWORKS = {"paper": dataclasses.replace(PAPER, name="segments", n_frames=215), "feng": FENG}
#: How segments are dealt into folds → what stays together.
DEALT = {"at random": None, "by clip": "clip"}


def study(
    data_home=None,
    out="runs/segments",
    *,
    dataset="gtzan_mini",
    networks=tuple(NETWORKS),
    epochs=40,
    batch_size=16,
    folds=FOLDS,
    n_jobs=1,
    folder=None,
):
    """Train networks on segments, fold by fold, both ways of dealing them.

    A fold is tested by a network that was trained on the others but one, which chooses the epoch:
    so every segment is tested once each way, and the two ways can be compared segment by segment.

    Parameters
    ----------
    data_home : str or Path, optional
    out : str or Path
        Folder of the runs and the cut segments; runs that have finished are not repeated.
    dataset : str
    networks : sequence of str
        From :data:`NETWORKS`.
    epochs, batch_size, folds : int
    n_jobs : int
        Runs at a time, each on one core.
    folder : str or Path, optional
        Of the result, see :func:`prcnn.study.results.write`.

    Returns
    -------
    pathlib.Path
        Of the result: ``segments`` and their ``clips``, ``true``, and for every network and way
        ``predicted`` and ``curves`` (a fold each: ``accuracy`` and ``val_accuracy``, a number an
        epoch).

    Chapter: book/leakage.ipynb
    """
    out = Path(out).expanduser().resolve()
    cut_clips = cut(datasets.load(dataset, data_home), out / "cut")
    for network in networks:
        store.extract(cut_clips, NETWORKS[network], progress=False)
    dealt = {
        way: splits.k_fold(cut_clips.clips, k=folds, group=group) for way, group in DEALT.items()
    }
    asked = [(n, way, fold) for n in networks for way in DEALT for fold in range(folds)]
    runs = side_by_side(
        _run,
        [(out, cut_clips, n, way, fold, dealt[way], epochs, batch_size) for n, way, fold in asked],
        n_jobs,
    )
    runs = dict(zip(asked, runs, strict=True))
    genres = cut_clips.genres
    record = {
        "dataset": dataset,
        "seconds": SECONDS,
        "epochs": epochs,
        "batch_size": batch_size,
        "folds": folds,
        "genres": genres,
        "segments": cut_clips.clips.index.tolist(),
        "clips": cut_clips.clips["clip"].tolist(),
        "true": [genres.index(genre) for genre in cut_clips.clips["genre"]],
        "networks": {},
    }
    for network in networks:
        record["networks"][network] = ways = {}
        for way in DEALT:
            said = {}
            for fold in range(folds):
                said |= dict(runs[network, way, fold]["predicted"])
            ways[way] = {
                "predicted": [said[segment] for segment in record["segments"]],
                "curves": [runs[network, way, fold]["curves"] for fold in range(folds)],
                "seconds": [runs[network, way, fold]["seconds"] for fold in range(folds)],
            }
    return results.write(RESULT, record, folder)


def cut(dataset, folder, seconds=SECONDS):
    """Write every segment of a dataset's clips to a sound file of its own.

    Parameters
    ----------
    dataset : prcnn.datasets.Dataset
    folder : Path
    seconds : float
        Length of a segment; see :func:`prcnn.datasets.splits.segments`.

    Returns
    -------
    prcnn.datasets.Dataset
        Of segments; column ``clip`` says of which clip.

    Chapter: book/leakage.ipynb
    """
    table = splits.segments(dataset.clips, seconds)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for segment, row in table.iterrows():
        path = folder / f"{segment.replace(':', '-')}.wav"
        if not path.exists():
            y = audio.load(row["path"], sr=None, offset=row["offset"], duration=row["duration"])
            sr = audio.rate(row["path"])

            def write(part, y=y, sr=sr):
                soundfile.write(part, y, sr, format="WAV")

            write_whole(path, write)
        paths.append(str(path))
    return dataclasses.replace(
        dataset, name=f"{dataset.name}-segments", clips=table.assign(path=paths)
    )


def reports(record, network):
    """What a network said of all segments: way of dealing → report, whose groups are clips.

    Chapter: book/leakage.ipynb
    """
    return {
        way: report_of_labels(
            record["true"],
            found["predicted"],
            record["genres"],
            record["segments"],
            record["clips"],
        )
        for way, found in record["networks"][network].items()
    }


def leak(record, network):
    """Accuracy at random minus accuracy by clip, on the same segments, with its interval.

    Returns
    -------
    prcnn.evaluation.Comparison

    Chapter: book/leakage.ipynb
    """
    found = reports(record, network)
    return compare_over_seeds([found["at random"]], [found["by clip"]])


def curves(record, network):
    """Validation accuracy of every epoch: way of dealing → DataFrame, a column a fold.

    Chapter: book/leakage.ipynb
    """
    found = {}
    for way, run in record["networks"][network].items():
        table = pd.DataFrame({i: fold["val_accuracy"] for i, fold in enumerate(run["curves"])})
        table.index = pd.RangeIndex(1, len(table) + 1, name="epoch")
        found[way] = table
    return found


def _run(out, dataset, network, way, fold, dealt, epochs, batch_size):
    """One network, tested on one fold, from `out` where it has been done."""
    limit_threads(1)
    name = f"{network}-{way.replace(' ', '-')}-{fold}-{epochs}-{batch_size}"

    def train():
        # Imports the backend, which reads the number of threads once.
        from prcnn import evaluation, models, training

        features = store.extract(dataset, NETWORKS[network], progress=False)
        parts = [dealt == fold, dealt == (fold + 1) % (dealt.max() + 1)]
        split = np.select(parts, ["test", "validation"], "training")
        features = dataclasses.replace(features, clips=features.clips.assign(split=split))
        model = models.build(network, len(features.genres), input_shape=features.shape, seed=fold)
        run = training.train(
            model,
            features,
            epochs=epochs,
            seed=fold,
            batch_size=batch_size,
            precision="float32",
            out=out / name,
            progress=False,
        )
        test = evaluation.evaluate(run.model, features)
        return {
            "predicted": list(zip(test.clips.tolist(), test.predicted.tolist(), strict=True)),
            "curves": {name: run.history[name].tolist() for name in ("accuracy", "val_accuracy")},
            "seconds": float(run.history["seconds"].sum()),
        }

    return once(out / f"{name}.json", train)
