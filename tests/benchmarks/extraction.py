"""How fast and how large extraction is: ``python tests/benchmarks/extraction.py CLIPS [NAME]``.

CLIPS is a folder with real clips (``../shared/data``: MP3s of FMA, WAVs of gtzan_mini). All ratios
come from one run. On one core the candidates take turns for several rounds, and the best processor
time of each counts, which other programs on the machine disturb least. One process against two is
wall time: keep the machine quiet. Writes ``book/results/extraction.json``, from which
book/costs.ipynb draws.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import soundfile
from joblib.externals.loky import get_reusable_executor
from threadpoolctl import threadpool_limits

from prcnn import audio, spectrogram
from prcnn.datasets import Dataset
from prcnn.spectrogram import AUTHORS, IMAGES, PAPER
from prcnn.store import extract
from prcnn.study import results

ROUNDS = 5
COPIES = 192
NAMED = {"paper": PAPER, "authors": AUTHORS, "images": IMAGES}


def librosa_loop(path, settings):
    """What one writes with librosa: load, melspectrogram, power_to_db."""
    import librosa

    y, sr = librosa.load(path, sr=settings.sr)
    mel = librosa.feature.melspectrogram(
        y=y, sr=sr, n_fft=settings.n_fft, hop_length=settings.hop_length, n_mels=settings.n_mels
    )
    return librosa.power_to_db(mel, ref=np.max)


def best(candidates, rounds=ROUNDS):
    """Milliseconds of processor time of each function, the best of `rounds`, taking turns."""
    times = {name: [] for name in candidates}
    for _ in range(rounds + 1):  # the first round warms up
        for name, function in candidates.items():
            start = time.process_time()
            function()
            times[name].append(time.process_time() - start)
    return {name: 1000 * min(values[1:]) for name, values in times.items()}


def one_core(paths):
    """Mean milliseconds a clip: decoder, librosa's loop, ours; and the ratios."""
    rows = []
    for path in paths:
        candidates = {"decoder": lambda p=path: soundfile.read(p)}
        candidates |= {"decoder, float32": lambda p=path: soundfile.read(p, dtype="float32")}
        for name, settings in NAMED.items():
            candidates[f"librosa, {name}"] = lambda p=path, s=settings: librosa_loop(p, s)
            candidates[f"prcnn, {name}"] = lambda p=path, s=settings: spectrogram.log_mel(p, s)
        rows.append(best(candidates))
    ms = pd.DataFrame(rows).mean()
    ratios = {f"librosa to prcnn, {n}": ms[f"librosa, {n}"] / ms[f"prcnn, {n}"] for n in NAMED}
    ratios |= {
        f"prcnn to decoder{how}, {n}": ms[f"prcnn, {n}"] / ms[f"decoder{how}"]
        for n in NAMED
        for how in ("", ", float32")
    }
    return {"clips": len(paths), "milliseconds": ms.to_dict(), "ratios": ratios}


def stages(paths, settings):
    """Mean milliseconds a clip of each stage of ``log_mel``."""
    rows = []
    for path in paths:
        every = settings.reference == "clip" and not settings.sampled
        seconds = spectrogram.CLIP_SECONDS if every else settings.seconds
        with soundfile.SoundFile(path) as file:
            frames, native = int(seconds * file.samplerate), file.samplerate
        chosen = replace(settings, sr=settings.sr or native)

        def decode(p=path, n=frames):
            with soundfile.SoundFile(p) as file:
                return file.read(n, dtype="float32", always_2d=True)

        decoded = decode()
        mixed = audio.mono(decoded)
        y = audio.resample(mixed, native, chosen.sr)
        n_frames = settings.n_frames
        if settings.reference == "clip":
            n_frames = max(n_frames, 1 + y.size // settings.hop_length)

        def power(y=y, s=chosen, n=n_frames):
            return spectrogram.power(y, s, n)

        transform = power
        if settings.sampled:

            def transform(y=y, s=chosen, n=n_frames):
                return spectrogram._sampled(y, s, n)[0]

        energy = transform()
        candidates = {
            "decode": decode,
            "average channels": lambda y=decoded: audio.mono(y),
            "resample": lambda y=mixed, sr=native, to=chosen.sr: audio.resample(y, sr, to),
            "STFT and mel": transform,
            "decibels": lambda e=energy: spectrogram.decibels(e, settings),
        }
        if decoded.shape[1] > 1:
            candidates["(mean(axis=1) instead)"] = lambda y=decoded: y.mean(axis=1)
        rows.append(best(candidates))
    return pd.DataFrame(rows).mean().to_dict()


def copies(paths, n, folder):
    """A dataset of `n` copies of MP3s, each with a number after the music, lest it be one clip."""
    rows = []
    for i in range(n):
        source = Path(paths[i % len(paths)])
        copy = folder / f"{i:05d}{source.suffix}"
        copy.write_bytes(source.read_bytes() + f"{i:05d}".encode())
        rows.append((i, str(copy), "Rock", "training", None))
    columns = ["clip", "path", "genre", "split", "artist"]
    return Dataset("copies", pd.DataFrame(rows, columns=columns).set_index("clip"), ["Rock"])


def decoded(path):
    """Decode a clip and throw it away, in a worker process."""
    return len(soundfile.read(path, dtype="float32")[0])


def cores(paths):
    """Clips a second of ``extract``, and of decoding alone, with one process and two."""
    record = {"clips": COPIES}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "clips").mkdir()
        dataset = copies(paths, COPIES, folder / "clips")
        few = Dataset("few", dataset.clips.iloc[:32], dataset.genres)
        start = time.perf_counter()
        extract(few, PAPER, 2, folder / "warm", progress=False)
        record["seconds until two new processes have done 32 clips"] = time.perf_counter() - start

        def decode(n_jobs, _):
            read = joblib.delayed(decoded)
            joblib.Parallel(n_jobs, batch_size=16)(read(path) for path in dataset.clips["path"])

        def make(settings):
            return lambda n_jobs, out: extract(dataset, settings, n_jobs, out, progress=False)

        works = {"decoding alone": decode} | {name: make(s) for name, s in NAMED.items()}
        for name, work in works.items():
            rate = {1: [], 2: []}
            for turn in range(2):
                for n_jobs in rate:
                    start = time.perf_counter()
                    work(n_jobs, folder / f"{turn}-{n_jobs}")
                    rate[n_jobs].append(COPIES / (time.perf_counter() - start))
            one, two = max(rate[1]), max(rate[2])
            record[name] = {"one": one, "two": two, "ratio": two / one}
    return record


def peak(_=None):
    """Peak resident memory of the process that runs this, in MB (Linux)."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def memory(n):
    """Peak memory in MB of the main process and the largest worker; run it in a new process."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "clips").mkdir()
        y = np.random.default_rng(0).normal(scale=0.1, size=(16 * 44100, 2))
        soundfile.write(folder / "noise.mp3", y, 44100)
        del y
        dataset = copies([folder / "noise.mp3"], n, folder / "clips")
        extract(dataset, PAPER, 2, folder, progress=False)
        workers = joblib.Parallel(n_jobs=2)(joblib.delayed(peak)(i) for i in range(16))
    return {"main": peak(), "worker": max(workers)}


def main():
    """Measure all and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", type=Path, help="folder with real clips, e.g. ../shared/data")
    parser.add_argument("name", nargs="?", default="extraction", help="of the result")
    arguments = parser.parse_args()
    mp3 = sorted(map(str, arguments.clips.rglob("*.mp3")))[:5]
    wav = sorted(map(str, arguments.clips.rglob("*.00000.wav")))[:3]
    if not mp3:
        parser.error(f"no MP3 clips in {arguments.clips}.")
    record = {"rounds": ROUNDS}
    everything = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(everything)})
    with threadpool_limits(1):
        record["mp3"] = one_core(mp3)
        if wav:
            record["wav"] = one_core(wav)
        record["stages"] = {name: stages(mp3, settings) for name, settings in NAMED.items()}
    os.sched_setaffinity(0, everything)
    record["cores"] = cores(mp3)
    get_reusable_executor().shutdown(wait=True)
    record["memory"] = {}
    for n in (200, 2000):
        code = f"import extraction, json; print(json.dumps(extraction.memory({n})))"
        shown = subprocess.run(
            [sys.executable, "-c", code], cwd=Path(__file__).parent, capture_output=True, check=True
        )
        record["memory"][str(n)] = json.loads(shown.stdout.splitlines()[-1])
    print(results.write(arguments.name, record))
    print(pd.json_normalize(record).T.to_string())


if __name__ == "__main__":
    main()
