"""Use an installed prcnn from end to end, in an empty folder far from any checkout.

    python tests/check_wheel.py

Fails where something lies in the checkout alone, or where something is written into the package.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path


def main():
    sys.path.pop(0)  # this file's folder
    import prcnn
    from prcnn.study import ablations, results

    package = Path(prcnn.__file__).parent
    assert not (package.parent / "book").exists(), f"{package} is a checkout, no installation"
    before = {path: path.stat().st_mtime_ns for path in package.rglob("*.[!p]*")}

    clips = prcnn.load("synthetic", clips_per_genre=6)
    features = prcnn.extract(clips, progress=False)
    model = prcnn.build("cnn5", len(features.genres), input_shape=features.shape)
    run = prcnn.train(model, features, epochs=1, out="run", progress=False)
    print(prcnn.evaluate(run.model, features).summary())
    print(prcnn.classify(clips.clips["path"].iloc[0], "run").genre)

    assert {"ablations_synthetic", "reproduction"} <= set(results.names()), results.names()
    print(ablations.table(results.read("ablations_synthetic"))["accuracy"].describe())
    assert results.write("mine", {}).resolve().is_relative_to(Path.cwd())

    music = Path("music")
    for path, genre in clips.clips[["path", "genre"]].itertuples(index=False):
        (music / genre).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, music / genre)
    runs = ablations.sweep(
        "sweep", dataset="music", rows=["5-layer CNN"], seeds=[0], epochs=1, progress=False
    )
    assert runs["error"].isna().all(), runs["error"].iloc[0]
    assert list(ablations.collect(runs)["rows"]) == ["5-layer CNN"]

    after = {path: path.stat().st_mtime_ns for path in package.rglob("*.[!p]*")}
    assert after == before, f"written into the installation: {after.keys() ^ before.keys()}"
    print("The wheel is whole.")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["PRCNN_DATA"] = folder
        main()
