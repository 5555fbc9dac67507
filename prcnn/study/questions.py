"""What is asked of the runs, as data: questions, and the claims that their answers decide."""

from typing import NamedTuple

from prcnn.study import facts
from prcnn.study.rows import ABLATIONS, ATTENTIONS, REFERENCE, RHYTHM, SVM, TAUGHT

VGGISH, PRINTED, BOTH_2 = "VGGish + SVM", "attention as printed", "CNN + two-layer RNN"


def _group(*groups):
    return [name for name, row in ABLATIONS.items() if row.group in groups]


#: Question → the row that all others are compared with, and those.
QUESTIONS = {
    "Does the CNN need five layers?": ("3-layer CNN", ["5-layer CNN"]),
    "Does an RNN beside the CNN help?": ("5-layer CNN", [REFERENCE, BOTH_2]),
    "Does it help on raw decibels?": (
        "5-layer CNN, raw decibels",
        ["raw decibels", "CNN + two-layer RNN, raw decibels"],
    ),
    "Does a CNN beside the RNN help?": ("RNN", [REFERENCE]),
    "Does a second GRU layer help?": (REFERENCE, [BOTH_2]),
    "Does the printed attention cost accuracy?": (BOTH_2, [PRINTED]),
    "Does the printed attention differ from its RNN?": ("RNN with 128 units", [PRINTED]),
    "Does the mean of the RNN's states beat its last?": ("RNN", ["RNN, mean of its states"]),
    "Does attention beat the RNN's last state?": ("RNN", list(ATTENTIONS)),
    "Does attention beat the mean of the RNN's states?": (
        "RNN, mean of its states",
        list(ATTENTIONS),
    ),
    "Does attention beat CNN and RNN joined?": (REFERENCE, list(ATTENTIONS)),
    "Is Yu's parallel CNN the best attention?": (
        "attention, parallel CNN",
        ["attention, serial", "attention, parallel linear"],
    ),
    "Does the second direction help?": ("CNN + forward RNN", [REFERENCE]),
    "Other pools?": (REFERENCE, _group("pools")),
    "Other filters or units?": (REFERENCE, _group("width")),
    "Another kernel?": (REFERENCE, _group("kernel")),
    "Dropout?": (REFERENCE, _group("dropout")),
    "Another activation?": (REFERENCE, _group("activation")),
    "Does standardising the bands help?": ("raw decibels", [REFERENCE]),
    "Does log-mel improve on plain STFT?": ("plain STFT", [REFERENCE]),
    "Is Feng's network as good?": (REFERENCE, ["Feng's network, 5 s of STFT"]),
    "Does the RNN hear the order of frames?": ("RNN, shuffled", ["RNN"]),
    "Do both branches hear it?": ("CNN + 1-layer RNN, shuffled", [REFERENCE]),
    "Are CNN and RNN better one after the other?": (REFERENCE, ["Dwivedi's CRNN"]),
    "Do features beside the spectrogram help?": (REFERENCE, ["features beside both branches"]),
    "Is a plain deep CNN better?": (REFERENCE, ["eight-layer CNN"]),
    "Is a network better than a classifier?": (
        SVM,
        [REFERENCE, "MLP on MFCC, deltas, bands", "statistics alone"],
    ),
    "Is it the network, or how it is trained?": (
        REFERENCE,
        ["beyond, the paper's recipe", "paper, beyond's recipe", "beyond"],
    ),
    "Does a CNN beside the RNN help, by beyond's recipe?": (
        "RNN, beyond's recipe",
        ["paper, beyond's recipe"],
    ),
    "Does validation choose a better epoch than the last?": ("beyond, last epoch", ["beyond"]),
    "Do statistics and a teacher help beyond?": ("beyond, last epoch", [TAUGHT]),
    "Is beyond better than a classifier?": (SVM, ["beyond", TAUGHT]),
    "Does beyond reach what VGGish hears?": (VGGISH, ["beyond", TAUGHT]),
    "Does rhythm help a classifier?": (SVM, [RHYTHM]),
    "Does hearing millions of other sounds help?": (SVM, [VGGISH]),
}


HELD, CONTRADICTED, UNDECIDED = "held", "contradicted", "undecided"
UNTESTABLE, NOT_RUN = "cannot be tested here", "not run yet"


class Claim(NamedTuple):
    """A sentence of the paper, or of those it builds on, and what decides it.

    A question's comparisons (all, or some ``rows`` of it) are judged by what the claim ``expects``
    of them; a claim that no comparison answers carries its verdict and what it rests on.
    """

    who: str
    sentence: str  # in quotation marks where it is quoted; otherwise it is said in our words
    question: str | None
    expects: tuple = ("better",)
    rows: tuple = ()
    verdict: str = ""
    rests_on: str = ""
    chapter: str = "ablations"


NOT_BETTER = ("worse", "tie")
_FIGURE_2 = int(facts.CONFUSION_FIGURE2.to_numpy().trace())
_TABLE2 = facts.TABLE2.set_index("network")["test"]
CLAIMS = [
    Claim(
        "the paper",
        f"the parallel network reaches {100 * facts.FIGURE2.attrs['accuracy']:.0f} % on FMA-small",
        None,
        verdict=UNTESTABLE,
        rests_on=f"their confusion matrix holds {_FIGURE_2} of 800 right, so the arithmetic is "
        "right; the accuracy itself needs the sound at full resolution",
        chapter="reproduction",
    ),
    Claim(
        "the paper", "log-mel input improves on plain STFT", "Does log-mel improve on plain STFT?"
    ),
    Claim("the paper", "five convolutions are better than three", "Does the CNN need five layers?"),
    Claim("the paper", "these filters and units are best", "Other filters or units?", ("worse",)),
    Claim("the paper", "the kernel (3, 1) is best", "Another kernel?", ("worse",)),
    Claim("the paper", "these pools are best", "Other pools?", ("worse",)),
    Claim("the paper", "ReLU is the best activation", "Another activation?", ("worse",)),
    Claim(
        "the paper",
        "“does not improve performance in this case” (of the RNN beside the CNN, on raw decibels)",
        "Does it help on raw decibels?",
        NOT_BETTER,
    ),
    Claim(
        "Feng",
        "“the additional Bi-RNN block is a supplement for CNNs”",
        "Does an RNN beside the CNN help?",
        rows=(REFERENCE,),
    ),
    Claim(
        "the paper",
        f"attention costs accuracy (Table 2: {_TABLE2['prcnn_rnn2']:.1f} to "
        f"{_TABLE2['figure4']:.1f} %)",
        "Does the printed attention cost accuracy?",
        ("worse",),
    ),
    Claim(
        "the paper",
        "the network of Figures 3 and 4 attends to what its CNN finds",
        None,
        verdict=CONTRADICTED,
        rests_on="algebra; and their weights say the same with and without the CNN",
        chapter="attention",
    ),
    Claim(
        "Yu",
        "attention over time improves on a recurrent network",
        "Does attention beat the RNN's last state?",
    ),
    Claim(
        "Yu",
        "and does so because it weighs the moments",
        "Does attention beat the mean of the RNN's states?",
    ),
    Claim(
        "Yu",
        "“parallelized attention is more flexible and gets better results”",
        "Is Yu's parallel CNN the best attention?",
        ("worse",),
    ),
    Claim(
        "the paper",
        "features beside the spectrogram would help (its future work)",
        "Do features beside the spectrogram help?",
    ),
    Claim(
        "Costa",
        "a network on spectrograms compares favourably with features and an SVM",
        "Is a network better than a classifier?",
        ("better", "tie"),
        (REFERENCE,),
        chapter="baselines",
    ),
    Claim(
        "Gemmeke",
        "what a network has learned from millions of other sounds helps",
        "Does hearing millions of other sounds help?",
        chapter="baselines",
    ),
    Claim(
        "the paper",
        "“63 % accuracy” (of the 2018 challenge's winner)",
        None,
        verdict=CONTRADICTED,
        rests_on=f"the winner's {facts.CHALLENGE['f1_unseen']} % is an F1, on clips nobody had "
        f"seen (16 genres); on the public clips it was {facts.CHALLENGE['f1_public']} %",
        chapter="discussion",
    ),
    Claim(
        "the paper",
        "“about a million tracks”",
        None,
        verdict=CONTRADICTED,
        rests_on=f"FMA has {facts.FMA_TRACKS:,}",
        chapter="reproduction",
    ),
    Claim(
        "the paper",
        "Choi's network is one-dimensional, and was tested on GTZAN",
        None,
        verdict=CONTRADICTED,
        rests_on="2-D convolutions and a GRU of two layers, on the Million Song Dataset",
        chapter="discussion",
    ),
    Claim(
        "the paper",
        "genres as Spotify sorts them, and lyrics, would help",
        None,
        verdict=UNTESTABLE,
        rests_on="Spotify's labels are not public, and neither FMA nor GTZAN comes with lyrics",
        chapter="datasets",
    ),
]
