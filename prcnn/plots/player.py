"""A few seconds of sound in a page, small enough to commit."""

import html
import io
from base64 import b64encode
from os import PathLike

import numpy as np
import soundfile
from IPython.display import HTML

from prcnn import audio

_SR = 22050


def player(waveform_or_path, sr=None, label="Sound", seconds=4.0, offset=0.0):
    """An audio player for a notebook, holding its sound as an MP3 of about 32 kbit/s (4 kB/s).

    Parameters
    ----------
    waveform_or_path : str, os.PathLike or array_like [shape=(n,), (channels, n), (n, channels)]
        What to play, averaged to mono; a waveform louder than full scale is turned down.
    sr : int, optional
        Sampling rate of a waveform in Hz; 22,050 where not given, and for files.
    label : str
        What is heard: read out by screen readers, and shown before the player.
    seconds, offset : float
        How much to keep, from where.

    Returns
    -------
    IPython.display.HTML

    Raises
    ------
    prcnn.audio.AudioError
        Where there is nothing to play.

    Chapter: book/log_mel.ipynb
    """
    if isinstance(waveform_or_path, str | PathLike):
        y = audio.load(waveform_or_path, _SR, duration=seconds, offset=offset)
    else:
        sr = sr or _SR
        y = audio.mono(waveform_or_path, label)[round(offset * sr) :][: round(seconds * sr)]
        y = audio.resample(audio.check(y, label), sr, _SR)
    y = y / max(1.0, float(np.abs(y).max()))
    memory = io.BytesIO()
    # For LAME, level 0.85 at this rate is 32 kbit/s.
    soundfile.write(memory, y, _SR, format="MP3", compression_level=0.85, bitrate_mode="CONSTANT")
    source = b64encode(memory.getvalue()).decode()
    name = html.escape(label)
    return HTML(
        f'<figure style="margin:0"><figcaption>{name}</figcaption>'
        f'<audio controls preload="metadata" aria-label="{name}" '
        f'src="data:audio/mpeg;base64,{source}"></audio></figure>'
    )
