"""``prcnn.classify`` on a four-minute MP3, from call to answer: cold, warm, and stage by stage.

    python tests/benchmarks/classify.py

writes ``book/results/classify_speed.json``. The song is eight clips of the synthetic set in a row,
stereo at 44.1 kHz. Cold is the first call of a fresh process, once Keras is imported; warm is the
fastest of three more.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

import prcnn
from prcnn import audio, models
from prcnn.spectrogram import IMAGES, log_mel
from prcnn.study import results

SECONDS, SR = 240, 44100
FRESH = """
import sys, time, prcnn
prcnn.classify  # imports Keras
began = time.perf_counter()
prcnn.classify(sys.argv[1])
cold = time.perf_counter() - began
warm = []
for _ in range(3):
    began = time.perf_counter()
    prcnn.classify(sys.argv[1])
    warm.append(time.perf_counter() - began)
print(cold, min(warm))
"""


def timed(work, rounds=3):
    """Seconds of the fastest of a few rounds, and what the last returned."""
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        made = work()
        taken.append(time.perf_counter() - began)
    return min(taken), made


with tempfile.TemporaryDirectory() as folder:
    song = Path(folder, "song.mp3")
    clips = prcnn.load("synthetic").clips["path"].iloc[:: 480 // 8][:8]
    y = np.concatenate([audio.load(path, SR, duration=30) for path in clips])[: SECONDS * SR]
    soundfile.write(song, np.stack([y, y], axis=1), SR)
    out = subprocess.run(
        [sys.executable, "-c", FRESH, str(song)], capture_output=True, text=True, check=True
    )
    cold, warm = map(float, out.stdout.split()[-2:])
    decoding, y = timed(lambda: audio.load(song, sr=None))
    size, hop = 30 * SR, 15 * SR
    windows = [y[start : start + size] for start in range(0, y.size - size + 1, hop)]
    pictures, X = timed(lambda: np.stack([log_mel(window, IMAGES, sr=SR) for window in windows]))
    network = models.pretrained("beyond")
    network.predict_on_batch(X)
    heard, _ = timed(lambda: network.predict_on_batch(X))
record = {
    "seconds_of_music": SECONDS,
    "windows": len(windows),
    "seconds": {
        "cold": cold,
        "warm": warm,
        "decoding": decoding,
        "spectrograms": pictures,
        "network": heard,
    },
}
print(record)
print(results.write("classify_speed", record))
