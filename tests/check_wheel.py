"""Use an installed prcnn from end to end, in an empty folder far from any checkout.

    python tests/check_wheel.py

Fails where something lies in the checkout alone, or where something is written into the package.
"""

import os
import sys
import tempfile
from pathlib import Path

sys.path.pop(0)  # this file's folder
import prcnn
from prcnn.study import results


def files():
    """Every file of the package but Python's caches, with its time."""
    package = Path(prcnn.__file__).parent
    return {path: path.stat().st_mtime_ns for path in package.rglob("*.[!p]*")}


def main():
    package = Path(prcnn.__file__).parent
    assert not (package.parent / "book").exists(), f"{package} is a checkout, no installation"
    before = files()
    clips = prcnn.load("synthetic", clips_per_genre=6)
    features = prcnn.extract(clips, progress=False)
    model = prcnn.build("cnn5", len(features.genres), input_shape=features.shape)
    run = prcnn.train(model, features, epochs=1, out="run", progress=False)
    print(prcnn.evaluate(run.model, features).summary())
    print(prcnn.classify(clips.clips["path"].iloc[0], "run").genre)
    print(prcnn.classify(clips.clips["path"].iloc[0]).genre)
    assert {"train_synthetic", "reproduction"} <= set(results.names()), results.names()
    assert set(prcnn.study.claims()["verdict"]) > {"contradicted"}, "runs.jsonl is inside"
    assert results.write("mine", {}).resolve().is_relative_to(Path.cwd())
    assert files() == before, f"written into the installation: {files().keys() ^ before.keys()}"
    print("The wheel is whole.")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["PRCNN_DATA"] = folder
        main()
