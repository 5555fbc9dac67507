"""Play songs to the built book's page `classify` in headless Chromium, and to prcnn.classify.

    python tests/check_song.py _build/html

The page must give the probabilities that Python gives for the same samples, opened from a server
and from a file, and the same reasons to trust an answer less; be as sure of its two examples as
Python is; hear its microphone, and what is dropped anywhere; and say a sentence, in seconds, where
a file is broken, silent, a tenth of a second or an hour long.
"""

import importlib.util
import re
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
from check_pages import browser, serve
from make import music
from selenium.webdriver import Keys
from selenium.webdriver.support.ui import WebDriverWait

import prcnn
from prcnn import audio
from prcnn.datasets.synthetic import clips

SR = 44_100
CLOSE = 1e-4  # of probabilities
LARGEST = 2.5e6  # bytes of all that the demo loads
PATIENCE = 60  # seconds for a song of two minutes; a sentence must come in a tenth of it
BAD = {"broken": "cannot be decoded", "silent": "no music"}  # file → what the page must say of it
BAD |= {"short": "lasts 0.1 s", "hour": "lasts 60:00", "empty": "cannot be decoded"}

_spec = importlib.util.spec_from_file_location(
    "song", Path(__file__).parents[1] / "book" / "_ext" / "song.py"
)
_spec.loader.exec_module(_song := importlib.util.module_from_spec(_spec))
EXAMPLES = _song.EXAMPLES

LISTENED = """
const song = document.querySelector('.song'), bar = song.querySelector('progress');
return song.heard && bar.hidden ? {...song.heard, levels: null} : null;
"""
SAID = "return document.querySelector('.song-says.song-wrong')?.textContent"
DROP = """
const data = new DataTransfer();
data.items.add(new File(['no sound'], 'dropped.mp3', {type: 'audio/mpeg'}));
document.querySelector('h1').dispatchEvent(
  new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true}));
"""
SHOWN = """
const canvas = document.querySelector('.song-picture');
const drawn = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
return [new Set(new Uint32Array(drawn.data.buffer)).size > 20,
  document.querySelectorAll('.song-strip path[d]:not([d=""])').length,
  document.querySelectorAll('.song-numbers tbody tr').length];
"""
PLAYER = (
    "const a = document.querySelector('.song audio'); return [a.paused, a.currentTime, a.duration]"
)


def songs(folder):
    """Files of both kinds; the names of the good ones, floating-point samples for both sides."""
    rng, song = np.random.default_rng(0), music(120, SR)
    silence = np.zeros(50 * SR, np.float32)
    found = {
        "half a window": song[: 16 * SR],
        "one window and a bit": song[: round(30.6 * SR)],
        "stereo": np.stack([song, 0.5 * np.roll(song, 700)], axis=1),
        "with a silence": np.concatenate([song[: 40 * SR], silence, 0.1 * song[20 * SR :]]),
        "noise": rng.normal(0, 0.1, 47 * SR).astype(np.float32),
        "short and without treble": audio.resample(music(20, 16000), 16000, SR),
    }
    for name, y in found.items():
        soundfile.write(folder / f"{name}.wav", y, SR, subtype="FLOAT")
    (folder / "broken.wav").write_bytes(rng.bytes(100_000))
    (folder / "empty.wav").write_bytes(b"")
    soundfile.write(folder / "silent.wav", np.zeros(40 * SR), SR)
    soundfile.write(folder / "short.wav", rng.normal(0, 0.1, SR // 10), SR)
    soundfile.write(folder / "hour.wav", np.zeros(3600 * 8000), 8000, subtype="PCM_U8")
    return [folder / f"{name}.wav" for name in found]


def wait(driver, script):
    """What the script returns once it returns something, and the seconds until then."""
    start, patience = time.perf_counter(), WebDriverWait(driver, PATIENCE, 0.05)
    answer = patience.until(lambda driver: driver.execute_script(script), f"no answer to {script}")
    return answer, time.perf_counter() - start


def play(driver, path):
    driver.find_element("css selector", ".song input[type=file]").send_keys(str(path))


def press(driver, words):
    buttons = driver.find_elements("css selector", ".song button")
    next(button for button in buttons if words in button.text).send_keys(Keys.ENTER)
    return wait(driver, LISTENED)[0]


def notes(heard):
    """Why to trust an answer less, in words; sentences on the page, clauses in Python."""
    return [note[0].lower() + note[1:] for note in heard]


def compare(driver, path):
    """What differs between the page and Python."""
    play(driver, path)
    heard, seconds = wait(driver, LISTENED)
    expected = prcnn.classify(path)
    said = np.array([[np.nan] * 8 if row is None else row for row in heard["said"]])
    if heard["answer"] != expected.answer or said.shape != expected.probabilities.shape:
        yield f"{heard['answer']} in {len(said)} windows, in Python {expected}"
    elif not np.allclose(said, expected.probabilities, rtol=0, atol=CLOSE, equal_nan=True):
        yield f"other probabilities than Python's: {said}"
    if notes(heard["notes"]) != notes(expected.notes):
        yield f"{heard['notes']}, in Python {expected.notes}"
    if (shown := driver.execute_script(SHOWN)) != [True, 8, len(said)]:
        yield f"a picture, curves and rows of numbers: {shown}"
    if abs(driver.execute_script(PLAYER)[2] - expected.duration) > 0.1:
        yield "its player is of another length"
    print(f"  {path.stem}: {expected.answer}, {seconds:.1f} s")


def look(driver, url, good):
    """All that is wrong with the page at this address."""
    driver.get(url)
    for path in good:
        yield from (f"{path.stem}: {problem}" for problem in compare(driver, path))
    for name, words in BAD.items():
        play(driver, good[0].with_stem(name))
        said, seconds = wait(driver, SAID)
        print(f"  {name}: {said} ({seconds:.1f} s)")
        if words not in said or seconds > PATIENCE / 10:
            yield f"{name}: after {seconds:.1f} s the page says {said!r}"
    for which, (recipe, seed) in zip(("first", "second"), EXAMPLES, strict=True):
        heard = press(driver, f"{which} example")
        expected = prcnn.classify(clips.song((recipe,), seed), sr=22050)
        print(f"  the {which} example: {heard['answer']}, {max(heard['mean']):.3f}")
        if not heard["answer"] == expected.answer == recipe:
            yield f"the {which} example: {heard['answer']}, and {expected.answer} in Python"
    yield from keys(driver)
    # Dropped, and while another is still being heard: the last one counts.
    play(driver, good[3])
    driver.execute_script(DROP)
    said, _ = wait(driver, SAID)
    time.sleep(3)
    if "dropped.mp3 cannot" not in said or driver.execute_script(LISTENED):
        yield f"what is dropped while another song is heard: {said}"
    heard = press(driver, "Record")
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
    wait(driver, "return document.querySelector('.song [aria-valuetext^=\"0:10: \"]')")
    before = driver.find_element("css selector", ".song-line").get_attribute("style")
    # The theme scrolls smoothly, which a click would not wait for.
    scroll = "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})"
    driver.execute_script(scroll, slider)
    slider.click()  # in its middle
    time.sleep(1)
    paused, at, _ = driver.execute_script(PLAYER)
    after = driver.find_element("css selector", ".song-line").get_attribute("style")
    if paused or not 14 < at < 20 or before == after:
        yield f"a click in the middle leads to {at:.1f} s, {'paused' if paused else 'playing'}"


def without_script(driver, url):
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    driver.get(url)
    words = driver.find_element("css selector", ".song").text
    example = driver.find_elements("css selector", "#figure-1 img")
    if "With JavaScript" not in words or not (example and example[0].is_displayed()):
        yield f"without JavaScript no worked example stands there, but {words!r}"
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def main(book):
    size = sum(path.stat().st_size for path in (book / "_static").glob("song*"))
    problems = [f"the demo weighs {size / 1e6:.2f} MB"] if size > LARGEST else []
    flags = "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as profile:
        good, driver = songs(Path(folder)), browser(profile, *flags)
        for url in (f"{serve(book)}/book/classify.html", (book / "book/classify.html").as_uri()):
            print(url)
            found = [*look(driver, url, good), *without_script(driver, url)]
            problems += [f"{url}: {problem}" for problem in found]
        driver.quit()
    print("\n".join(problems) or "The page hears what Python hears.")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
