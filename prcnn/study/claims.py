"""Every claim of the paper, and of those it builds on, that can be asked, with what was found.

A claim is a sentence, what was done about it, and a function of :mod:`prcnn.study.evidence` that
reads the recorded results. Sentences in quotation marks are quoted; the others are said in our
words.

Chapter: book/discussion.ipynb
"""

from typing import NamedTuple

import pandas as pd

from prcnn.study import ablations, evidence, paper, results
from prcnn.study.evidence import CONTRADICTED, UNTESTABLE, asked, better, not_better, worse


class Claim(NamedTuple):
    """A line of ``CLAIMS``."""

    who: str
    sentence: str  # in quotation marks where it is quoted; otherwise it is said in our words
    done: str
    evidence: callable  # Records → Found
    chapter: str


def table(read=results.read):
    """All claims with what was found.

    Parameters
    ----------
    read : callable
        Name → record, or FileNotFoundError.

    Returns
    -------
    pandas.DataFrame
        Columns ``who``, ``claim``, ``done``, ``figure``, ``verdict``, ``chapter``.

    Chapter: book/discussion.ipynb
    """
    records = evidence.Records(read)
    lines = []
    for claim in CLAIMS:
        found = claim.evidence(records)
        lines.append((*claim[:3], found.figure, found.verdict, claim.chapter))
    return pd.DataFrame(lines, columns=["who", "claim", "done", "figure", "verdict", "chapter"])


_TABLE2 = paper.TABLE2.set_index("network")["test"]
CLAIMS = [
    Claim(
        "the paper",
        f"the parallel network reaches {100 * paper.FIGURE2.attrs['accuracy']:.0f} % on FMA-small",
        "the confusion matrix of their notebook counted; the network trained on pictures",
        evidence.figure_2,
        "reproduction",
    ),
    Claim(
        "the paper",
        "log-mel input improves on the plain STFT that Feng used",
        "one network, both inputs",
        asked("Does log-mel improve on plain STFT?", better),
        "ablations",
    ),
    Claim(
        "the paper",
        "five convolutions are better than three (Table 2)",
        "the last two taken away",
        asked("Does the CNN need five layers?", worse),
        "ablations",
    ),
    Claim(
        "the paper",
        "these filters and units are best",
        "128 in their place",
        asked("More filters or units?", not_better),
        "ablations",
    ),
    Claim(
        "the paper",
        "the kernel (3, 1) is best",
        "two others",
        asked("Another kernel?", not_better),
        "ablations",
    ),
    Claim(
        "the paper",
        "these pools are best",
        "four others",
        asked("Other pools?", not_better),
        "ablations",
    ),
    Claim(
        "the paper",
        "ReLU is the best activation",
        "two others",
        asked("Another activation?", not_better),
        "ablations",
    ),
    Claim(
        "the paper",
        "“does not improve performance in this case” (of the RNN beside the CNN)",
        "the CNN alone against both",
        asked("Does an RNN beside the CNN help?", not_better),
        "ablations",
    ),
    Claim(
        "Feng",
        "“the additional Bi-RNN block is a supplement for CNNs”",
        "the same comparison, one GRU layer",
        asked("Does an RNN beside the CNN help?", better, [ablations.REFERENCE]),
        "ablations",
    ),
    Claim(
        "the paper",
        f"attention costs accuracy (Table 2: {_TABLE2['prcnn_rnn2']:.1f} to "
        f"{_TABLE2['figure4']:.1f} %)",
        "the printed attention against the row above it",
        asked(
            "Does the printed attention cost accuracy?",
            worse,
            ["attention as printed"],
            "CNN + two-layer RNN",
        ),
        "ablations",
    ),
    Claim(
        "the paper",
        "the network of Figures 3 and 4 attends to what its CNN finds",
        "algebra, and their weights with and without the CNN",
        evidence.printed_attention,
        "attention",
    ),
    Claim(
        "Yu",
        "attention over time improves on a recurrent network",
        "three attentions against the RNN's last state",
        asked("Does attention beat the RNN's last state?", better),
        "ablations",
    ),
    Claim(
        "Yu",
        "and does so because it weighs the moments",
        "the same three against the plain mean of the same states",
        asked("Does attention beat the mean of the RNN's states?", better),
        "ablations",
    ),
    Claim(
        "Yu",
        "“parallelized attention is more flexible and gets better results”",
        "serial and linear attention against the parallel CNN's",
        asked("Is Yu's parallel CNN the best attention?", not_better),
        "ablations",
    ),
    Claim(
        "the paper",
        "more data is critical",
        "all training clips against half of them",
        evidence.more_data,
        "discussion",
    ),
    Claim(
        "the paper",
        "the fall from Feng's 92 % comes first from the dataset and from GTZAN's faults",
        "the paper's network and Feng's on segments of GTZAN's clips, dealt at random and by clip",
        evidence.segments_leak,
        "leakage",
    ),
    Claim(
        "the paper",
        "four genres are hard: F1 below .4 in Figure 2",
        "the same genres over our seeds",
        evidence.hard,
        "discussion",
    ),
    Claim(
        "the paper",
        "features beside the spectrogram would help (its future work)",
        "statistics of the picture joined to both branches, and to what `beyond` has learned",
        evidence.features,
        "discussion",
    ),
    Claim(
        "Costa",
        "a network on spectrograms compares favourably with features and an SVM",
        "the best SVM on features of the same pictures against the network",
        lambda records: evidence.turned(
            evidence.against_network("svm_rbf, MFCC, deltas, bands")(records)
        ),
        "baselines",
    ),
    Claim(
        "Gemmeke",
        "what a network has learned from millions of other sounds helps",
        "an SVM on VGGish embeddings against the network, same clips",
        evidence.against_network("svm_rbf, VGGish"),
        "baselines",
    ),
    Claim(
        "Mutiara",
        "the polynomial kernel is the best for an SVM",
        "against the Gaussian kernel",
        evidence.kernels,
        "baselines",
    ),
    Claim(
        "the paper",
        "50 epochs take about 20 hours on a CPU and 15 minutes on a GPU",
        "a step measured and multiplied",
        evidence.hours,
        "cnn",
    ),
    Claim(
        "the paper",
        "“63 % accuracy” (of the 2018 challenge's winner)",
        "the organisers' table read",
        evidence.challenge,
        "discussion",
    ),
    Claim(
        "the paper", "“about a million tracks”", "the dataset counted", evidence.tracks, "datasets"
    ),
    Claim(
        "the paper",
        "Choi's network is one-dimensional, and was tested on GTZAN",
        "their paper read",
        evidence.said_so(
            CONTRADICTED,
            "two-dimensional convolutions and a GRU of two layers, on the Million Song Dataset",
        ),
        "discussion",
    ),
    Claim(
        "the paper",
        "genres as Spotify sorts them",
        "nothing: its labels are not public",
        evidence.said_so(UNTESTABLE, "the datasets here have 8 to 16 top genres"),
        "datasets",
    ),
    Claim(
        "the paper",
        "lyrics would help",
        "nothing: neither FMA nor GTZAN comes with lyrics",
        evidence.said_so(UNTESTABLE, "no lyrics to read"),
        "datasets",
    ),
]
