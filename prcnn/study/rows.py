"""What the study runs, as data: rows are methods, studies are rows on clips split in one way.

Neither knows of the questions that are answered with them (:mod:`prcnn.study.questions`); both are
run by :mod:`prcnn.study.run`.

Chapter: book/ablations.ipynb
"""

import dataclasses
from typing import NamedTuple

from prcnn.spectrogram import FENG, IMAGES, PAPER, Settings

#: As the paper's log-mels, without the mels: 513 bins, as Feng had.
STFT = dataclasses.replace(PAPER, name="stft", n_fft=1024, n_mels=None)
#: Five seconds of the paper's log-mels.
SEGMENT = dataclasses.replace(PAPER, name="segment", n_frames=215)


class Row(NamedTuple):
    """A method: what is trained, and how, where it is not the study's or the method's own way."""

    group: str
    method: str  # a network of prcnn.models.names(), or a classifier of prcnn.baselines.names()
    changes: dict = {}  # noqa: RUF012 (never changed) of its options
    recipe: tuple = ()  # of training: a name of RECIPES, and what is changed; (): the network's
    features: tuple = ()  # what a classifier is fitted to: of of_spectrograms, "vggish", "learned"
    settings: Settings | None = None  # of the sound; None: the study's
    taught: tuple = ()  # features of a teacher, in whose words half of every label is
    training: int | None = None  # clips that are trained on; None: all there are
    shuffled: bool = False  # are the frames of every clip in another order?
    epochs: tuple = ()  # lengths of training; (): the study's
    precision: str = "float32"  # never "auto", which is another on another machine


class Study(NamedTuple):
    """Rows on the clips of one dataset, split in one way."""

    dataset: str
    rows: dict
    split: str | None = None  # what a fold keeps together; "own": the dataset's split; None: clips
    epochs: tuple = (60,)  # within which a network's best validation epoch is kept
    seeds: int = 1
    early_stopping: int | None = None
    batch_size: int | None = None
    settings: Settings | None = None  # None: the dataset's own
    seconds: float | None = None  # of the segments that clips are cut into


FOLDS = 5
REFERENCE = "CNN + 1-layer RNN"
SVM = "SVM on MFCC, deltas, bands"
TAUGHT = "beyond + statistics, taught"  # by what VGGish heard in the same clips


def _paper(group, **changes):
    return Row(group, "paper", changes)


def _recipe(group, **changes):
    return Row(group, "beyond", recipe=("beyond", changes))


def _sixteen(method, **fields):
    # A cycle is made for its length, here one that others can be read at; 16 bits are faster.
    return Row("network and recipe", method, epochs=(16,), precision="mixed", **fields)


TABLE_2 = {
    "RNN": Row("Table 2", "rnn"),
    "5-layer CNN": Row("Table 2", "cnn5"),
    "3-layer CNN": Row("Table 2", "cnn3"),
    REFERENCE: Row("Table 2", "paper"),
    "CNN + two-layer RNN": Row("Table 2", "prcnn_rnn2"),
    "attention as printed": Row("Table 2", "figure4"),
}
ATTENTIONS = {
    "attention, serial": Row("attention", "attention_serial"),
    "attention, parallel linear": Row("attention", "attention_linear"),
    "attention, parallel CNN": Row("attention", "attention_cnn"),
}
#: Table 2; the paper's other ablations, as far as its text says what was changed, in both
#: directions; then what it claims or leads one to ask.
ABLATIONS = {
    **TABLE_2,
    "RNN with 128 units": Row("attention", "rnn", {"units": 128}),
    **ATTENTIONS,
    "RNN, mean of its states": Row("recurrence", "rnn", {"states": "mean"}),
    "CNN + forward RNN": _paper("recurrence", bidirectional=False),
    "RNN pool (2, 2)": _paper("pools", rnn_pool=[2, 2]),
    "RNN pool (4, 2)": _paper("pools", rnn_pool=[4, 2]),
    "RNN pool (4, 4)": _paper("pools", rnn_pool=[4, 4]),
    "CNN pools (2, 2)": _paper("pools", pools=[2, 2]),
    "half the filters": _paper("width", filters=[8, 16, 32, 32, 32]),
    "32 units": _paper("width", units=32),
    "conv 4 with 128 filters": _paper("width", filters=[16, 32, 64, 128, 64]),
    "128 units": _paper("width", units=128),
    "128 filters and 128 units": Row("width", "figure2"),
    "kernel (3, 3), padded": _paper("kernel", kernel_size=[3, 3], padding="same"),
    "kernel (5, 1)": _paper("kernel", kernel_size=[5, 1]),
    "dropout 0.1": _paper("dropout", dropout=0.1),
    "dropout 0.3": _paper("dropout", dropout=0.3),
    "dropout 0.5": _paper("dropout", dropout=0.5),
    "ELU": _paper("activation", activation="elu"),
    "tanh": _paper("activation", activation="tanh"),
    "Dwivedi's CRNN": Row("other networks", "crnn"),
    "features beside both branches": Row("other networks", "prcnn_features"),
    "raw decibels": _paper("input", scale="none"),
}
#: The case that the paper meant: its networks were fed raw decibels.
RAW = {
    f"{name}, raw decibels": row._replace(group="input", changes={"scale": "none"})
    for name, row in TABLE_2.items()
    if name in ("RNN", "5-layer CNN", "CNN + two-layer RNN")
}
#: Is it the network, or how it is trained?
RECIPES = {
    "beyond": _sixteen("beyond"),
    "beyond, last epoch": _sixteen("beyond", recipe=("beyond", {"keep": "last"})),
    TAUGHT: _sixteen(
        "beyond",
        changes={"statistics": 128},
        recipe=("beyond", {"keep": "last"}),
        taught=("vggish",),
    ),
    "beyond, the paper's recipe": _sixteen("beyond", recipe=("paper", {})),
    "paper, beyond's recipe": _sixteen("paper", recipe=("beyond", {})),
    "RNN, beyond's recipe": _sixteen("rnn", recipe=("beyond", {})),
    "statistics alone": _sixteen("beyond", changes={"cnn": False, "rnn": False, "statistics": 128}),
}
#: What validation chooses on GTZAN, whose beat the finer frames hold.
RHYTHM = "SVM with rhythm"
CLASSIFIERS = {
    SVM: Row("classifiers", "svm_rbf", features=("mfcc", "delta", "bands")),
    RHYTHM: Row(
        "classifiers", "svm_rbf", {"C": 4}, features=("mfcc", "delta", "bands", "modulation")
    ),
    "MLP on MFCC, deltas, bands": Row("classifiers", "mlp", features=("mfcc", "delta", "bands")),
    "VGGish + SVM": Row("classifiers", "svm_rbf", features=("vggish",)),
}
#: Plain STFT, and Feng's network, need sound.
SOUND = {
    "plain STFT": Row("input", "paper", settings=STFT),
    "Feng's network, 5 s of STFT": Row("input", "feng", settings=FENG),
}
#: Each leaves out what its name says, and nothing else.
INGREDIENTS = {
    "beyond": Row("whole", "beyond"),
    "no RNN branch": Row("branches", "beyond", {"rnn": False}),
    "no CNN branch": Row("branches", "beyond", {"cnn": False}),
    "bands not standardised": Row("input", "beyond", {"scale": "none"}),
    "no masks": _recipe("alterations", augment={"frequency_masks": 0, "time_masks": 0}),
    "no mixup": _recipe("alterations", augment={"mixup": 0.0}),
    "no shifts, gain or tilt": _recipe(
        "alterations", augment={"time_shift": False, "band_shift": 0, "gain": 0.0, "tilt": 0.0}
    ),
    "clips as they are": _recipe("alterations", augment=None),
    "no average of weights": _recipe("training", ema=0.0),
    "constant learning rate": _recipe("training", schedule="constant"),
}
_TWO = {SVM: CLASSIFIERS[SVM], "paper": Row("networks", "paper")}
_GTZAN = {
    SVM: CLASSIFIERS[SVM],
    RHYTHM: CLASSIFIERS[RHYTHM],
    "paper": Row("networks", "paper"),
}
_WITH_BEYOND = {**_TWO, "beyond": Row("networks", "beyond")}
_CURVE = {**_TWO, "attention_cnn": ATTENTIONS["attention, parallel CNN"]}
_SIZES = (400, 800, 1600, 3200)
_SMALL = {"seeds": 5, "batch_size": 16, "settings": IMAGES}
_STEPS = (8, 16, 32, 60)

STUDIES = {
    # Every clip of FMA-small tested once; stretches of 100 neighbouring uploads are not parted.
    "FMA-small": Study(
        "fma_small_images",
        {
            **ABLATIONS,
            **RAW,
            "eight-layer CNN": Row("other networks", "vgg8"),
            **RECIPES,
            **CLASSIFIERS,
        },
        "stretch",
        _STEPS,
    ),
    "FMA-small at 23 ms": Study(
        "fma_small_mfcc",
        {
            **{name: TABLE_2[name] for name in (REFERENCE, "RNN", "5-layer CNN")},
            **ATTENTIONS,
            "CNN + 1-layer RNN, shuffled": Row("order", "paper", shuffled=True),
            "RNN, shuffled": Row("order", "rnn", shuffled=True),
        },
        "stretch",
        _STEPS,
    ),
    # Table 2 and all else in the official split: the leaderboard, and what the book had before.
    "official": Study("fma_small_images", ABLATIONS, "own", (60,), 5, 15),
    "beyond": Study("fma_small_images", {"beyond": Row("networks", "beyond")}, "own", (20,), 5),
    "ingredients": Study("fma_small_images", INGREDIENTS, "own", (10,), 3),
    "learning curve": Study(
        "fma_small_images",
        {
            f"{name}, {size} clips": row._replace(training=size)
            for size in _SIZES
            for name, row in _CURVE.items()
        },
        "own",
        (16,),
        3,
    ),
    "at random": Study("fma_small_images", _WITH_BEYOND, None, (16,)),
    # Music whose genres are known because they were made, and real sound.
    "synthetic": Study("synthetic", {**ABLATIONS, **SOUND}, "own", (60,), 5, 10, 16),
    "gtzan_mini": Study("gtzan_mini", {**TABLE_2, **SOUND}, "own", (60,), 5, 15, 16),
    "elsewhere, synthetic": Study("synthetic", _WITH_BEYOND, "own", (100,), **_SMALL),
    "elsewhere, GTZAN": Study("gtzan_images", _WITH_BEYOND, "own", (60,), **_SMALL),
    # Why did others report 92 %? Segments of five seconds, dealt in three ways; whole clips in two.
    **{
        f"{dataset} segments, {how}": Study(
            dataset,
            {**_GTZAN, "feng": Row("networks", "feng")},
            group,
            (20 if dataset == "gtzan_images" else 40,),  # ten times as many clips
            batch_size=16,
            seconds=5.0,
            settings=settings,
        )
        for dataset, settings in (("gtzan_images", None), ("gtzan_mini", SEGMENT))
        for how, group in (("at random", None), ("by clip", "clip"), ("by artist", "artist"))
        if (dataset, group) != ("gtzan_mini", "artist")  # its blues clips are all by one
    },
    "gtzan_images, at random": Study("gtzan_images", _GTZAN, None, (60,), 5, batch_size=16),
    "gtzan_images, by artist": Study("gtzan_images", _GTZAN, "artist", (60,), 5, batch_size=16),
    "gtzan_images, fault-filtered": Study("gtzan_images", _GTZAN, "own", (60,), 5, batch_size=16),
}
#: Rows that are run with a second seed, for the variance between runs.
TWICE = (REFERENCE, "RNN", "5-layer CNN", "attention, parallel CNN", "kernel (3, 3), padded", "ELU")
