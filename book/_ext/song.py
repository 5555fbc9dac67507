"""Scripts and sounds of single pages: the song page's network, sliders, the game, clips to play.

The shipped weights, the settings of the pictures, songs to try them with and clips of synthetic music
are written at build time as scripts (a page opened from a file may load no other kind of data), so
that nothing is kept twice. A page loads them when a reader asks for them.
"""

import base64
import json
from pathlib import Path

import librosa
import numpy as np
from matplotlib import colormaps, colors

from prcnn import audio, models
from prcnn.datasets.synthetic import clips
from prcnn.listening.network import find_network
from prcnn.listening.song import QUIET, REST, SHORT, SURE, TREBLE, band_tops
from prcnn.plots.page import GENRE_COLOURS, mp3
from prcnn.spectrogram import SILENCE

SCRIPTS = {
    "book/log_mel": ["mel.js", "sliders.js"],
    "book/guess": ["game.js"],
    "book/classify": ["mel.js", "song.js"],
}
# Songs of which `beyond` is sure, by the recipe and the seed of prcnn.datasets.synthetic.clips.song:
# with these two it calls them by the recipe's name, which is luck, for it has learned other words.
EXAMPLES = (("Instrumental", 46), ("Pop", 6))
TICKS = (500, 2000, 8000)
SR = 22050


def knowledge():
    """What the script must know, from where Python keeps it."""
    _, settings, genres, name = find_network("beyond")
    highest = librosa.hz_to_mel(settings.sr / 2)
    with np.load(models.shipped.FOLDER / f"{name}.npz", allow_pickle=False) as kept:
        arrays = {key: kept[key] for key in kept.files if kept[key].dtype.kind == "f"}
    return {
        "genres": genres,
        "colours": [GENRE_COLOURS[genre] for genre in genres],
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


def sounds():
    """Four seconds of each clip that pages play, MP3s by the clip's number."""
    part = slice(3 * SR, 7 * SR)
    return {number: mp3(clips.waveform(row)[part]) for number, row in clips.playable().iterrows()}


def examples():
    """The songs of the page, music that a program made, as MP3s."""
    songs = (clips.song((recipe,), seed) for recipe, seed in EXAMPLES)
    return [mp3(audio.resample(song, SR, 44100), 44100) for song in songs]


def only_on_its_page(app, page, template, context, doctree):
    for script in SCRIPTS.get(page, []):
        app.add_js_file(script)
    if "song.js" in SCRIPTS.get(page, []):
        app.add_css_file("song.css")


def write(app, error):
    if error is None and app.builder.format == "html":
        kept = {"song_weights": ("SONG", knowledge()), "clips": ("CLIPS", sounds())}
        kept |= {f"song_{i}": ("SONG_EXAMPLE", song) for i, song in enumerate(examples(), 1)}
        for name, (variable, value) in kept.items():
            text = json.dumps(value, separators=(",", ":"))
            path = Path(app.outdir) / "_static" / f"{name}.js"
            path.write_text(f"window.{variable} = {text};\n", "utf-8")


def setup(app):
    app.connect("html-page-context", only_on_its_page, priority=400)  # before pages.scripts_once
    app.connect("build-finished", write)
    return {"parallel_read_safe": True}
