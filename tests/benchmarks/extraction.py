"""What turning clips into pictures costs: ``python tests/benchmarks/extraction.py FOLDER``.

FOLDER has real clips (``../shared/data``: MP3s of FMA, WAVs of gtzan_mini). On one core the least
processor time of each candidate counts, which other programs on the machine disturb least; one
process against two is wall time: keep the machine quiet. Writes ``book/results/extraction.json``,
from which book/costs.ipynb draws.
"""

import os
import re
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import soundfile
from joblib.externals.loky import get_reusable_executor
from threadpoolctl import threadpool_limits
from timing import turns

from prcnn import audio
from prcnn.datasets import Dataset
from prcnn.spectrogram import AUTHORS, IMAGES, PAPER, log_mel
from prcnn.store import extract
from prcnn.study import results

NAMED = {"paper": PAPER, "authors": AUTHORS, "images": IMAGES}


def librosa_loop(path, settings):
    """What one writes with librosa: load, melspectrogram, power_to_db."""
    import librosa  # here: its memory would count as extract's

    y, sr = librosa.load(path, sr=settings.sr)
    mel = librosa.feature.melspectrogram(
        y=y, sr=sr, n_fft=settings.n_fft, hop_length=settings.hop_length, n_mels=settings.n_mels
    )
    return librosa.power_to_db(mel, ref=np.max)


def milliseconds(candidates):
    """Processor time of each function, the least of its rounds."""
    taken = turns(candidates, clock=time.process_time)
    return {name: 1000 * seconds.min() for name, seconds in taken.items()}


def one_core(paths):
    """Mean milliseconds a clip of the decoder, librosa's loop and ours, and their ratios."""
    rows = []
    for path in paths:
        candidates = {"decoder": partial(soundfile.read, path)}
        for name, settings in NAMED.items():
            candidates[f"librosa, {name}"] = partial(librosa_loop, path, settings)
            candidates[f"prcnn, {name}"] = partial(log_mel, path, settings)
        rows.append(milliseconds(candidates))
    ms = pd.DataFrame(rows).mean()
    ratios = {f"librosa to prcnn, {n}": ms[f"librosa, {n}"] / ms[f"prcnn, {n}"] for n in NAMED}
    ratios |= {f"prcnn to decoder, {n}": ms[f"prcnn, {n}"] / ms["decoder"] for n in NAMED}
    return {"clips": len(paths), "milliseconds": ms.to_dict(), "ratios": ratios}


def stages(path, settings):
    """Milliseconds of each stage of ``log_mel`` on one clip of two channels."""
    native = soundfile.info(path).samplerate
    # Where a clip's maximum is the reference, it may lie behind the frames that are kept.
    frames = int((30 if settings.reference == "clip" else settings.seconds) * native)
    sr = settings.sr or native
    both, _ = soundfile.read(path, frames, dtype="float32")
    mixed = audio.mono(both)
    y = audio.resample(mixed, native, sr)
    return milliseconds(
        {
            "decode": partial(soundfile.read, path, frames, dtype="float32"),
            "average channels": partial(audio.mono, both),
            "resample": partial(audio.resample, mixed, native, sr),
            "STFT, mel and decibels": partial(log_mel, y, settings, sr=sr),
            "(mean(axis=1) instead)": partial(both.mean, axis=1),
        }
    )


def copies(paths, n, folder):
    """A dataset of ``n`` copies, each with a number after the music, lest it be one clip."""
    (folder / "clips").mkdir()
    for i in range(n):
        copy = folder / "clips" / f"{i:05d}.mp3"
        copy.write_bytes(Path(paths[i % len(paths)]).read_bytes() + f"{i:05d}".encode())
    files = sorted(map(str, (folder / "clips").iterdir()))
    columns = {"path": files, "genre": "Rock", "split": "training", "artist": None}
    return Dataset("copies", pd.DataFrame(columns).rename_axis("clip"), ["Rock"])


def cores(paths, n=192):
    """Clips a second of ``extract`` with one process and with two, the better of two turns."""
    record = {"clips": n}
    with tempfile.TemporaryDirectory() as folder:
        dataset = copies(paths, n, Path(folder))
        for name, settings in NAMED.items():
            ways = {
                word: lambda jobs=jobs, settings=settings: extract(
                    dataset, settings, jobs, tempfile.mkdtemp(dir=folder), progress=False
                )
                for word, jobs in (("one", 1), ("two", 2))
            }
            rate = {word: n / seconds.min() for word, seconds in turns(ways, 2).items()}
            record[name] = rate | {"ratio": rate["two"] / rate["one"]}
    return record


def peak(_=None):
    """Peak resident memory of the process that runs this, in MB (Linux)."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def memory(n):
    """Peak memory in MB of a process that extracts ``n`` clips, and of its largest worker."""
    with tempfile.TemporaryDirectory() as folder:
        noise = np.random.default_rng(0).normal(scale=0.1, size=(16 * 44100, 2))
        soundfile.write(Path(folder, "noise.mp3"), noise, 44100)
        dataset = copies([Path(folder, "noise.mp3")], n, Path(folder))
        extract(dataset, PAPER, 2, Path(folder, "store"), progress=False)
        workers = joblib.Parallel(2)(joblib.delayed(peak)(i) for i in range(16))
        get_reusable_executor().shutdown()  # idle workers are waited for, five minutes
    return {"main": peak(), "worker": max(workers)}


if __name__ == "__main__":
    mp3 = sorted(map(str, Path(sys.argv[1]).rglob("fma_small/**/*.mp3")))[:5]
    wav = sorted(map(str, Path(sys.argv[1]).rglob("*.00000.wav")))[:3]
    record, everything = {}, os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(everything)})
    with threadpool_limits(1):
        record |= {"mp3": one_core(mp3), "wav": one_core(wav)}
        record["stages"] = {
            name: pd.DataFrame([stages(path, settings) for path in mp3]).mean().to_dict()
            for name, settings in NAMED.items()
        }
    os.sched_setaffinity(0, everything)
    record["cores"] = cores(mp3)
    fresh = partial(ProcessPoolExecutor, 1, get_context("spawn"), max_tasks_per_child=1)
    with fresh() as pool:
        record["memory"] = {str(n): pool.submit(memory, n).result() for n in (200, 2000)}
    print(pd.json_normalize(record).T.to_string())
    print(results.write("extraction", record))
