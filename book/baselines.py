# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Baselines: what must a network beat?
#
# *An accuracy means little until one knows what it cost to get. Here seven classifiers of the kind
# that were there before deep learning hear the same clips as the networks, and the same test says
# who is better.*
#
# The paper sets its network beside support vector machines, and never ran one. Guess first: how far is a
# network of this family ahead of a machine that is trained in a minute on 140 numbers a clip?

# %% tags=["parameters", "hide-input"]
dataset = "synthetic"
data_home = None
features = "mfcc"  # mfcc: 140 numbers a clip, fast; fma: FMA's 518; all: those and rhythm, 616
folds = 0  # 0: the dataset's own split; 5: cross-validation, for datasets without a test split
network = None  # train this network here, too
epochs = 50
seed = 0
write_results = False  # write book/results/baselines_DATASET.json

# %% tags=["hide-input"]
import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from IPython.display import Markdown, display

import prcnn
from prcnn import audio, baselines, evaluation, models, plots, store, training
from prcnn.study import ablations, fma_small, facts, results
from prcnn.datasets import splits

plots.use_style()
clips = prcnn.datasets.load(dataset, data_home=data_home)
print(f"{len(clips.clips)} clips of {len(clips.genres)} genres")

# %% [markdown]
# ## FMA-small, official split
#
# Eight hundred clips by artists of whom no other clip was heard: that is the test that most papers of
# this family use, and few agree on how. Here is everything that we know to have been measured on it, the
# dataset's authors' own figure among it {cite}`defferrard2017fma`, with an interval each
# ({numref}`fig-baselines-board`, and in numbers {numref}`tab-baselines-board`). Bold names were
# measured in this book, on pictures of 128 frames by 128 bands ([datasets](datasets.ipynb)); the others
# are as published.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-baselines-board", "caption": "FMA-small's official split: everything we know to have been measured on its 800 test clips, with 95 % intervals. Bold: measured in this book."}}
board = fma_small.leaderboard()
official = board[board["split"] != "random"]
ax = plots.accuracies(official, chance=1 / 8)
for label, source in zip(ax.get_yticklabels(), official["source"], strict=True):
    label.set_fontweight("bold" if source == "this book" else "normal")
plots.show(
    ax,
    alt="Test accuracy with interval of some fifteen methods on FMA-small's official split, best first.",
)

# %% tags=["hide-input", "hide-output"] mystnb={"figure": {"name": "tab-baselines-board", "caption": "The same in numbers (%), with what each method was fed and where the figure comes from."}}
shown = 100 * board[["accuracy", "low", "high"]]
shown.join(board[["input", "split", "source"]]).style.format(precision=1)

# %% [markdown]
# Two lines of the table come from *random* splits of these very pictures, with clips of one artist on
# both sides; they are not comparable with the rest, and the chapter on [leakage](leakage.ipynb) says how
# many points such a split gives away. The intervals of the published figures are the {term}`Wilson interval`
# that 800 clips allow; ours also know that clips which were uploaded together rise and fall together,
# and that another seed gives another network.

# %% tags=["remove-cell"]
published = facts.REFERENCES.set_index("method")
scratch = board.loc[["PRCNN (Dwivedi)", "CRNN (Dwivedi)", "CNN alone"]]
svm = board.loc["SVM on MFCC statistics", "accuracy"]
assert ((scratch["low"] < svm) & (svm < scratch["high"])).all()
assert svm < board.loc["BBNN, epoch chosen on test", "low"]

# %% [markdown]
# A support vector machine on 140 numbers a clip lies inside the interval of every published network of
# the paper's family. Those that are clearly above it chose their epoch on the test split, were run once,
# or had heard other music before.
#
# The rest of this chapter makes such a machine, step by step, on the dataset that needs no network:
# synthetic music, by default.

# %% [markdown]
# ## From a clip to 140 numbers
#
# A hand-crafted feature describes each frame of a clip; a clip is then described by how that
# description is distributed over its frames. Mel-frequency cepstral coefficients describe the
# *shape* of a frame's spectrum: the first how loud it is, the next its tilt, later ones ever finer
# ripples {cite}`mcfee2015librosa`. Listen to a clip, then look at what is left of it
# ({numref}`fig-baselines-mfcc`).

# %% tags=["hide-input"]
example = clips.clips[clips.clips["split"] == "test"].iloc[0]
y = audio.load(example["path"], duration=30)
plots.player(y, label=f"a clip of {example['genre']}")

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-baselines-mfcc", "caption": "A clip as a support vector machine gets it: 20 coefficients by seven statistics over its frames, each column relative to its largest value."}}
row = pd.Series(baselines.MFCC.of(y), index=baselines.MFCC.columns)
print(f"{y.shape[0]} samples become {row.shape[0]} numbers: 20 coefficients × 7 statistics.")
shape = pd.DataFrame(
    row.to_numpy().reshape(7, 20).T, range(1, 21), columns=row.index.unique("statistics")
)
ax = sns.heatmap(
    shape / shape.abs().max(), cmap="vlag", center=0, cbar_kws={"label": "relative to column"}
)
ax.set(title=f"MFCC statistics of a clip of {example['genre']}", ylabel="coefficient", xlabel="")
plots.show(ax, alt="Heatmap of 20 cepstral coefficients in rows by seven statistics in columns.")

# %% [markdown]
# Skewness and kurtosis say whether a few frames stand out; none of the seven says *when*. Shuffle
# the frames of a clip and all 140 numbers stay as they are. What a network gains by listening in
# time, it must gain over this.
#
# The FMA dataset publishes 518 such numbers: MFCC, three chromagrams, tonal centroids, energy, zero
# crossings and five descriptions of the spectrum. We compute them with the same arguments to librosa,
# and add 98 of rhythm (onset strength and how its beat divides), since none of the 518 knows a tempo.
# {numref}`tab-baselines-sets` sorts them as {cite:t}`mutiara2016` sorted theirs.

# %% tags=["hide-input"] mystnb={"figure": {"name": "tab-baselines-sets", "caption": "The descriptions of a clip by what they hear, after Mutiara."}}
sizes = {
    name: sum(baselines.features.SIZES[n] for n in names)
    for name, names in baselines.SUBSETS.items()
}
pd.DataFrame(
    {
        "descriptions": {name: ", ".join(names) for name, names in baselines.SUBSETS.items()},
        "numbers a clip": {name: 7 * size for name, size in sizes.items()},
    }
).style

# %% [markdown]
# Their musical surface has spectral flux where we have bandwidth and contrast; their rhythm comes
# from a histogram of beats, ours from a tempogram; their tonality has key strengths where we have
# tonal centroids. Their fifth set, linear prediction, has no counterpart here.
#
# ## Seven classifiers
#
# Each is a scikit-learn pipeline with default settings: standardise, then classify. The scaler's
# means come from training clips only. Features are computed in parallel and kept on disk, like
# spectrograms; the second run reads them.

# %%
described = baselines.extract_features(clips, features, progress=False)
spectra = store.extract(clips, progress=False)
table = described.clips
X = described.read(np.arange(len(table)))
lost = len(described.failed)
print(f"{len(table)} clips × {X.shape[1]} numbers; {lost} left out")

# %% [markdown]
# With `folds = 0` a classifier is trained on the training split and tested on the test split. A
# dataset too small for that is cut into {term}`folds <fold>`: every clip is tested once, by a model
# that was trained on the others ({numref}`tab-baselines-classifiers`).

# %% tags=["hide-input"] mystnb={"figure": {"name": "tab-baselines-classifiers", "caption": "Every classifier on this page's clips, best first."}}
if folds:
    table = table.assign(fold=splits.k_fold(table, k=folds, seed=seed))


def measure(name, rows, table=table, split="test"):
    """Train a classifier on rows of numbers and report, by split or by folds."""
    genres = described.genres
    if folds:
        return baselines.cross_validate(name, rows, table, genres, seed=seed)
    return baselines.train_and_report(name, rows, table, genres, split, seed=seed)


held = described.settings.columns.get_level_values("feature")
sets = {"mfcc": held == "mfcc"}
if features != "mfcc":
    sets["FMA's 518"] = ~held.isin(baselines.SUBSETS["rhythm"])
if features == "all":
    sets |= {name: held.isin(names) for name, names in baselines.SUBSETS.items()}
    sets["all 616"] = held.isin(held)
reports = {
    f"{name}, {kind}": measure(name, X[:, keep])
    for kind, keep in sets.items()
    for name in baselines.names()
}
frames = baselines.of_spectrograms(spectra).to_numpy()
reports["svm_rbf, the network's frames"] = measure(
    "svm_rbf",
    frames,
    table.loc[spectra.clips.index] if folds else spectra.clips,
)
reports["logistic, mean spectrum"] = measure(
    "logistic",
    baselines.mean_spectra(spectra),
    table.loc[spectra.clips.index] if folds else spectra.clips,
)


def lines(reports):
    """Accuracy with interval and macro-F1, one line a report."""
    columns = ["accuracy", "low", "high", "macro F1", "clips"]
    rows = [(r.accuracy, *r.interval, r.macro_f1, r.n) for r in reports.values()]
    return pd.DataFrame(rows, index=list(reports), columns=columns)


lines(reports).sort_values("accuracy", ascending=False).style.format(precision=3)

# %% tags=["remove-cell"]
assert {"mfcc"} <= set(sets) and len(reports) == 7 * len(sets) + 2
if dataset == "synthetic":
    assert reports["svm_rbf, mfcc"].interval[0] > 1 / 8, "MFCC statistics must beat guessing"

# %% [markdown]
# ## Beside the networks
#
# The networks' predictions for the same clips come from stored runs (the chapters on training and on
# ablations), so that the two can be compared clip by clip.


# %% tags=["hide-input"]
def stored(name):
    """What a stored study predicted: {row: report of its first seed}, empty where there is none."""
    try:
        record = results.read(name)
    except FileNotFoundError:
        return {}
    if "rows" not in record:  # one run of the training page
        row = f"{record['network']}, {record['epochs']} epochs"
        record |= {
            "genres": record["test"]["genres"],
            "rows": {row: {"predicted": [record["predicted"]]}},
        }
    return {
        row: ablations.reports_of(record, row)[0]
        for row, found in record["rows"].items()
        if found.get("group", "Table 2") == "Table 2"  # of a study, the paper's own rows
    }


def train_network():
    """Train on the split, or fold by fold with the next fold as validation; one report."""
    every = spectra.clips
    parts = {"": every["split"]}
    if folds:
        fold = table.loc[every.index, "fold"]
        chosen = {f: [fold == f, fold == (f + 1) % folds] for f in range(folds)}
        parts = {f: np.select(c, ["test", "validation"], "training") for f, c in chosen.items()}
    found = []
    for part, split in parts.items():
        part_store = dataclasses.replace(spectra, clips=every.assign(split=split))
        model = models.build(
            network, len(spectra.genres), input_shape=spectra.settings.shape, seed=seed
        )
        folder = f"runs/baselines-{dataset}-{network}-{epochs}-{seed}-{part}"
        run = training.train(model, part_store, epochs=epochs, seed=seed, batch_size=16, out=folder)
        found.append(evaluation.evaluate(run.model, part_store))
    return evaluation.report(
        np.concatenate([r.true for r in found]),
        np.concatenate([r.probabilities for r in found]),
        spectra.genres,
        np.concatenate([r.clips for r in found]),
    )


networks = {f"network: {network}": train_network()} if network is not None else {}
tested = set(reports["svm_rbf, mfcc"].clips)
earlier = stored(f"ablations_{dataset}") | stored(f"train_{dataset}")
earlier = {f"network: {row}": r for row, r in earlier.items()}
earlier |= {k: r for k, r in stored(f"baselines_{dataset}").items() if k.startswith("network")}
networks = {k: r for k, r in earlier.items() if set(r.clips) == tested} | networks
if not networks:
    display(Markdown(f"*No network has been measured on these clips of {dataset} yet.*"))

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-baselines-networks", "caption": "Classifiers on hand-made features beside the networks that were measured on the same clips."}}
simple = ("mfcc", "mean spectrum", "the network's frames")
shown = {name: r for name, r in reports.items() if name.split(", ")[1] in simple}
plots.show(
    plots.accuracies(lines(shown | networks), chance=1 / len(clips.genres)),
    alt="Accuracy with 95 % interval of classifiers on MFCC statistics and of the networks.",
)

# %% [markdown]
# Mind the seconds. In {numref}`fig-baselines-networks` the MFCC statistics describe all of a clip, while a network sees no
# more than its frames:

# %% tags=["remove-input"]
seen = spectra.settings.seconds
Markdown(
    f"here the first {seen:.1f} of 30 seconds. `svm_rbf, the network's frames` is the same machine on the "
    "mean, spread and change of just those frames, so that all sides hear the same."
    if seen < 29
    else "here all 30 seconds, so that all sides hear the same."
)

# %% [markdown]
# One comparison was chosen before looking, the one that FMA's authors made: the support vector
# machine with a Gaussian kernel on MFCC statistics. McNemar's test {cite}`mcnemar1947note` asks of
# the clips that only one of the two gets right whether they fall evenly ({numref}`tab-baselines-paired`).

# %% tags=["hide-input"] mystnb={"figure": {"name": "tab-baselines-paired", "caption": "Each network beside the support vector machine on MFCC: clips that only one of the two gets right, and McNemar's p."}}
paired = {name: evaluation.mcnemar(r, reports["svm_rbf, mfcc"]) for name, r in networks.items()}
paired = pd.DataFrame.from_dict({name: p._asdict() for name, p in paired.items()}, orient="index")
paired = paired.rename(columns={"only_first": "only the network", "only_second": "only the SVM"})
paired.style.format("{:.2g}", subset=["difference", "p_value"]) if len(paired) else Markdown(
    "*No network to compare with.*"
)

# %% [markdown]
# ## Which features matter?
#
# All classifiers on all sets, from the stored run of this page ({numref}`fig-baselines-grid`). Mind the number of cells: the best of
# this many is best partly by luck, and its accuracy is not what it would have on other clips.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-baselines-grid", "caption": "Accuracy (%) of seven classifiers on six sets of features."}}
record = {
    "dataset": dataset,
    "folds": folds,
    "seed": seed,
    "epochs": epochs,
    "genres": described.genres,
    "clips": reports["svm_rbf, mfcc"].clips.tolist(),
    "true": reports["svm_rbf, mfcc"].true,
    "rows": {},
}
for name, found in (reports | networks).items():
    order = found.clips.get_indexer(record["clips"])
    if not name.startswith("network") or name == f"network: {network}":
        record["rows"][name] = {"predicted": [found.predicted[order].tolist()]}
if write_results:
    for kind, keep in sets.items() if not folds else ():
        for name in baselines.names():
            of_validation = measure(name, X[:, keep], split="validation").accuracy
            record["rows"][f"{name}, {kind}"]["validation"] = of_validation
    results.write(f"baselines_{dataset}", record)


def grid(name, title):
    """Heatmap of a stored study: classifiers in rows, sets of features in columns."""
    found = stored(name)
    cells = {}
    for row, report in found.items():
        classifier, _, kind = row.partition(", ")
        if classifier in baselines.names() and kind != "mean spectrum":
            cells.setdefault(kind, {})[classifier] = 100 * report.accuracy
    if not cells:
        return None, found
    values = pd.DataFrame(cells).reindex(baselines.names())
    order = [*baselines.SUBSETS, "FMA's 518", "all 616"]
    ax = plt.subplots(figsize=(7.2, 3.6))[1]
    sns.heatmap(values[order], annot=True, fmt=".0f", cmap="Greys", cbar=False, ax=ax)
    ax.invert_yaxis() if not ax.yaxis_inverted() else None
    ax.set(title=title, xlabel="", ylabel="")
    return ax, found


ax, found = grid(f"baselines_{dataset}", f"Accuracy on {dataset} (%)")
if ax is None:
    shown = Markdown(f"*Not measured for {dataset} yet: see the commands at the top.*")
else:
    shown = plots.show(ax, alt="Accuracy of seven classifiers, in rows, on six sets of features.")
shown

# %% tags=["remove-input"]
rows = results.read(f"baselines_{dataset}")["rows"] if found else {}
validated = pd.Series({k: row["validation"] for k, row in rows.items() if "validation" in row})
if len(validated):
    chosen, top = validated.idxmax(), max(found[k].accuracy for k in validated.index)
    low, high = found[chosen].interval
    text = (
        f"So the choice is left to validation: of {len(validated)} cells it takes *{chosen}* "
        f"({100 * validated[chosen]:.1f} %), which reaches {100 * found[chosen].accuracy:.1f} % on test "
        f"[{100 * low:.1f}, {100 * high:.1f}]. The best cell of the figure has {100 * top:.1f} %: who "
        "reports that one has chosen on the test split."
    )
else:
    text = "*No validation split chose among these: see the commands at the top.*"
Markdown(text)

# %% [markdown]
# ## On real music
#
# A hundred clips of GTZAN {cite}`tzanetakis2002gtzan` in five folds, each clip in one fold. (Folds by
# artist are impossible there: all ten blues clips are by one artist; see the chapter on leakage.)
# The network learned from 60 clips a fold, with 20 to choose its epoch; the classifiers from 80.
# So few clips are no fair trial of a network, but they are the case of many who have a question and a
# hundred recordings ({numref}`fig-baselines-real`, {numref}`fig-baselines-hundred`).

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-baselines-real", "caption": "The same on a hundred clips of real music, in five folds."}}
ax, real = grid("baselines_gtzan_mini", "Accuracy on gtzan_mini, 5 folds (%)")
if ax is None:
    shown = Markdown("*Not measured yet: see the commands at the top.*")
else:
    shown = plots.show(ax, alt="Accuracy of seven classifiers on six sets of features, real music.")
shown

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-baselines-hundred", "caption": "A hundred recordings: classifiers on MFCC, and the paper's network."}}
best = {
    name: r for name, r in real.items() if "mfcc" in name or "mean" in name or "network" in name
}
if best:
    shown = plots.show(
        plots.accuracies(lines(best), chance=0.1),
        alt="Accuracy with interval on gtzan_mini of classifiers on MFCC and of the network.",
    )
    compared = [name for name in best if name.startswith("network")]
    for name in compared:
        pair = evaluation.mcnemar(real[name], real["svm_rbf, mfcc"])
        print(
            f"{name} against svm_rbf on MFCC, right where the other is wrong: "
            f"{pair.only_first} to {pair.only_second}, p = {pair.p_value:.2g}"
        )
shown

# %% tags=["remove-cell"]
if real:
    assert real["svm_rbf, mfcc"].interval[0] > real["network: paper"].interval[1]

# %% [markdown]
# ## Every number again
#
# These commands made the stored results that this page draws from, each going on where it was stopped:
#
# ```sh
# python -c "from prcnn.study import fma_small; fma_small.baselines('~/data')"
# papermill book/baselines.ipynb out.ipynb -p features all -p write_results True
# papermill book/baselines.ipynb out.ipynb -p features all -p write_results True \
#     -p dataset gtzan_mini -p data_home ~/music -p folds 5 -p network paper
# ```
#
# ## Summary
#
# - A support vector machine on MFCC statistics needs seconds, and is the number to beat: on FMA-small
#   no published network of this paper's family beats it beyond the interval of 800 clips.
# - With a hundred clips of real music it is far ahead of the network: what the network would have to
#   learn from data, the cepstrum brings along.
# - Statistics over frames know what sounds, not in which order. Genres that differ in order alone are
#   where a network can show what listening in time is worth.
# - Scaling, like everything that is learned, is learned from training clips only.
# - Choose the comparison before looking, or pay for having looked: the best of many is partly luck.
#
# ## Exercises
#
# ```{exercise} A scaler that has seen the test
# :label: baselines-scaler
# Standardise all rows before splitting them. How much does the accuracy change, and why is it a
# mistake even where it does not?
# ```
#
# ````{solution} baselines-scaler
# :class: dropdown
# ```python
# cheating = (X - X.mean(axis=0)) / X.std(axis=0)
# print(measure("svm_rbf", cheating).summary())
# ```
# Hardly at all here: means and deviations of a few hundred clips are almost those of the training
# part. But a score must not depend on which other clips are tested, and with few clips, or a test set
# from another source, it would.
# ````
#
# ```{exercise} k
# :label: baselines-k
# For FMA-medium its authors used 200 neighbours, scikit-learn's default is 5. Choose k on the
# validation split, then test once.
# ```
#
# ````{solution} baselines-k
# :class: dropdown
# ```python
# from sklearn.neighbors import KNeighborsClassifier
# from sklearn.pipeline import make_pipeline
# from sklearn.preprocessing import StandardScaler
#
# X_train, y_train = described.arrays("training")
# X_val, y_val = described.arrays("validation")
# for k in (1, 5, 20, 50, 200):
#     model = make_pipeline(StandardScaler(), KNeighborsClassifier(k)).fit(X_train, y_train)
#     print(k, model.score(X_val, y_val))
# ```
# The best k grows with the number of training clips.
# ````
#
# ```{exercise} Rhythm alone
# :label: baselines-rhythm
# Run the page with `features = "all"`. Which genres does a classifier on rhythm alone tell apart that
# one on MFCC confuses, and the reverse?
# ```
#
# ````{solution} baselines-rhythm
# :class: dropdown
# ```python
# for kind in ("rhythm", "mfcc"):
#     display(reports[f"svm_rbf, {kind}"].confusion)
# ```
# Look at the pairs of genres that share an ensemble: what differs between them is in the order of
# events, and rhythm is the part of order that these features can see.
# ````
