"""FMA-small without its sound, in two views: pictures of whole clips, and 3 s at the paper's hop.

``fma_small_images``: log-mel spectrograms of 128 × 128 pixels, 239 MB instead of 7.2 GiB; what a
pixel is: ``prcnn.spectrogram.IMAGES``. ``fma_small_mfcc``: arrays of 130 frames × 20 MFCC, float32,
84 MB, of the first 3.02 s at 22,050 Hz and hop 512; their inverse DCT gives log-mel bands back.

From the public repository ``Solarleaf/GenreWave``, which names no licence: fetch it for study, and
ask its owner before you pass it on. The music is FMA's (Defferrard et al., 2017; BibTeX key
``defferrard2017fma``), with FMA's official split.

Chapter: book/datasets.ipynb
"""

import numpy as np
import pandas as pd

from . import download
from .dataset import cache_folder
from .fma import BROKEN, DOES_NOT_DECODE, NEAR_SILENT, align, official_split


def fetch(name, home, _):
    """Fetch the view, with git, if it is not there."""
    if not any(folder.is_dir() for folder in _folders(name, home)):
        download.get_folder(name, home)


def find(name, home, _=None):
    """List ``<name>/spectrograms/<Genre>/<track id>.png``, or ``<name>/features/lstm_mfcc/….npy``.

    Those folders may also lie in ``home`` itself. ``clips`` has no artists; it has ``near_silent``
    (bool). Left out are files that are missing, that FMA-small does not have, or that lie in
    another genre's folder than FMA names. Twelve clips are published twice, under two numbers:
    ``prcnn.store`` warns where one content lies in two splits.
    """
    folders = _folders(name, home)
    folder = next((f for f in folders if f.is_dir()), None)
    if folder is None:
        raise FileNotFoundError(f"no {folders[0]}. {download.how(name)}")
    known, paths, amiss = official_split(), {}, {}
    faults = {clip: why for clip, why in BROKEN.items() if why != DOES_NOT_DECODE}
    for path in sorted(folder.glob("*.npy" if name == "fma_small_mfcc" else "*/*.png")):
        clip = int(path.stem) if path.stem.isdecimal() else path.relative_to(folder).as_posix()
        if clip in faults:
            continue
        genre = known["genre"].get(clip)
        if genre is None:
            amiss[clip] = "no clip of FMA-small"
        elif path.suffix == ".png" and path.parent.name != genre:
            amiss[clip] = f"lies in the folder {path.parent.name}, and FMA says {genre}"
        else:
            paths[clip] = str(path)
    clips = known[known.index.isin(paths)]
    clips = clips.assign(path=clips.index.map(paths).astype(object), artist=None)
    clips["near_silent"] = clips.index.isin(NEAR_SILENT)
    why = f"no file in {folder}: to have it, move that folder away and load with download=True"
    amiss = dict.fromkeys(known.index, why) | amiss
    return clips, faults, {clip: why for clip, why in amiss.items() if clip not in paths}


def _folders(name, home):
    folder = download.REPOSITORIES[name].folder
    return [home / name / folder, home / folder]


def vggish(data_home=None, dataset=None):
    """Read VGGish's embeddings of the same clips: what pre-training on far more music hears.

    The mean over a clip of the 128 numbers that VGGish (Hershey et al., 2017; trained on YouTube)
    gives for every 0.96 s, quantised to 0 … 255, from the left channel at 16 kHz. They are
    published in the same repository as the pictures, folder ``data/vggish_embeddings_v2``, and are
    not fetched: gather them into ``fma_small_images/vggish.npz`` with the arrays ``track_id``
    (int, n) and ``embedding`` (float32, (n, 128)). FileNotFoundError or ValueError if there is no
    such file, or it does not hold these arrays.

    A table: float32, 128 columns, one row a clip of ``dataset``, which is FMA's (default: all that
    the file holds). A clip without an embedding is a row of NaN, and a warning.
    """
    path = cache_folder(data_home) / "fma_small_images" / "vggish.npz"
    if not path.is_file():
        source = download.REPOSITORIES["fma_small_images"]
        raise FileNotFoundError(
            f"no {path}: arrays track_id and embedding (n, 128), gathered from "
            f"{source._replace(folder='data/vggish_embeddings_v2')}."
        )
    with np.load(path) as file:
        ids, rows = file.get("track_id"), file.get("embedding")
    if ids is None or rows is None or rows.shape != (len(ids), 128):
        raise ValueError(f"{path} does not hold track_id (n,) and embedding (n, 128).")
    table = pd.DataFrame(rows.astype(np.float32), index=pd.Index(ids, name="clip"))
    what = "the clip's left channel at 16 kHz, as VGGish hears it"
    return align(table, dataset, f"embedding in {path}", what)
