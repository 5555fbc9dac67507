"""``prcnn.classify`` on a four-minute MP3: ``python tests/benchmarks/classify.py``.

Cold is the first call of a new process, once Keras is imported; warm is the least of three more.
Writes ``book/results/classify_speed.json``.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import numpy as np
import soundfile
from make import music

from prcnn.study import results

SECONDS, SR = 240, 44100
FRESH = """
import sys, time, prcnn
prcnn.classify  # imports Keras
for _ in range(4):
    began = time.perf_counter()
    prcnn.classify(sys.argv[1])
    print(time.perf_counter() - began)
"""

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        song = Path(folder, "song.mp3")
        soundfile.write(song, np.tile(music(SECONDS, SR)[:, None], 2), SR)
        call = [sys.executable, "-c", FRESH, str(song)]
        said = subprocess.run(call, capture_output=True, text=True, check=True).stdout
    cold, *warm = map(float, said.split()[-4:])
    record = {"seconds_of_music": SECONDS, "seconds": {"cold": cold, "warm": min(warm)}}
    print(record)
    print(results.write("classify_speed", record))
