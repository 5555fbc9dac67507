"""Play songs to the built book's page `classify` in headless Chromium, and to prcnn.classify.

    python tests/check_song.py _build/html

The page must give the probabilities that Python gives for the same samples, opened from a server
and from a file; find its example and its microphone; and say a sentence, in seconds, where a file
is broken, silent, a tenth of a second or an hour long.
"""

import argparse
import re
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
from check_pages import browser, serve
from selenium.webdriver import Keys

import prcnn
from prcnn import audio, models
from prcnn.datasets.synthetic import clips

SR = 44_100
CLOSE = 1e-4  # of probabilities
LARGEST = 2.5e6  # bytes of all that the demo loads
PATIENCE = 60  # seconds for a song of two minutes; a sentence must come in a tenth of it
FLAGS = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")

LISTENED = """
const song = document.querySelector('.song'), bar = song.querySelector('progress');
return song.heard && bar.hidden ? {...song.heard, levels: null} : null;
"""
SAID = "return document.querySelector('.song-says.song-wrong')?.textContent"
DROP = """
const data = new DataTransfer();
data.items.add(new File(['no sound'], 'dropped.mp3', {type: 'audio/mpeg'}));
document.querySelector('.song-drop').dispatchEvent(
  new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true}));
"""
SHOWN = """
const canvas = document.querySelector('.song-picture');
const player = document.querySelector('.song audio');
const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
return {colours: new Set(new Uint32Array(pixels.buffer)).size, length: player.duration,
  paths: [...document.querySelectorAll('.song-strip path')].filter(x => x.getAttribute('d')).length,
  rows: document.querySelectorAll('.song-numbers tbody tr').length};
"""


def songs(folder):
    """Good ones, as the floating-point samples that both sides are given: name → what it is."""
    rng = np.random.default_rng(0)
    made = audio.resample(clips.song(), 22050, SR)
    made = made + 0.003 * rng.normal(size=made.size).astype(np.float32)  # treble, which it lacks
    quiet = np.zeros(50 * SR, np.float32)
    found = {
        "half a window": made[: 16 * SR],
        "one window and a bit": made[: round(30.6 * SR)],
        "stereo": np.stack([made, 0.5 * np.roll(made, 700)], axis=1),
        "with a silence": np.concatenate([made[: 40 * SR], quiet, 0.1 * made[20 * SR :]]),
        "noise": rng.normal(0, 0.1, 47 * SR).astype(np.float32),
    }
    for name, y in found.items():
        soundfile.write(folder / f"{name}.wav", y, SR, subtype="FLOAT")
    return list(found)


def bad(folder):
    """Files that cannot be heard: name → what the page must say of them."""
    rng = np.random.default_rng(0)
    (folder / "broken.mp3").write_bytes(rng.bytes(100_000))
    (folder / "empty.wav").write_bytes(b"")
    soundfile.write(folder / "silent.wav", np.zeros(40 * SR), SR)
    soundfile.write(folder / "short.wav", rng.normal(0, 0.1, SR // 10), SR)
    soundfile.write(folder / "hour.wav", np.zeros(3600 * 8000), 8000, subtype="PCM_U8")
    return {
        "broken.mp3": "cannot be decoded",
        "empty.wav": "cannot be decoded",
        "silent.wav": "no music",
        "short.wav": "lasts 0.1 s",
        "hour.wav": "lasts 60:00",
    }


def wait(driver, script, seconds):
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        if (answer := driver.execute_script(script)) is not None:
            return answer, time.perf_counter() - start
        time.sleep(0.05)
    said = driver.execute_script("return document.querySelector('.song-says').textContent")
    raise AssertionError(f"no answer in {seconds} s; the page says: {said!r}")


def play(driver, path):
    driver.find_element("css selector", ".song input[type=file]").send_keys(str(path))


def press(driver, words):
    buttons = driver.find_elements("css selector", ".song button")
    next(button for button in buttons if words in button.text).send_keys(Keys.ENTER)


def compare(driver, path):
    """What differs between the page and Python, or None; and the page's seconds."""
    play(driver, path)
    heard, seconds = wait(driver, LISTENED, PATIENCE)
    expected = prcnn.classify(path)
    if heard["answer"] != expected.answer:
        return f"says {heard['answer']}, not {expected.answer}", seconds
    said = [[np.nan] * 8 if row is None else row for row in heard["said"]]
    if np.shape(said) != expected.probabilities.shape:
        return f"{len(said)} windows, not {len(expected.times)}", seconds
    apart = np.abs(np.array(said) - expected.probabilities)
    if not np.array_equal(np.isnan(said), np.isnan(expected.probabilities)):
        return "hears other windows", seconds
    most = np.nanmax(apart)
    print(
        f"  {path.stem}: {expected.answer}, {len(said)} windows, {most:.0e} apart, {seconds:.1f} s"
    )
    if most > CLOSE:
        return f"probabilities are {most:.0e} apart", seconds
    shown = driver.execute_script(SHOWN)
    if shown["colours"] < 20 or shown["paths"] != 8 or shown["rows"] != len(said):
        return f"draws {shown}", seconds
    if abs(shown["length"] - expected.duration) > 0.1:
        return f"its player is {shown['length']} s long", seconds
    return None, seconds


def look(driver, url, folder, good, wrong):
    """All that is wrong with the page at this address."""
    driver.get(url)
    for name in good:
        problem, _ = compare(driver, folder / f"{name}.wav")
        if problem:
            yield f"{name}: {problem}"
    for name, words in wrong.items():
        play(driver, folder / name)
        said, seconds = wait(driver, SAID, PATIENCE)
        print(f"  {name}: {said} ({seconds:.1f} s)")
        if words not in said or seconds > PATIENCE / 10:
            yield f"{name}: after {seconds:.1f} s the page says {said!r}"
    press(driver, "example")
    heard, _ = wait(driver, LISTENED, PATIENCE)
    if heard["answer"] != (expected := prcnn.classify(clips.song(), sr=22050).answer):
        yield f"the example: {heard['answer']}, and {expected} in Python"
    yield from keys(driver)
    # Dropped, and while another is still being heard: the last one counts.
    play(driver, folder / "with a silence.wav")
    driver.execute_script(DROP)
    said, _ = wait(driver, SAID, PATIENCE)
    time.sleep(3)
    if "dropped.mp3 cannot" not in said or driver.execute_script(LISTENED):
        yield f"what is dropped while another song is heard: {said}"
    press(driver, "Record")
    heard, _ = wait(driver, LISTENED, PATIENCE)
    if heard["duration"] != 30 or not heard["recorded"]:
        yield f"a recording is {heard['duration']} s long"
    for entry in driver.get_log("browser"):
        # The theme has troubles of its own here; tests/check_pages.py looks for those that count.
        if entry["level"] == "SEVERE" and re.search(r"song\.|song_|blob:", entry["message"]):
            yield f"console: {entry['message']}"


def keys(driver):
    """The place in the song moves by arrow keys, and a click plays."""
    slider = driver.find_element("css selector", ".song [role=slider]")
    slider.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    time.sleep(0.5)
    if not slider.get_attribute("aria-valuetext").startswith("0:10: "):
        yield f"two arrow keys lead to {slider.get_attribute('aria-valuetext')}"
    before = driver.find_element("css selector", ".song-line").get_attribute("style")
    # The theme scrolls smoothly, which a click would not wait for.
    scroll = "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})"
    driver.execute_script(scroll, slider)
    slider.click()  # in its middle
    time.sleep(1)
    state = "const a = document.querySelector('.song audio'); return [a.paused, a.currentTime]"
    paused, at = driver.execute_script(state)
    after = driver.find_element("css selector", ".song-line").get_attribute("style")
    if paused or not 29 < at < 35 or before == after:
        yield f"a click in the middle leads to {at:.1f} s, {'paused' if paused else 'playing'}"


def without_script(driver, url):
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    driver.get(url)
    words = driver.find_element("css selector", ".song").text
    example = driver.find_elements("css selector", "#fig-classify-example img")
    if "With JavaScript" not in words or not (example and example[0].is_displayed()):
        yield f"without JavaScript no worked example stands there, but {words!r}"
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="the built book: …/_build/html")
    book = parser.parse_args().folder.resolve()
    size = sum(path.stat().st_size for path in (book / "_static").glob("song*"))
    problems = [f"the demo weighs {size / 1e6:.2f} MB"] if size > LARGEST else []
    print(f"the demo weighs {size / 1e6:.2f} MB; its weights: {models.card()['network']}")
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as profile:
        good, wrong = songs(Path(folder)), bad(Path(folder))
        driver = browser(profile, *FLAGS)
        for url in (f"{serve(book)}/book/classify.html", (book / "book/classify.html").as_uri()):
            how = url.split(":")[0]
            print(how)
            found = [*look(driver, url, Path(folder), good, wrong), *without_script(driver, url)]
            problems += [f"{how}: {problem}" for problem in found]
        driver.quit()
    print("\n".join(problems) or "The page hears what Python hears.")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
