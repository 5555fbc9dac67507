"""What a network must beat: hand-crafted features with scikit-learn's classifiers.

:mod:`~prcnn.baselines.features` turns a clip into a row of numbers, as the FMA's authors did;
:mod:`~prcnn.baselines.classifiers` turns rows into a :class:`prcnn.evaluation.Report`.
"""

from prcnn.baselines.classifiers import (
    classifier,
    cross_validate,
    mean_spectra,
    mean_spectrum_report,
    names,
    train_and_report,
)
from prcnn.baselines.features import (
    ALL,
    FMA,
    MFCC,
    PICTURE,
    SUBSETS,
    Features,
    extract_features,
    of_spectrograms,
)
