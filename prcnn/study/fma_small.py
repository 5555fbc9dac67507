"""FMA-small in its official split: what methods make of the same pictures.

Each number has one command, which goes on where it was stopped::

    python -c "from prcnn.study import fma_small as f; f.baselines('~/data', 'runs/svm')"

writes ``book/results/baselines_fma_small_images.json``; :func:`reports` reads it and
:func:`easier_validation` asks why validation is easier than test. The study of the paper's networks
on these pictures is :func:`study`::

    python -c "from prcnn.study import fma_small as f; f.study('~/data', 'runs/study')"
"""

from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from prcnn.baselines import classifier, of_spectrograms
from prcnn.datasets import load
from prcnn.datasets.fma_images import vggish
from prcnn.evaluation import interval_over_seeds, report_of_labels, wilson
from prcnn.store import extract
from prcnn.study import ablations, paper, results
from prcnn.study.runs import once, side_by_side

RESULT = "baselines_fma_small_images"
STUDY = "ablations_fma_small_images"
#: What a picture is described by, and what pre-training on far more music hears in the same clips.
FEATURES = {
    "MFCC": ("mfcc",),
    "bands": ("bands",),
    "MFCC, deltas, bands": ("mfcc", "delta", "bands"),
    "VGGish": None,
}
CLASSIFIERS = ("svm_rbf", "knn", "logistic", "forest", "mlp")
_DRAWN = ("forest", "mlp")  # those that draw random numbers: five seeds
_SPLITS = ("validation", "test")


def baselines(data_home=None, out=None, n_jobs=2, folder=None):
    """Fit every classifier to every description; validation chooses, test reports.

    ``data_home`` has ``fma_small_images``, and ``vggish.npz`` in it (without it those rows are left
    out), ``out`` the finished fits, which are not repeated (by default it is the data's folder);
    ``folder`` is the result's, see :func:`prcnn.study.results.write`, whose path is returned.

    The result has for every description the validation accuracy of every classifier, and for the
    best one of each (and the SVM, the published reference) what it says of every clip of validation
    and test, a list a seed. Of the other classifiers test is not looked at.

    Chapter: book/baselines.ipynb
    """
    store = extract(load("fma_small_images", data_home))
    out = Path(out).expanduser() if out else store.folder.parent / RESULT
    described = {
        name: of_spectrograms(store, names).to_numpy() for name, names in FEATURES.items() if names
    }
    try:
        described["VGGish"] = vggish(data_home, store).to_numpy()
    except FileNotFoundError as error:
        print(f"Without VGGish: {error}")
    fits = [(features, name, 0) for features in described for name in CLASSIFIERS]
    found = _fit_all(fits, described, store, out, n_jobs)
    y = {split: store.labels(store.indices(split)) for split in _SPLITS}

    def right(fit, split):
        return float((np.array(found[fit][split]) == y[split]).mean())

    validation = {f: {n: right((f, n, 0), "validation") for n in CLASSIFIERS} for f in described}
    chosen = {features: max(scores, key=scores.get) for features, scores in validation.items()}
    rows = [(f, n) for f in described for n in dict.fromkeys((chosen[f], "svm_rbf"))]
    more = [(f, n, seed) for f, n in rows if n in _DRAWN for seed in range(1, 5)]
    found |= _fit_all(more, described, store, out, n_jobs)
    record = {
        "dataset": store.name,
        "splits": "official",
        "settings": store.settings.name,
        "genres": store.genres,
        "validation": validation,
        "chosen": chosen,
        "clips": {split: store.clips.index[store.indices(split)].tolist() for split in _SPLITS},
        "true": {split: y[split].tolist() for split in _SPLITS},
        "rows": {},
    }
    for features, name in rows:
        runs = [(features, name, seed) for seed in range(5 if name in _DRAWN else 1)]
        record["rows"][f"{name}, {features}"] = {
            "features": features,
            "numbers": described[features].shape[1],
            "classifier": name,
            **{split: [right(run, split) for run in runs] for split in _SPLITS},
            "predicted": {split: [found[run][split] for run in runs] for split in _SPLITS},
        }
    return results.write(RESULT, record, folder)


def reports(record=None):
    """The predictions that :func:`baselines` recorded, or those of such a record, as reports.

    Row → {"validation": list of Report, "test": list of Report}, one a seed. Clips that were
    uploaded together (see :func:`uploads`) are their ``groups``, for intervals.

    Chapter: book/baselines.ipynb
    """
    record = results.read(RESULT) if record is None else record
    return {
        name: {
            split: [
                report_of_labels(
                    true := record["true"][split],
                    predicted,
                    record["genres"],
                    clips := record["clips"][split],
                    uploads(clips, true),
                )
                for predicted in row["predicted"][split]
            ]
            for split in _SPLITS
        }
        for name, row in record["rows"].items()
    }


def contenders():
    """Test reports on FMA-small's official split, all on the same pictures: method → one a seed.

    ``beyond``, ``paper`` with standardised bands, and the best support vector machines. Clips that
    were uploaded together are their ``groups``.

    Chapter: book/intro.ipynb
    """
    record = results.read(RESULT)
    clips = record["clips"]["test"]
    networks = {
        "beyond": (results.read("beyond_fma_small_images")["test"], "beyond"),
        "paper, standardised bands": (results.read(STUDY), ablations.REFERENCE),
    }
    for name, (run, _) in networks.items():
        if run["clips"] != clips:
            raise ValueError(f"{name} was tested on other clips than the baselines.")
    found = {name: ablations.reports_of(run, row) for name, (run, row) in networks.items()}
    svms = reports(record)
    return {
        "VGGish (pre-trained) + SVM": svms["svm_rbf, VGGish"]["test"],
        **found,
        "SVM on MFCC, deltas, bands": svms["svm_rbf, MFCC, deltas, bands"]["test"],
        "SVM on MFCC": svms["svm_rbf, MFCC"]["test"],
    }


def study(data_home=None, out="runs/study", *, epochs=60, early_stopping=15, folder=None, **others):
    """Train rows of the ablation study on the pictures until validation stops rising.

    At most ``epochs``, and ``early_stopping`` of them without a better one; ``others`` are
    arguments of :func:`prcnn.study.ablations.sweep` (``rows``, ``seeds``, ``n_jobs`` …). Returns
    the path of ``ablations_fma_small_images.json``, in ``folder`` (see
    :func:`prcnn.study.results.write`), as :func:`prcnn.study.ablations.collect` makes it;
    ``groups`` are :func:`uploads`.

    Chapter: book/ablations.ipynb
    """
    asked = {"data_home": data_home, "epochs": epochs, "early_stopping": early_stopping, **others}
    runs = ablations.sweep(out, **{"dataset": "fma_small_images"} | asked)
    return results.write(STUDY, by_uploads(ablations.collect(runs)), folder)


def by_uploads(record):
    """A record of :func:`prcnn.study.ablations.collect` whose ``groups`` are :func:`uploads`."""
    return {**record, "groups": uploads(record["clips"], record["true"]).tolist()}


def board():
    """:func:`contenders` as a table: mean test accuracy and its 95 % interval.

    Index method; columns ``seeds`` (a list of accuracies), ``accuracy``, ``low``, ``high``; best
    first.

    Chapter: book/intro.ipynb
    """
    rows = {
        name: ([run.accuracy for run in runs], *interval_over_seeds(runs))
        for name, runs in contenders().items()
    }
    table = pd.DataFrame.from_dict(rows, "index", columns=["seeds", "low", "high"])
    table.insert(1, "accuracy", table["seeds"].map(np.mean))
    return table.rename_axis("method").sort_values("accuracy", ascending=False)


def leaderboard():
    """FMA-small's official split: what was measured here beside what was published, a table.

    Index method; columns ``accuracy``, ``low``, ``high`` (fractions; of published figures the
    Wilson interval of 800 clips), ``seeds`` (a list where known), ``input``, ``split`` and
    ``source``; best first.

    Chapter: book/baselines.ipynb
    """
    ours = board().assign(input="picture, 128 × 128", split="official", source="this book")
    ours.loc[ours.index.str.startswith("VGGish"), "input"] = "128 numbers"
    correct = int(paper.CONFUSION_FIGURE2.to_numpy().trace())
    figure2 = ("the paper, Figure 2", correct / 8, "log-mel", "the paper")
    theirs = paper.REFERENCES
    theirs = pd.concat([theirs, pd.DataFrame([figure2], columns=theirs.columns)])
    theirs = theirs.assign(accuracy=theirs["test"] / 100, split="official").set_index("method")
    bounds = [wilson(round(8 * test), 800) for test in theirs["test"]]
    theirs[["low", "high"]] = bounds
    theirs.loc[theirs.index.str.contains("not verified"), "split"] = "not verified"
    others = paper.RANDOM_SPLITS.set_index("method")
    others = others.assign(
        accuracy=others["test"] / 100, split="random", input=ours["input"].mode()[0]
    )
    others[["low", "high"]] = [
        wilson(round(n * test / 100), n)
        for test, n in zip(others["test"], others["clips"], strict=True)
    ]
    columns = ["accuracy", "low", "high", "seeds", "input", "split", "source"]
    whole = pd.concat([ours, theirs, others])[columns].rename_axis("method")
    return whole.sort_values("accuracy", ascending=False)


def uploads(clips, labels):
    """What was probably uploaded together: track ids of one genre, no more than 10 apart.

    The pictures know no artists. FMA numbers tracks as they arrive, an album in one go: the 800
    test clips fall into 293 such groups, for which an int array (n,) stands.

    Chapter: book/baselines.ipynb
    """
    table = pd.DataFrame({"clip": clips, "genre": labels}).sort_values(["genre", "clip"])
    new = (table["genre"].diff() != 0) | (table["clip"].diff() > 10)
    return new.cumsum().sort_index().to_numpy()


def easier_validation(record=None, n_resamples=2000, seed=0):
    """How much easier validation is than test, genre by genre, and whether that is luck.

    Of the rows of :func:`reports`. Index genre and "all"; columns ``validation`` and ``test``
    (recall, the mean over the rows and their seeds), ``difference``, ``low`` and ``high`` (95 %
    bootstrap interval of the difference, drawing whole uploads, see :func:`uploads`).

    Chapter: book/discussion.ipynb
    """
    record = results.read(RESULT) if record is None else record
    found, random = reports(record), np.random.default_rng(seed)
    right, genre, group = {}, {}, {}
    for split in _SPLITS:
        rows = [np.mean([r.correct for r in row[split]], axis=0) for row in found.values()]
        right[split] = np.mean(rows, axis=0)
        genre[split] = np.array(record["true"][split])
        group[split] = uploads(record["clips"][split], genre[split])
    names = [*record["genres"], "all"]
    means, drawn = {}, {}
    for split in _SPLITS:
        # An upload has one genre: sums and sizes of its clips are all that is drawn.
        each = pd.DataFrame({"right": right[split], "genre": genre[split]}).groupby(group[split])
        each = each.agg(right=("right", "sum"), n=("right", "size"), genre=("genre", "first"))
        drawn[split] = np.empty((n_resamples, len(names)))
        total = np.zeros((n_resamples, 2))
        for g in range(len(names) - 1):
            here = each.loc[each["genre"] == g, ["right", "n"]].to_numpy()
            sums = here[random.integers(len(here), size=(n_resamples, len(here)))].sum(axis=1)
            drawn[split][:, g] = sums[:, 0] / sums[:, 1]
            total += sums
        drawn[split][:, -1] = total[:, 0] / total[:, 1]
        by_genre = [right[split][genre[split] == g].mean() for g in range(len(names) - 1)]
        means[split] = [*by_genre, right[split].mean()]
    table = pd.DataFrame(means, index=pd.Index(names, name="genre"))
    table["difference"] = table["validation"] - table["test"]
    low, high = np.quantile(drawn["validation"] - drawn["test"], [0.025, 0.975], axis=0)
    return table.assign(low=low, high=high)


def _fit_all(fits, described, store, out, n_jobs):
    """Fit → {split: labels said}, from `out` where it has been done."""
    training, y = store.indices("training"), store.labels(np.arange(len(store.clips)))
    asked = []
    for features, name, seed in fits:
        X = described[features]
        parts = {split: X[store.indices(split)] for split in _SPLITS}
        path = out / f"{store.fingerprint[:12]}-{features}-{name}-{seed}.json".replace(", ", "-")
        asked.append((path, name, seed, X[training], y[training], parts))
    return dict(zip(fits, side_by_side(_fit, asked, n_jobs, "fit"), strict=True))


def _fit(path, name, seed, X, y, parts):
    def said():
        with threadpool_limits(1):
            model = classifier(name, seed).fit(X, y)
        return {split: model.predict(rows).tolist() for split, rows in parts.items()}

    return once(path, said)
