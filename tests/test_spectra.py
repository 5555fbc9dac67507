"""Mean spectra of genres, and how much of the variance they explain."""

import numpy as np
import pytest
import soundfile

from prcnn.study import results, spectra


def test_the_variance_between_genres_is_a_share():
    genre = np.repeat(["a", "b"], 50)
    apart = np.where(genre == "a", 0.0, 10.0)[:, None] * np.ones(3)
    assert spectra.between(apart, genre) == pytest.approx(1)
    noise = np.random.default_rng(0).normal(size=(100, 3))
    assert abs(spectra.between(noise, genre)) < 0.1
    mixed = apart + 5 * noise  # as much between as within: 25 and 25
    assert spectra.between(mixed, genre) == pytest.approx(0.5, abs=0.05)


def test_a_low_genre_is_loud_below_and_a_high_one_above(tmp_path, data_home):
    t = np.arange(22050 * 31) / 22050
    for genre, hertz in (("low", 200), ("high", 5000)):
        (tmp_path / "music" / genre).mkdir(parents=True)
        for i in range(6):
            noise = 0.01 * np.random.default_rng(i).normal(size=t.size)
            y = 0.5 * np.sin(2 * np.pi * (hertz + i) * t) + noise
            soundfile.write(tmp_path / "music" / genre / f"{i}.wav", y, 22050)
    music = str(tmp_path / "music")
    spectra.study(names=[music], folder=tmp_path)
    record = results.read(spectra.RESULT, folder=tmp_path)
    means = spectra.of(record, music)
    assert means.shape == (128, 2) and (means.to_numpy() <= 0).all()
    for genre, hertz in (("low", 200), ("high", 5000)):
        assert abs(means[genre].idxmax() - hertz) < 200
    assert record[music]["between"] > 0.8
    assert (spectra.of(record, music, "sd") >= 0).all().all()
