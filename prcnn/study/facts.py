"""What the paper and its authors' notebooks printed, and what its sources say: data, not results.

Sources: Fadaviardakani, Chow, Goh, "Parallel Recurrent and Convolutional Neural Networks for Music
Genre Classification" (University of British Columbia, 2020), for the tables and figures; the
outputs in the authors' notebooks (repository ``CSawesomeprojects/Music-Genre-Classification``,
commit 56a1e1c) for the confusion matrices, which the paper does not show.

Chapter: book/reproduction.ipynb
"""

import numpy as np
import pandas as pd

from prcnn.datasets.fma import GENRES

#: Table 1 as printed; a dash in the paper is a missing value here.
TABLE1 = pd.DataFrame(
    [
        ("FMA-small", 8_000, 8, None, 2017),
        ("FMA", 106_674, 161, 16_341, 2017),
        ("GTZAN", 1_000, 10, 300, 2002),
        ("Extended Ballroom", 4_180, 12, None, 2016),
        ("RWC", 465, 3, None, 2001),
    ],
    columns=["dataset", "tracks", "genres", "artists", "year"],
).astype({"artists": "Int64"})

#: Table 2 as printed: accuracy in percent. ``network`` is the name under which we build the row.
TABLE2 = pd.DataFrame(
    [
        ("RNN", "rnn", 40.375, 29.5),
        ("5-layer CNN", "cnn5", 51.25, 44.125),
        ("3-layer CNN", "cnn3", 39.4, 26.0),
        ("CNN + 1-layer RNN", "paper", 45.0, 36.375),
        ("CNN + two-layer RNN", "prcnn_rnn2", 46.25, 35.5),
        ("CNN + two-layer RNN + attention", "figure4", 41.625, 26.25),
    ],
    columns=["row", "network", "validation", "test"],
)


def _figure(accuracy, *rows):
    """A classification report as scikit-learn prints it: support 100 a genre."""
    table = pd.DataFrame(rows, columns=["precision", "recall", "f1"], index=GENRES)
    table = table.assign(support=100).rename_axis("genre")
    table.attrs["accuracy"] = accuracy
    return table


#: Figure 2: the parallel network on the test set (accuracy as printed, in ``attrs``).
FIGURE2 = _figure(
    0.45,
    (0.57, 0.56, 0.57),
    (0.26, 0.37, 0.30),
    (0.28, 0.34, 0.31),
    (0.59, 0.87, 0.70),
    (0.47, 0.32, 0.38),
    (0.54, 0.41, 0.47),
    (0.38, 0.21, 0.27),
    (0.58, 0.51, 0.54),
)

#: Figure 3: "attention". Its caption gives a validation accuracy; the table is the test set.
FIGURE3 = _figure(
    0.40,
    (0.49, 0.62, 0.55),
    (0.32, 0.12, 0.18),
    (0.18, 0.16, 0.17),
    (0.74, 0.68, 0.71),
    (0.33, 0.56, 0.42),
    (0.38, 0.42, 0.40),
    (0.21, 0.21, 0.21),
    (0.53, 0.40, 0.46),
)

#: Figure 4: the attention network layer by layer; ``shape`` is (time, mel, channel) or (unit,),
#: ``parameters`` 0 where the figure shows none.
FIGURE4 = pd.DataFrame(
    [
        ("conv_1", (638, 128, 16), 64),
        ("pool_1", (319, 64, 16), 0),
        ("conv_2", (317, 64, 32), 1_568),
        ("pool_2", (158, 32, 32), 0),
        ("conv_3", (156, 32, 64), 6_208),
        ("pool_3", (78, 16, 64), 0),
        ("conv_4", (76, 16, 64), 12_352),
        ("pool_4", (19, 4, 64), 0),
        ("conv_5", (17, 4, 64), 12_352),
        ("pool_5", (4, 1, 64), 0),
        ("flatten", (256,), 0),
        ("pool_lstm", (320, 128, 1), 0),
        ("lambda", (320, 128), 0),
        ("bidirectional", (256,), 198_144),
        ("dense", (8,), 2_056),
    ],
    columns=["layer", "shape", "parameters"],
)


def _confusion(printed):
    """The notebooks print predicted genres in rows; here, as in scikit-learn, rows are true."""
    matrix = np.array([row.split() for row in printed.split("/")], dtype=int).T
    return pd.DataFrame(matrix, pd.Index(GENRES, name="true"), pd.Index(GENRES, name="predicted"))


#: Confusion of the network behind Figure 2, rows = true genre: 359 of 800 on the diagonal.
CONFUSION_FIGURE2 = _confusion(
    "56 8 0 5 4 6 15 4 / 11 37 37 3 25 5 7 19 / 1 15 34 0 28 25 13 6 / 15 2 1 87 1 9 28 5 /"
    "4 21 4 1 32 2 2 2 / 6 6 9 3 4 41 4 3 / 1 3 12 0 5 4 21 10 / 6 8 3 1 1 8 10 51"
)

#: Confusion of the network behind Figure 3, rows = true genre: 317 of 800 on the diagonal.
CONFUSION_FIGURE3 = _confusion(
    "62 5 1 14 2 4 28 10 / 3 12 6 4 8 0 1 3 / 1 13 16 1 25 14 12 5 / 5 2 0 68 1 4 11 1 /"
    "10 29 43 0 56 12 8 11 / 8 12 19 4 4 42 13 10 / 7 17 12 7 3 15 21 20 / 4 10 3 2 1 9 6 40"
)

#: Test accuracy of the weights of Figure 3 (0.39625 there) in another of the authors' notebooks,
#: with standalone Keras instead of its backend's.
FIGURE3_OTHER_KERAS = 0.2925

#: Other published results on the same test set (FMA-small, official split, 800 clips), percent.
REFERENCES = pd.DataFrame(
    [
        ("SVM on MFCC statistics", 46.4, "140 numbers", "FMA authors' usage notebook"),
        ("SVM on 518 features", 47.8, "518 numbers", "third party"),
        ("random forest on 518 features", 46.2, "518 numbers", "third party"),
        ("k-NN (5) on 518 features", 30.2, "518 numbers", "third party"),
        ("PRCNN (Dwivedi)", 44.4, "log-mel", "Dwivedi's repository"),
        ("CRNN (Dwivedi)", 44.1, "log-mel", "Dwivedi's repository"),
        ("CNN alone", 45.5, "log-mel", "third party"),
        ("8-layer CNN, one run", 54.1, "log-mel, 30 s", "404mahdi/leitmotif, metrics.json"),
        ("MobileNetV4 distilled from CLAP", 55.3, "log-mel", "Nikita-sud/latentjam: 55.3 to 56.4"),
    ],
    columns=["method", "test", "input", "source"],
)

#: Feng's accuracy on GTZAN in percent, as the paper cites it; on which split is not known.
FENG_GTZAN = 92

#: Clips in the whole of FMA: its ``tracks.csv`` counted (Defferrard et al. 2017).
FMA_TRACKS = 106_574

#: The 2018 challenge, of which the paper cites "63 % accuracy": the winner's F1 in percent, on
#: clips collected for its second round and on the public ones before (Defferrard et al. 2018).
CHALLENGE = {"f1_unseen": 63, "f1_public": 85, "log_loss": 1.31}

#: What random splits of the same pictures gave: accuracy in percent, clips tested.
RANDOM_SPLITS = pd.DataFrame(
    [
        ("the repository's network", 54.0, 1200, "Solarleaf/GenreWave"),
        ("YAMNet, pre-trained", 65.0, 1600, "Solarleaf/GenreWave"),
        ("VGGish, pre-trained", 58.0, 1600, "arXiv 2603.13871"),
        ("BYOL-A, pre-trained", 64.3, 1600, "arXiv 2603.13871"),
    ],
    columns=["method", "test", "clips", "source"],
)

#: Table 1 as it should read. A missing value is one for which we have seen no source.
TABLE1_CHECKED = pd.DataFrame(
    [
        ("FMA-small", 8_000, 8, None, 2017, "FMA's tracks.csv; six clips do not decode"),
        ("FMA", 106_574, 161, 16_341, 2017, "Defferrard et al. 2017, abstract"),
        (
            "GTZAN",
            1_000,
            10,
            271,
            2002,
            "Sturm's index of January 2024; 17 clips are unknown in it",
        ),
        ("Extended Ballroom", 4_180, 13, None, 2016, "its folders; Marchand and Peeters 2016"),
        ("RWC", 315, 3, None, 2001, "AIST's page: 315 pieces; popular, jazz and classical: 200"),
    ],
    columns=["dataset", "tracks", "genres", "artists", "year", "source"],
).astype({"artists": "Int64"})

#: What Sturm counted in GTZAN's 1,000 clips ("An analysis of the GTZAN music genre dataset", 2012,
#: introduction).
GTZAN_FAULTS = {
    "exact replicas": 50,
    "other excerpts of the same recording": 22,
    "versions (same music, other recording)": 13,
    "conspicuously mislabelled": 43,
    "contentiously mislabelled": 63,
}

#: What the paper that this project reproduces prints for the mislabelled ones (43 + 63 are 106).
GTZAN_MISLABELLED_IN_PAPER = 160

#: Sampling rates (Hz) of FMA-small's 7,997 clips with audio, counted on the files themselves.
FMA_SMALL_RATES = {44_100: 7_572, 48_000: 411, 22_050: 14}

#: Published on GTZAN's fault-filtered split (443 / 197 / 290): accuracy in percent.
GTZAN_FILTERED = pd.Series(
    {
        "Jukebox": 79.7,
        "VGGish": 77.6,
        "musicnn": 77.2,
        "small CNN from scratch": 54.1,
        "MFCC and SVM": 53.4,
    }
)
