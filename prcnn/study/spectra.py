"""How genres sound on average, in real music and in made: the paper's Figure 1 without its clips.

A picture of one clip says little and may not be shown; the mean spectrum of hundreds may. One
command::

    python -c "from prcnn.study import spectra; spectra.study('~/data')"

Chapter: book/discussion.ipynb
"""

import librosa
import numpy as np
import pandas as pd

from prcnn import datasets, store
from prcnn.baselines import mean_spectra
from prcnn.spectrogram import IMAGES
from prcnn.study import results

RESULT = "mean_spectra"
DATASETS = ("fma_small_images", "synthetic")


def study(data_home=None, *, names=DATASETS, folder=None):
    """Mean decibels of every band, by genre, of the training clips of FMA-small and synthetic ones.

    Parameters
    ----------
    data_home : str or Path, optional
    names : sequence of str
        Of datasets; those with sound are seen as FMA-small's pictures are.
    folder : str or Path, optional
        Of the result, see :func:`prcnn.study.results.write`.

    Returns
    -------
    pathlib.Path
        Of ``mean_spectra.json``.

    Chapter: book/discussion.ipynb
    """
    record = {}
    for name in names:
        clips = store.extract(datasets.load(name, data_home), IMAGES, progress=False)
        places = clips.indices("training")
        spectra, genre = mean_spectra(clips)[places], clips.clips["genre"].iloc[places].to_numpy()
        bands = librosa.mel_frequencies(IMAGES.n_mels + 2, fmin=0.0, fmax=IMAGES.sr / 2)[1:-1]
        record[name] = {
            "hertz": bands.round(1),
            "clips": len(places),
            "genres": {
                g: {
                    "mean": spectra[genre == g].mean(axis=0, dtype=float).round(3),
                    "sd": spectra[genre == g].std(axis=0, dtype=float).round(3),
                }
                for g in clips.genres
            },
            "between": between(spectra, genre),
        }
    return results.write(RESULT, record, folder)


def between(spectra, genre):
    """Share of the variance of clips' mean spectra that lies between genres.

    Parameters
    ----------
    spectra : numpy.ndarray [shape=(n, bands)]
    genre : array_like of str [shape=(n,)]

    Returns
    -------
    float
        0 where all genres have one mean, 1 where all clips of a genre are alike.
    """
    table = pd.DataFrame(np.asarray(spectra, float)).groupby(np.asarray(genre))
    within = ((table.size() - 1) @ table.var(ddof=1).fillna(0)).sum()
    return float(1 - within / np.square(spectra - np.mean(spectra, axis=0)).sum())


def of(record, dataset, column="mean"):
    """Spectra of a dataset as a table: index hertz, a column a genre.

    Chapter: book/discussion.ipynb
    """
    found = record[dataset]
    genres = {genre: lines[column] for genre, lines in found["genres"].items()}
    return pd.DataFrame(genres, index=pd.Index(found["hertz"], name="Hz"))
