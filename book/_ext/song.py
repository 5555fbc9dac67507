"""What the chapter ``classify`` needs to hear a song in the browser: the script, and what it knows.

The shipped weights, the settings of the pictures and a song to try it with are written at build time
as two scripts (a page opened from a file may load no other kind of data), so that nothing is kept
twice. The page loads them when a reader asks for them.
"""

import base64
import io
import json
from pathlib import Path

import librosa
import numpy as np
import soundfile
from matplotlib import colormaps, colors

from prcnn import audio, models
from prcnn.datasets.synthetic import clips
from prcnn.listening.network import find_network
from prcnn.listening.song import QUIET, REST, SHORT, SURE, TREBLE, band_tops
from prcnn.spectrogram import SILENCE
from prcnn.study.music_map import COLOURS

PAGE = "book/classify"
TICKS = (500, 2000, 8000)


def knowledge():
    """What the script must know, from where Python keeps it."""
    _, settings, genres, name = find_network("beyond")
    highest = librosa.hz_to_mel(settings.sr / 2)
    with np.load(models.shipped.FOLDER / f"{name}.npz", allow_pickle=False) as kept:
        arrays = {key: kept[key] for key in kept.files if kept[key].dtype.kind == "f"}
    return {
        "genres": genres,
        "colours": [COLOURS[genre] for genre in genres],
        "sure": SURE,
        "rest": REST,
        "short": SHORT,
        "quiet": QUIET,
        "treble": TREBLE,
        "tops": band_tops(settings).tolist(),
        "silence": SILENCE,
        "window": settings.seconds,
        "settings": {
            key: getattr(settings, key)
            for key in ("sr", "n_fft", "hop_length", "n_mels", "n_frames", "top_db")
        },
        "picture": [colors.to_hex(colour) for colour in colormaps["magma"](np.linspace(0, 1, 64))],
        "ticks": {f"{hz / 1000:g} kHz": librosa.hz_to_mel(hz) / highest for hz in TICKS},
        "arrays": [[key, values.dtype.itemsize, values.shape] for key, values in arrays.items()],
        "weights": base64.b64encode(b"".join(map(_little, arrays.values()))).decode(),
    }


def _little(values):
    return values.astype(values.dtype.newbyteorder("<")).tobytes()


def example():
    """The example of the page, music that a program made, as an MP3."""
    memory = io.BytesIO()
    soundfile.write(
        memory,
        audio.resample(clips.song(), 22050, 44100),
        44100,
        format="MP3",
        compression_level=0.85,  # 80 kbit/s
        bitrate_mode="CONSTANT",
    )
    return base64.b64encode(memory.getvalue()).decode()


def only_on_its_page(app, page, template, context, doctree):
    if page == PAGE:
        app.add_css_file("song.css")
        app.add_js_file("song.js")


def write(app, error):
    if error is None and app.builder.format == "html":
        folder = Path(app.outdir) / "_static"
        text = json.dumps(knowledge(), separators=(",", ":"))
        (folder / "song_weights.js").write_text(f"window.SONG = {text};\n", "utf-8")
        (folder / "song_example.js").write_text(f'window.SONG_EXAMPLE = "{example()}";\n', "utf-8")


def setup(app):
    app.connect("html-page-context", only_on_its_page, priority=400)  # before pages.scripts_once
    app.connect("build-finished", write)
    return {"parallel_read_safe": True}
