"""What the study runs: every row is a method and all that decides what it learns, as data.

A row knows nothing of the questions it answers (:mod:`prcnn.study.answers`) and is run, fold by
fold, by :mod:`prcnn.study.run`.

Chapter: book/ablations.ipynb
"""

from typing import NamedTuple

PICTURES, CLOSE = "fma_small_images", "fma_small_mfcc"
#: Epochs within which the best validation epoch is kept, so that length of training is a factor.
EPOCHS = (8, 16, 32, 60)
REFERENCE = "CNN + 1-layer RNN"


class Row(NamedTuple):
    """A line of :data:`ROWS`."""

    group: str
    method: str  # a network of prcnn.models.names(), or a classifier of prcnn.baselines.names()
    changes: dict = {}  # noqa: RUF012 (never changed) of the network's options
    dataset: str = PICTURES
    recipe: str | None = None  # of prcnn.training.RECIPES; None: the network's own
    epochs: tuple = EPOCHS  # of a network; () for a classifier, which has none
    features: tuple = ()  # of prcnn.baselines.of_spectrograms, or ("vggish",): a classifier's
    shuffled: bool = False  # are the frames of every clip in another order?


def _paper(group, **changes):
    return Row(group, "paper", changes)


#: The paper's Table 2; its other ablations, as far as its text says what was changed, and each in
#: both directions; what it claims or leads one to ask; other methods; and the paper's own hop.
ROWS = {
    REFERENCE: _paper("Table 2"),
    "RNN": Row("Table 2", "rnn"),
    "5-layer CNN": Row("Table 2", "cnn5"),
    "3-layer CNN": Row("Table 2", "cnn3"),
    "CNN + two-layer RNN": Row("Table 2", "prcnn_rnn2"),
    "attention as printed": Row("Table 2", "figure4"),
    "RNN with 128 units": Row("attention", "rnn", {"units": 128}),
    "RNN, mean of its states": Row("attention", "rnn", {"states": "mean"}),
    "attention, serial": Row("attention", "attention_serial"),
    "attention, parallel linear": Row("attention", "attention_linear"),
    "attention, parallel CNN": Row("attention", "attention_cnn"),
    "CNN + forward RNN": _paper("recurrence", bidirectional=False),
    "RNN pool (2, 2)": _paper("pools", rnn_pool=[2, 2]),
    "RNN pool (4, 2)": _paper("pools", rnn_pool=[4, 2]),
    "RNN pool (4, 4)": _paper("pools", rnn_pool=[4, 4]),
    "CNN pools (2, 2)": _paper("pools", pools=[2, 2]),
    "half the filters": _paper("width", filters=[8, 16, 32, 32, 32]),
    "32 units": _paper("width", units=32),
    "conv 4 with 128 filters": _paper("width", filters=[16, 32, 64, 128, 64]),
    "128 units": _paper("width", units=128),
    "kernel (3, 3), padded": _paper("kernel", kernel_size=[3, 3], padding="same"),
    "kernel (5, 1)": _paper("kernel", kernel_size=[5, 1]),
    "dropout 0.1": _paper("dropout", dropout=0.1),
    "dropout 0.5": _paper("dropout", dropout=0.5),
    "ELU": _paper("activation", activation="elu"),
    "tanh": _paper("activation", activation="tanh"),
    "raw decibels": _paper("input", scale="none"),
    "5-layer CNN, raw decibels": Row("input", "cnn5", {"scale": "none"}),
    "RNN, raw decibels": Row("input", "rnn", {"scale": "none"}),
    "CNN + two-layer RNN, raw decibels": Row("input", "prcnn_rnn2", {"scale": "none"}),
    "Dwivedi's CRNN": Row("other networks", "crnn"),
    "features beside both branches": Row("other networks", "prcnn_features"),
    "eight-layer CNN": Row("other networks", "vgg8"),
    "beyond": Row("network and recipe", "beyond", epochs=(20,)),
    "beyond, the paper's recipe": Row("network and recipe", "beyond", recipe="paper"),
    "paper, beyond's recipe": Row("network and recipe", "paper", recipe="beyond", epochs=(20,)),
    "SVM": Row("classifiers", "svm_rbf", epochs=(), features=("mfcc", "delta", "bands")),
    "MLP": Row("classifiers", "mlp", epochs=(), features=("mfcc", "delta", "bands")),
    "VGGish + SVM": Row("classifiers", "svm_rbf", epochs=(), features=("vggish",)),
    "CNN + 1-layer RNN, 23 ms": Row("23 ms a frame", "paper", dataset=CLOSE),
    "RNN, 23 ms": Row("23 ms a frame", "rnn", dataset=CLOSE),
    "5-layer CNN, 23 ms": Row("23 ms a frame", "cnn5", dataset=CLOSE),
    "attention, serial, 23 ms": Row("23 ms a frame", "attention_serial", dataset=CLOSE),
    "attention, parallel linear, 23 ms": Row("23 ms a frame", "attention_linear", dataset=CLOSE),
    "attention, parallel CNN, 23 ms": Row("23 ms a frame", "attention_cnn", dataset=CLOSE),
    "CNN + 1-layer RNN, 23 ms, shuffled": Row(
        "23 ms a frame", "paper", dataset=CLOSE, shuffled=True
    ),
}
#: Rows that are run with a second seed, for the variance between runs.
TWICE = (
    REFERENCE,
    "RNN",
    "5-layer CNN",
    "attention, parallel CNN",
    "kernel (3, 3), padded",
    "ELU",
)
