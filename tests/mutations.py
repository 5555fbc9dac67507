"""Slips that would be a wrong number, made one at a time: each must make a test fail.

    python tests/mutations.py [WORD ...]

WORD keeps the mutations whose file, tests or name has one of the words. Works on a copy of the
tree, without ``../shared``: what is killed here is killed in anyone's clone. Each runs in a fork of
this process, which has imported all but prcnn and its tests: that took longer than most tests do.
Ends with 1 if one survives.
"""

# ruff: noqa: E501  (a line a mutation)

import importlib
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
LIMIT = 900  # seconds a mutation
HEAVY = "hypothesis keras librosa matplotlib.pyplot pandas pytest scipy.stats seaborn sklearn.svm"


class Mutation(NamedTuple):
    """In `file`, `old` (which occurs once) becomes `new`; one of `tests` must fail."""

    name: str
    file: str
    old: str
    new: str
    tests: str


# (file in prcnn/, its tests): what goes wrong, what is written now, what is written then.
TABLE = {
    ("datasets/splits.py", "test_splits.py"): [
        ("artists are parted", "artist_groups(clips)\n    counts", "clips.index.to_series()\n    counts"),
        ("unknown artists are one", ".where(known, alone)", '.where(known, "unknown")'),
        ("fractions are turned round", "np.repeat(SPLITS, _sizes", "np.repeat(SPLITS[::-1], _sizes"),
        ("no seed for random splits", "rng = np.random.default_rng(seed)", "rng = np.random.default_rng(0)"),
        ("no seed for artists", "frac=1, random_state=seed", "frac=1, random_state=0"),
        ("no seed for folds", "shuffle=True, random_state=seed", "shuffle=True, random_state=0"),
        ("clips are not shuffled", "rng.permutation(np.flatnonzero(genre == name))", "np.flatnonzero(genre == name)"),
        ("folds part groups", "StratifiedKFold if group is None else StratifiedGroupKFold", "StratifiedKFold"),
        ("a segment is cut one too late", "number * float(seconds)", "(number + 1) * float(seconds)"),
        ("overlap forgets training", 'table["split"] == "training", by', 'table["split"] != "test", by'),
        ("overlap of unknown artists", 'table["split"] == "test", by].dropna()', 'table["split"] == "test", by]'),
    ],
    ("study/evidence.py", "test_claims.py"): [
        ("synthetic music counts first", "STUDIES = {\"FMA-small\": fma_small.STUDY, \"synthetic\": \"ablations_synthetic\"}", "STUDIES = {\"synthetic\": \"ablations_synthetic\", \"FMA-small\": fma_small.STUDY}"),
        ("better and worse is better", '"better" in words and "worse" not in words', '"better" in words'),
        ("undecided is no better", 'UNDECIDED if "undecided" in words else HELD', "HELD"),
        ("a hard genre by its mean", '(theirs["high"] < below).all()', '(theirs["f1"] < below).all()'),
        ("half the clips against a quarter", "least, *_, half, whole = sorted(reports)", "least, half, whole, *_ = sorted(reports)"),
        ("a classifier is judged for networks", 'if not method.startswith("SVM"):', "if True:"),
    ],
    ("study/segments.py", "test_segments.py"): [
        ("segments of a clip are parted", '"by clip": "clip"}', '"by clip": None}'),
        ("validated on the tested fold", "dealt == (fold + 1) %", "dealt == (fold + 0) %"),
    ],
    ("datasets/dataset.py", "test_datasets.py"): [
        ("a label of -1 passes", '(("genre", genres), ("split", list(SPLITS)))', '(("split", list(SPLITS)),)'),
        ("an id may come twice", "clips.index[clips.index.duplicated()].tolist()", "[]"),
        ("a change goes unseen", 'return "changed" if changed else "present"', 'return "present"'),
        ("checksums of other files", "known[str(folder / line[42:])]", "known[str(folder.parent / line[42:])]"),
    ],
    ("datasets/folder.py", "test_datasets.py"): [
        ("unread formats vanish", "return table(rows), unread | astray", "return table(rows), astray"),
        ("songs without a genre vanish", "return table(rows), unread | astray", "return table(rows), unread"),
        ("the album is the artist", "inner[0] if len(inner) > 1", "inner[-2] if len(inner) > 1"),
        ("fractions are ignored", "split_clips(clips, splits, seed, fractions)", "split_clips(clips, splits, seed)"),
    ],
    ("datasets/fma.py", "test_fma.py"): [
        ("broken clips stay", "if official and clip in clips.index", "if not official and clip in clips.index"),
        ("subsets do not nest", "SUBSETS[: SUBSETS.index(subset) + 1]", "SUBSETS[SUBSETS.index(subset) : SUBSETS.index(subset) + 1]"),
        ("missing files go uncounted", "    left_out |= missing\n", ""),
        ("the official split is drawn anew", 'return splits or "official"', 'return splits or "stratified"'),
    ],
    ("datasets/gtzan_faults.py", "test_gtzan.py"): [
        ("validation and test change places", '"validation": "valid_filtered.txt",\n    "test": "test_filtered.txt"', '"test": "valid_filtered.txt",\n    "validation": "test_filtered.txt"'),
        ("repeats need the same case", '["title"].str.casefold()', '["title"]'),
        ("titles are artists", '"artist": parts[1] or None', '"artist": parts[-1] or None'),
    ],
    ("datasets/download.py", "test_download.py"): [
        ("clips are not checked", "!= archive.sound_hash:", "== '':"),
        ("archives are not checked", "pooch.retrieve(url, known_hash,", "pooch.retrieve(url, None,"),
        ("what was there is counted twice", "have = have if carry_on else 0", "have += 0"),
        ("an empty folder is a download", "if files and not staging_folder", "if goal.is_dir() and not staging_folder"),
    ],
    ("datasets/unpack.py", "test_download.py"): [
        ("moved before it is checked", "            check(entries[0])", "            pass"),
        ("names may climb", '".." in parts or', ""),
        ("half a file is kept", ".st_size == info.file_size", ".st_size"),
    ],
    ("datasets/synthetic/clips.py", "test_synthetic.py"): [
        ("an artist's clips are one", 'row["artist_id"], row["number"]])', 'row["artist_id"]])'),
        ("no seed for sound", "rng = np.random.default_rng([seed, 2,", "rng = np.random.default_rng([0, 2,"),
        ("hybrids are the others", "if hybrid else (None, 0.0)", "if not hybrid else (None, 0.0)"),
    ],
    ("audio.py", "test_audio.py"): [
        ("a stretch is shifted", "round(offset * sr) - first * sr // native", "round(offset * sr)"),
        ("channels are added", "np.full(channels, 1 / channels, np.float32)", "np.full(channels, 1 / 2, np.float32)"),
        ("a coarser resampler", 'quality="HQ"', 'quality="LQ"'),
        ("a disk's fault is the sound's", "        if error.code == _SYSTEM_ERROR:", "        if False:"),
        ("an offset below 0 passes", "if not offset >= 0 or not", "if not"),
        ("a stretch of an M4A is not at its place", "[:, first:stop], native, first", "[:, first:stop], native, 0"),
    ],
    ("spectrogram.py", "test_spectrogram.py"): [
        ("a symmetric window", "np.hanning(n_fft + 1)[:-1]", "np.hanning(n_fft)"),
        ("the authors' hop is the paper's", 'Settings("authors", hop_length=1024', 'Settings("authors", hop_length=512'),
        ("the authors' reference is the paper's", '1024, reference="clip", unit="ln")', '1024, unit="ln")'),
        ("natural logarithms are decibels", "level * np.float32(_per_decibel(settings.unit))", "level"),
        ("the floor is 100 dB down", "top_db: float = 80.0", "top_db: float = 100.0"),
        ("amplitude instead of power", "np.square(squared[:n], out=squared[:n])", "pass"),
        ("triangles of equal height", "triangles) * 2 / (high - low)", "triangles)"),
        ("frames are not centred", "padded[half : half + kept.size]", "padded[: kept.size]"),
        ("pictures start half a step early", "np.arange(settings.n_frames) + 0.5", "np.arange(settings.n_frames)"),
    ],
    ("store/__init__.py", "test_store.py"): [
        ("labels by the split's own genres", "categories=self.genres", "categories=sorted(set(genres))"),
        ("features of other clips", "self._rows[places[here]]", "self._rows[here]"),
        ("the same shuffle every epoch", "self._random.permutation(self._places)", "np.random.default_rng(0).permutation(sorted(self._places))"),
        ("no seed for shuffling", "np.random.default_rng(seed) if shuffle", "np.random.default_rng(0) if shuffle"),
        ("a fingerprint of settings alone", "[kind, *found]", "[kind]"),
        ("one clip in two splits is not said", "(counts > 1).any(axis=1)", "(counts > 2).any(axis=1)"),
    ],
    ("store/contents.py", "test_store.py"): [
        ("a changed file goes unseen", "if tuple(before) == state:", "if before:"),
    ],
    ("store/parts.py", "test_store.py test_store_failures.py"): [
        ("a passing fault is remembered", "unread[file.content] = contents.reason", "failed[file.content] = contents.reason"),
    ],
    ("evaluation/statistics.py", "test_evaluation.py test_paired.py"): [
        ("another interval than Wilson's", "z**2 / n", "z / n"),
        ("clips are drawn, not groups", "groups = np.arange(n) if groups is None else pd.factorize(np.asarray(groups))[0]", "groups = np.arange(n)"),
        ("the normal's reach for few groups", "t.ppf((1 + LEVEL) / 2, df))", "_Z)"),
        ("all right is certain", "if variance and 0 < mean < 1 else n_groups", "if variance and 0 < mean < 1 else 1e9"),
        ("nothing against it is proof", "[0] < 1e-18", "[0] < -1"),
        ("large groups count as small ones", "/ (values.size - sizes)", "/ (values.size - sizes.mean())"),
        ("luck counts twice", "sum(variances) - luck", "sum(variances)"),
        ("runs vary less", "means.var(axis=0, ddof=1)", "means.var(axis=0)"),
        ("five networks vary as one", "np.square(sizes / n)", "(sizes / n)"),
        ("a known variance is of all runs", "known / len(right)", "known"),
        ("runs vary by what clips do", "runs * (variance - luck)", "runs * variance"),
        ("bars are of one comparison", "max(1, found) / max(1, p_values.count())", "1"),
        ("a tie however wide", "max(-compared.low, compared.high) <= margin", "min(-compared.low, compared.high) <= margin"),
        ("power is one half", "+ norm.ppf(power)", "+ norm.ppf(0.5)"),
    ],
    ("evaluation/calibration.py", "test_evaluation.py"): [
        ("bins hold their lower edge", "edges, labels=False", "edges, labels=False, right=False"),
    ],
    ("evaluation/__init__.py", "test_evaluation.py"): [
        ("a run is evaluated on other settings", 'same = set(fields) == {"name"}', "same = True"),
        ("a run is evaluated on other genres", "learned[what] == here", 'learned[what] == here or what == "genres"'),
    ],
    ("evaluation/paired.py", "test_paired.py"): [
        ("as far from 0 is no further", ">= abs(lead.sum())", "> abs(lead.sum())"),
        ("reports are paired by place", "r.correct[order]", "r.correct"),
        ("artists count as clips", "pd.factorize(groups)[0]", "np.arange(first.n)"),
        ("clips are left out, not groups", "(1 - 1 / n) * np.square", "np.square"),
    ],
    ("evaluation/reports.py", "test_evaluation.py"): [
        ("predicted and true change places", "(self.true, self.predicted), 1", "(self.predicted, self.true), 1"),
        ("macro-F1 without absent genres", "float(self.per_genre.f1.mean())", "float(self.per_genre.f1[self.per_genre.support > 0].mean())"),
    ],
    ("baselines/classifiers.py", "test_baselines.py"): [
        ("a baseline trains on validation, too", 'training = table["split"].to_numpy() == "training"', "training = ~chosen"),
        ("a fold is tested on what it was trained on", "X[~test], y[~test], X[test]", "X, y, X[test]"),
        ("nothing is standardised", "make_pipeline(StandardScaler(), ", "make_pipeline("),
    ],
    ("models/branches.py", "test_models.py test_checkpoints.py"): [
        ("Keras 3's hard sigmoid", "clip(0.2 * x + 0.5", "clip(x / 6 + 0.5"),
        ("input is not standardised", "- mean) / deviation", "- mean)"),
        ("the last GRU layer alone is wide", "return_sequences=sequences or i < rnn_layers", "return_sequences=sequences or i <= rnn_layers"),
    ],
    ("models/zoo.py", "test_models.py test_checkpoints.py"): [
        ("the paper's pooling for Dwivedi", 'BOTH | KERAS_2 | {"rnn_pool": (4, 2)}', "BOTH | KERAS_2"),
        ("Feng's filters are the paper's", 'WIDE = {"filters": (16, 32, 64, 128, 64)}', 'WIDE = {"filters": (16, 32, 64, 64, 64)}'),
        ("today's GRU for Dwivedi", '"reset_after": False}', '"reset_after": True}'),
    ],
    ("models/attention.py", "test_attention.py"): [
        ("attention over features", 'Softmax(axis=1, name="attention")', 'Softmax(axis=-1, name="attention")'),
        ("a mean of the states", "keras.ops.sum(weights * states, axis=1)", "keras.ops.mean(states, axis=1)"),
    ],
    ("training/fit.py", "test_training.py test_recipes.py"): [
        ("the epoch is chosen on test", 'Batches(store, "validation", settings)', 'Batches(store, "test", settings)'),
        ("trained on validation", 'Batches(store, "training", settings, epoch)', 'Batches(store, "validation", settings, epoch)'),
        ("a batch counts as much as another", "float(value) * len(y)\n        clips += len(y)", "float(value)\n        clips += 1"),
        ("it stops an epoch late", "state.epoch - state.best_epoch >= patience", "state.epoch - state.best_epoch > patience"),
        ("the average of the weights is not tested", "assign(learner.weights, average or trained)", "assign(learner.weights, trained)"),
    ],
    ("training/run_folder.py", "test_training.py"): [
        ("the last epoch is kept", "if later.best_epoch == later.epoch:", "if True:"),
        ("the epoch is chosen on training", 'self.history["val_accuracy"].idxmax()', 'self.history["accuracy"].idxmax()'),
    ],
    ("training/batches.py", "test_batches.py test_training.py"): [
        ("the same order every epoch", 'default_rng([settings["seed"], epoch])', 'default_rng(settings["seed"])'),
        ("no seed for the order", 'default_rng([settings["seed"], epoch])', "default_rng([0, epoch])"),
        ("standardised by validation", 'store.indices("training"), 0.0', 'store.indices("validation"), 0.0'),
        ("a variance about zero", "squares / n - np.square(mean)", "squares / n"),
        ("labels that sum to more than 1", "y * np.float32(1 - smoothing)", "y * np.float32(1)"),
        ("every batch is altered alike", "self._epoch, i + 1])", "self._epoch, 1])"),
    ],
    ("training/recipes.py", "test_recipes.py"): [
        ("any rise is a rise", 'accuracy > best + PLATEAU["min_delta"]', "accuracy > best"),
        ("half a cosine upwards", "0.5 * (1 + np.cos(", "0.5 * (1 - np.cos("),
        ("the average begins as it goes on", "min(ema, (1 + step) / (10 + step))", "ema"),
    ],
    ("training/augment.py", "test_augment.py"): [
        ("labels are not mixed", "own[:, None] * y + (1 - own)[:, None] * y[other]", "y"),
        ("bands go round in a circle", "np.clip(np.arange(X.shape[2]) - shift, 0, X.shape[2] - 1)", "(np.arange(X.shape[2]) - shift) % X.shape[2]"),
    ],
    ("listening/song.py", "test_listening.py"): [
        ("a window is a moment early", "times = (starts + length / 2) / settings.sr", "times = starts / settings.sr"),
        ("what the loudest window says", "self.table.mean().rename", "self.table.max().rename"),
        ("sure of anything", "SURE = 0.5", "SURE = 0.1"),
        ("a song at its own rate, whoever listens", "rate = str(song), settings.sr or audio.rate(song)", "rate = str(song), audio.rate(song)"),
    ],
    ("listening/occlusion.py", "test_listening.py"): [
        ("covered with silence", "mel.mean(axis=0)[bands]", "mel.min()"),
        ("what is gained without a part", "(whole - np.array(left))", "(np.array(left) - whole)"),
    ],
    ("study/questions.py", "test_claims.py"): [
        ("a single run decides", '"undecided" if fewer == 1 else verdict(', "verdict("),
        ("one study's word is the other's", 'found["only the first"].append', 'found["only the second"].append'),
        ("a tie and a difference agree", 'found["tie in one"].append(row)', "pass"),
        ("one run is told as many", 'if line["runs"] == 1 else ""', 'if line["runs"] == 0 else ""'),
    ],
    ("evaluation/words.py", "test_evaluation.py"): [
        ("an interval's ends change places", "points [{low}, {high}]", "points [{high}, {low}]"),
    ],
    ("study/questions.py", "test_ablations.py"): [
        ("p is not corrected", "verdict(found, p_value)", "verdict(found)"),
    ],
    ("study/ablations.py", "test_ablations.py"): [
        ("fewer epochs are enough", 'parameters.get("epochs", epochs) == epochs', "True"),
        ("artists are forgotten", 'record["clips"], record.get("groups")', 'record["clips"], None'),
    ],
    ("datasets/fma_images.py", "test_fma_images.py"): [
        ("another genre's picture is taken", "elif genre != genre_of[clip]:", "elif False:"),
        ("the same picture in one split is warned of", '"split"] != clips.loc[first', '"split"] == clips.loc[first'),
        ("near-silent clips are not marked", "clips.index.isin(NEAR_SILENT)", "clips.index.isin([])"),
        ("the later twin is the first", '.transform("min")', '.transform("max")'),
        ("embeddings in the file's order", "table = table.reindex(dataset.clips.index)", "table = table.iloc[: len(dataset.clips)].set_axis(dataset.clips.index)"),
    ],
    ("datasets/fma_tables.py", "test_fma.py"): [
        ("features in the file's order", "table = table.reindex(wanted)", "pass"),
    ],
    ("study/training_clips.py", "test_training_clips.py"): [
        ("fewer test clips, too", "~learned | dataset.clips", "dataset.clips"),
        ("always the same clips are drawn", "random_state=seed", "random_state=0"),
        ("given away is turned around", 'random["accuracy"] - official["accuracy"]\n', 'official["accuracy"] - random["accuracy"]\n'),
        ("the SVM has seen the test clips", ".fit(X[learned], clips.labels(learned))", ".fit(X, clips.labels(np.arange(len(X))))"),
        ("the reports' clips are validation's", '"clips": clips.clips.index[test].tolist()', '"clips": clips.clips.index[validation].tolist()'),
    ],
    ("study/fma_small.py", "test_fma_images.py"): [
        ("test chooses the classifier", '{n: right((f, n, 0), "validation")', '{n: right((f, n, 0), "test")'),
        ("all is fitted", "X[training], y[training], parts", "X, y, parts"),
        ("uploads of two genres are one", '(table["genre"].diff() != 0) | ', ""),
        ("validation less test is turned around", 'table["validation"] - table["test"]', 'table["test"] - table["validation"]'),
        ("other clips are contenders", 'if run["clips"] != clips:', "if False:"),
        ("the same random numbers for each seed", "classifier(name, seed)", "classifier(name)"),
    ],
    ("study/joined.py", "test_joined.py"): [
        ("the SVM has seen all", ".fit(X[training], y[training])", ".fit(X, y)"),
        ("the gain is over features made by hand", "[found[LEARNED]]", "[found[MADE]]"),
        ("both is one of them", "np.concatenate([made, learned], axis=1)}", "learned}"),
    ],
    ("study/elsewhere.py", "test_elsewhere.py"): [
        ("a clip counts once a seed", '[clip for run in runs for clip in run["clips"]],', "[f\"{run['seed']}: {clip}\" for run in runs for clip in run[\"clips\"]],"),
        ("ahead is behind", 'compare_over_seeds([said["beyond"]], [one])', 'compare_over_seeds([one], [said["beyond"]])'),
        ("one split for all seeds", '"stratified", "seed": seed}', '"stratified", "seed": 0}'),
    ],
    ("study/shipping.py", "test_pretrained.py"): [
        ("the worst run is shipped", "run = max(runs", "run = min(runs"),
        ("test calibrates", 'chosen_on = evaluation.evaluate(model, store, "validation")', 'chosen_on = evaluation.evaluate(model, store, "test")'),
        ("temperature sharpens", "arrays[key] / temperature", "arrays[key] * temperature"),
        ("an unfinished run is shipped", 'if not run.record["finished"]:', "if False:"),
        ("other data is reported", 'if run.record["store"]["fingerprint"] != store.fingerprint:', "if False:"),
    ],
    ("models/shipped.py", "test_pretrained.py"): [
        ("damaged weights are read", ' or hashlib.sha256(path.read_bytes()).hexdigest() != said["sha256"]', ""),
    ],
    ("models/inspection.py", "test_models.py test_attention.py"): [
        ("normalisation's means are counted", "in model.trainable_weights", "in model.weights"),
        ("a field grows by the kernel", "f + (k - 1) * s", "f + k * s"),
        ("a part is replaced by itself", "np.roll(X, 1, axis=0)", "np.roll(X, 0, axis=0)"),
    ],
    ("models/checkpoints.py", "test_checkpoints.py"): [
        ("weights of another name are taken", "if sha1 == checkpoint.sha1 and other != name:", "if False:"),
        ("weights of another shape are laid in", "if found != needed:", "if False:"),
    ],
    ("study/reproduction.py", "test_reproduction.py"): [
        ("the RNN is silenced, too", "for layer in convolutions(model):", "for layer in [each for each in model.layers if each.weights]:"),
        ("weights stay silenced", "    model.set_weights(kept)\n", ""),
        ("no change is a change", "labels != predicted[own_gate(name)]", "labels == predicted[own_gate(name)]"),
    ],
    ("study/music_map.py", "test_music_map.py"): [
        ("an album is its own neighbour", "labels[row[groups[row] != group][:n]]", "labels[row[:n]]"),
        ("other pictures are mapped", "if (probabilities.argmax(axis=1) != [of_card.get(clip) for clip in clips]).any():", "if False:"),
    ],
    ("training/precision.py", "test_precision.py"): [
        ("16 bits stay", "layer.dtype_policy = policy", "layer.dtype_policy = _SIXTEEN"),
        ("the slower one is chosen", 'taken["float32"] > GAIN * taken["mixed"]', 'taken["float32"] < GAIN * taken["mixed"]'),
    ],
    ("plots/reports.py", "test_plots.py"): [
        ("the last epoch is marked", 'history["val_accuracy"].idxmax()', "history.index[-1]"),
        ("rows and columns change names", 'xlabel="predicted", ylabel="true"', 'xlabel="true", ylabel="predicted"'),
        ("the tie's band is twice as wide", "-100 * TIE, 100 * TIE", "-200 * TIE, 200 * TIE"),
    ],
    ("baselines/features.py", "test_fma_images.py"): [
        ("spread is the mean", '"std": mfcc.std(axis=1)', '"std": mfcc.mean(axis=1)'),
        ("changes from band to band", "np.diff(mfcc, axis=1)", "np.diff(mfcc, axis=2, append=0)"),
    ],
    ("baselines/features.py", "test_baselines.py"): [
        ("chroma of magnitudes", "S=f.stft**2, sr=f.sr, n_chroma=12", "S=f.stft, sr=f.sr, n_chroma=12"),
        ("skewness and kurtosis change places", '"skew": stats.skew', '"skew": stats.kurtosis'),
        ("octaves, not half octaves", "np.floor(2 * np.log2(cycles))", "np.floor(np.log2(cycles))"),
        ("rhythm is magnitude", "** 2 / series.shape[1]", "/ series.shape[1]"),
    ],
    ("study/experiment.py", "test_ablations.py"): [
        ("validation is the test split", 'split="validation"', 'split="test"'),
        ("first weights are always the same", "input_shape=features.shape, seed=seed, **changes", "input_shape=features.shape, seed=0, **changes"),
        ("order is always the same", "epochs=epochs, seed=seed, out=out", "epochs=epochs, seed=0, out=out"),
    ],
    ("study/runs.py", "test_training_clips.py"): [
        ("a finished run is run again", "if not path.exists():", "if True:"),
    ],
    ("models/beyond.py", "test_models.py test_pretrained.py test_precision.py"): [
        ("the variance is another's than Keras's", "variance * (n - 1) / n", "variance"),
        ("moving means never move", "moving * self.momentum + value * (1 - self.momentum)", "moving"),
    ],
    ("datasets/fma_small_split.py", "test_fma_images.py"): [
        ("a damaged split is read", "if hashlib.sha256(rows.encode()).hexdigest() not in head[-1]:", "if False:"),
    ],
}  # fmt: skip
MUTATIONS = [
    Mutation(name, f"prcnn/{file}", old, new, tests)
    for (file, tests), rows in TABLE.items()
    for name, old, new in rows
]


def run(mutation, tree):
    """Whether the tests fail (True), pass (False), or what else came of them (text)."""
    path, said = tree / mutation.file, tree.parent / "said.txt"
    whole = path.read_text()
    if whole.count(mutation.old) != 1:
        return "its place is gone"
    path.write_text(whole.replace(mutation.old, mutation.new))
    process = multiprocessing.get_context("fork").Process(
        target=_test, args=(mutation.tests.split(), tree, said)
    )
    process.start()
    process.join(LIMIT)
    path.write_text(whole)
    if process.exitcode is None:
        process.kill()
        return f"no end in {LIMIT} s"
    return {0: False, 1: True}.get(process.exitcode, said.read_text()[-2000:])


def _test(names, tree, said):
    with open(said, "w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.chdir(tree)
    sys.path[:0] = [str(tree), str(tree / "tests")]
    call = ["-xq", "-p", "no:cacheprovider", "-o", "addopts="]
    code = sys.modules["pytest"].main(call + [f"tests/{name}" for name in names])
    os._exit(int(code))  # joblib's idle workers would be waited for, five minutes


def main(words):
    """Run the mutations that `words` choose; return how many survived."""
    chosen = [m for m in MUTATIONS if not words or any(w in " ".join(m) for w in words)]
    survivors = 0
    for name in HEAVY.split():
        importlib.import_module(name)
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "prcnn")
        unwanted = shutil.ignore_patterns(".*", "_build", "runs", "__pycache__")
        shutil.copytree(ROOT, tree, ignore=unwanted)
        # No byte code: it is found by time and size, which two mutations may share. No plugins of
        # pytest's: nbval alone imports for seconds.
        os.environ |= {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        sys.dont_write_bytecode = True
        for mutation in chosen:
            began = time.monotonic()
            failed = run(mutation, tree)
            seconds = time.monotonic() - began
            word = {True: "killed", False: "SURVIVED"}.get(failed, f"BROKEN ({failed})")
            print(f"{word:8} {seconds:4.0f} s  {mutation.file}: {mutation.name}", flush=True)
            survivors += failed is not True
    print(f"{len(chosen) - survivors} of {len(chosen)} killed")
    return survivors


if __name__ == "__main__":
    sys.exit(min(1, main(sys.argv[1:])))
