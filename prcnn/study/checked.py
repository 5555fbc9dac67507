"""What is known about the datasets of the paper's Table 1, each figure with its source.

``prcnn.study.paper.TABLE1`` holds what the paper prints; the table here holds what its sources say.

Chapter: book/datasets.ipynb
"""

import pandas as pd

#: Table 1 as it should read. A missing value is one for which we have seen no source.
TABLE1 = pd.DataFrame(
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
