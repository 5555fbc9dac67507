"""The pages' small scripts, in headless Chromium from a file: players, sliders, questions, the
game, the map, printing."""

import itertools
import json
import re
import shutil
from pathlib import Path

import librosa
import matplotlib.pyplot as plt
import numpy as np
import pytest
import soundfile
from IPython.display import HTML
from make import music
from test_music_map import shown

from prcnn import plots

STATIC = Path(__file__).parents[1] / "book" / "_static"
NUMBERS = itertools.count()  # of pages, so that none is taken for the one before
SCRIPTS = "".join(
    f'<script src="{(STATIC / f"{name}.js").as_uri()}"></script>'
    for name in "playhead question game music_map mel sliders print".split()
)
# What the theme brings, as it is in light and in dark.
THEME = """<style>
html { --pst-color-text-base: #222832; --pst-color-text-muted: #48566b; --pst-color-border: #d1d5da;
  --pst-color-background: #fff; --pst-color-surface: #f3f4f5; --pst-color-link: #0a4f9e;
  --pst-color-success: #28a745; }
html[data-theme=dark] { --pst-color-text-base: #ced6dd; --pst-color-text-muted: #9ca4af;
  --pst-color-border: #48566b; --pst-color-background: #14181e; --pst-color-surface: #222832;
  --pst-color-link: #8fc3ff; --pst-color-success: #5fb488; }
body { background: var(--pst-color-background); color: var(--pst-color-text-base); }
</style>"""
CONTRAST = """
const done = arguments[0];
axe.run(document, {runOnly: ['color-contrast', 'button-name', 'aria-allowed-attr', 'svg-img-alt']})
  .then(found => done(found.violations.flatMap(v => v.nodes.map(n => n.html))));
"""


def test_a_question_names_its_choices_and_hides_its_answer():
    page = plots.question("Which?", [HTML("<audio>")], ["A & B", "C"], "C", "It is C.", "C").data
    assert "Which? A &amp; B, C." in page
    assert "<details><summary>The answer</summary><p>It is C.</p></details>" in page
    with pytest.raises(ValueError, match="'D' is none of the choices: A, B"):
        plots.question("Which?", [], ["A", "B"], "D", "")


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("no chromium and chromedriver on this machine")
    from check_pages import browser

    driver = browser(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


@pytest.fixture
def page(driver, tmp_path):
    """Open a page with this body, the book's scripts and its style, from a file."""

    def open_page(body, theme="light"):
        title = f"Page {next(NUMBERS)}"
        style = f'<link rel="stylesheet" href="{(STATIC / "play.css").as_uri()}">'
        (tmp_path / "page.html").write_text(
            f'<!doctype html><html lang="en" data-theme="{theme}"><meta charset="utf-8">'
            f"<title>{title}</title>{THEME}{style}{SCRIPTS}<main>{body}</main></html>"
        )
        driver.get_log("browser")
        driver.set_window_size(1000, 900)
        driver.get((tmp_path / "page.html").as_uri())
        # On a busy machine it comes back before the scripts have run.
        wait(driver, f"return document.title === '{title}' && document.readyState === 'complete'")
        return lambda selector: driver.find_elements("css selector", selector)

    yield open_page
    assert not [e for e in driver.get_log("browser") if e["level"] == "SEVERE"]


def wait(driver, script):
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(driver, 20, 0.05).until(
        lambda driver: driver.execute_script(script), script
    )


def pale(driver):
    from check_pages import AXE

    driver.execute_script(AXE)
    return driver.execute_async_script(CONTRAST)


def test_a_question_takes_one_guess_and_unfolds_its_answer(page, driver):
    find = page(plots.question("Which?", [], ["Folk", "Rock"], "Folk", "It is Folk.").data)
    folk, rock = find(".question button")
    rock.click()
    folk.click()  # too late
    assert find(".question")[0].text.startswith("Folk\nRock\nNo: Folk.")
    assert "It is Folk." in find(".question")[0].text, "the answer has unfolded"
    assert not pale(driver)


def clips_js(*numbers):
    """What the book's clips.js says, with a second of sound for each number."""
    sounds = {number: plots.page.mp3(music(1, seed=number)) for number in numbers}
    return f"<script>window.CLIPS = {json.dumps(sounds)}</script>"


def test_a_game_has_another_round_and_the_networks_score_beside_yours(page, driver):
    asked = [
        plots.question("Which?", [plots.player(music(1))], ["Folk", "Rock"], "Folk", "No. 1.", said)
        for said in ("Folk", "Rock")
    ]
    next_round = [
        {"clip": i, "truth": "Rock", "network": "Rock", "answer": f"Clip {i}."} for i in (7, 8)
    ]
    rounds = f'<script type="application/json">{json.dumps([next_round])}</script>'
    body = "".join(question.data for question in asked)
    body = f'<div class="game">{body}<div class="score" role="status"></div>{rounds}</div>'
    find = page(clips_js(7, 8) + body)
    score, more = find(".score")[0], find(".score + .choices button")[0]
    assert score.text == "Your score will stand here, beside the network's."
    first, second = find(".question")
    first.find_elements("css selector", "button")[1].click()
    told = "You\n0 of 1\nThe network\n1 of 1\nYou alone were right 0 times, it alone 1 times."
    assert score.text == f"{told} Round 1: 1 clips to go."
    second.find_elements("css selector", "button")[0].click()
    assert score.text.endswith("right 1 times, it alone 1 times. Play another round.")
    sounds = [each.get_attribute("src") for each in find(".question audio")]
    more.click()
    wait(driver, "return document.querySelector('.question').dataset.truth === 'Rock'")
    assert not {each.get_attribute("src") for each in find(".question audio")} & {*sounds}
    assert not find("button.right") and not find("details[open]") and not more.is_enabled()
    find(".question")[1].find_elements("css selector", "button")[1].click()
    assert find(".question")[1].text.endswith("Clip 8.")
    assert score.text.startswith("You\n2 of 3\nThe network\n2 of 3\n")
    assert "Round 2: 1 clips to go." in score.text
    assert not pale(driver)


def test_examples_of_a_genre_play_and_stop(page, driver):
    data = '<script type="application/json">{"Folk": [7, 8]}</script>'
    find = page(clips_js(7, 8) + f'<div class="game-examples">{data}</div>')
    playing = (
        "const a = document.querySelector('audio'); return a && !a.paused && a.currentTime > 0"
    )
    _, two = find("button")
    two.click()
    wait(driver, playing)
    assert find(".game-examples p")[0].text == "Folk, example 2"
    two.click()
    assert driver.execute_script("return document.querySelector('audio').paused")
    assert not pale(driver)


def test_one_player_sounds_at_a_time(page, driver):
    page(plots.player(music(3)).data * 2)
    paused = "return [...document.querySelectorAll('audio')].map(x => x.paused)"
    for i in (0, 1):
        driver.execute_script(f"document.querySelectorAll('audio')[{i}].play()")
        wait(driver, paused.replace("return ", "return !").split(".map")[0] + f"[{i}].paused")
        assert driver.execute_script(paused) == [i != 0, i != 1]


def test_what_can_be_played_of_a_picture_is_framed_and_clicks_elsewhere_do_nothing(page, driver):
    """Ten seconds seen, of which the player holds the sixth to the eighth; a curve from 0 to 9."""
    from selenium.webdriver import ActionChains

    ax = plt.subplots(figsize=(5, 2))[1]
    ax.set(xlim=(0, 10), ylim=(0, 10))
    shown = {"sound": music(10), "seconds": 2, "offset": 5, "curve": np.arange(10)}
    page(plots.show(ax, alt="An empty picture.", **shown).data)
    where = """
    const frame = document.querySelector('.heard-frame').getBoundingClientRect();
    const part = document.querySelector('.heard-part.framed').getBoundingClientRect();
    const {left, right} = document.querySelector('.heard').dataset;
    return [(part.left - frame.left) / frame.width, part.width / frame.width, left, right]
      .map(Number);
    """
    wait(driver, "return document.querySelector('audio').duration > 0")
    begins, wide, left, right = driver.execute_script(where)
    assert begins == pytest.approx(left + 0.5 * (right - left), abs=0.005)
    assert wide == pytest.approx(0.2 * (right - left), abs=0.02)  # an MP3 ends a little later
    at = "const a = document.querySelector('audio'); return [a.paused, a.currentTime]"
    picture = driver.find_element("css selector", ".heard-frame")

    def click(second):
        x = (left + second / 10 * (right - left) - 0.5) * picture.size["width"]
        ActionChains(driver).move_to_element_with_offset(picture, round(x), 0).click().perform()

    for second in (2, 9):
        click(second)
        assert driver.execute_script(at) == [True, 0]
    click(6)
    wait(driver, at.split("return")[0] + "return !a.paused && a.currentTime > 1.05")
    driver.execute_script("document.querySelector('audio').pause()")
    seconds = driver.execute_script(at)[1]
    assert 1.05 < seconds < 2
    wait(driver, "return document.querySelector('.heard-dot').dataset.value == '6'")
    height = driver.execute_script("return document.querySelector('.heard-dot').style.bottom")
    low, high = (share for share, _ in json.loads(heard_curve(driver))[::9])
    assert float(height[:-1]) / 100 == pytest.approx(low + 6 / 9 * (high - low), abs=0.002)


def heard_curve(driver):
    return driver.find_element("css selector", ".heard").get_attribute("data-curve")


def test_the_sliders_draw_what_librosa_says(page, driver):
    """Two settings; of the samples that the browser decoded."""
    from selenium.webdriver import Keys

    ax = plt.subplots()[1]
    still = plots.show(ax, alt="A picture.", sound=music(1.5), seconds=1.5)
    find = page(f'<div class="mel-play">{still.data}</div>')
    wait(driver, "return document.querySelector('.mel-play.alive')")
    assert not find("img")[0].is_displayed() and find("canvas")[0].is_displayed()
    place = "const place = document.querySelector('.mel-play'); return "
    y = np.array(driver.execute_script(place + "[...place.samples]"), np.float32)
    assert np.abs(y).max() > 0.1 and y.size > 1.4 * 22050

    def check(hop_length, n_fft, n_mels):
        levels = driver.execute_script(place + "[...place.picture.levels]")
        size = {"n_fft": n_fft, "hop_length": hop_length, "n_mels": n_mels}
        power = librosa.feature.melspectrogram(y=y, sr=22050, **size, pad_mode="constant")
        expected = librosa.power_to_db(power, ref=np.max, top_db=80).T
        found = np.reshape(levels, expected.shape)
        np.testing.assert_allclose(found, expected, rtol=0, atol=0.02)
        assert found.min() < -40

    check(512, 2048, 128)
    hop, window, bands = find("input[type=range]")
    hop.send_keys(Keys.ARROW_LEFT)
    window.send_keys(Keys.HOME)
    check(256, 256, 128)
    (told,) = find(".mel-live + p")
    assert "stay black" in told.text
    bands.send_keys(Keys.ARROW_LEFT)
    check(256, 256, 64)
    assert "64 bands" in find(".mel-sliders")[0].text and "stay black" not in told.text
    driver.find_element("css selector", ".heard-part").click()
    wait(driver, "return !document.querySelector('audio').paused")
    assert not pale(driver)


def test_what_is_folded_is_open_on_paper_only(page, driver):
    page("<details><summary>A</summary>one</details><details open>two</details>")
    is_open = "return [...document.querySelectorAll('details')].map(x => x.open)"
    for event, expected in (("beforeprint", [True, True]), ("afterprint", [False, True])):
        driver.execute_script(f"dispatchEvent(new Event('{event}'))")
        assert driver.execute_script(is_open) == expected


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_map_is_pointed_at_filtered_and_walked_with_keys(page, driver, theme):
    from selenium.webdriver import ActionChains, Keys

    (html, _), (data, _) = shown()
    find = page(html, theme)
    marks, (words, _) = find(".map-live svg path:not(.map-ring)"), find(".map-clip p")
    (count,), (svg,) = find(".map-filters + p"), find(".map-live svg")
    clips, names = data["clips"], data["genres"]
    assert len(marks) == len(clips) and not find(".map-still")[0].is_displayed()

    # The pointer on a dot: its clip in words, and a bar a genre.
    lonely = max(range(len(clips)), key=lambda i: sum(clips[i][3]))
    ActionChains(driver).move_to_element(marks[lonely]).perform()
    clip, genre, said, _, percent = clips[lonely]
    assert words.text.startswith(f"Clip {clip}. Its artist says {names[genre]}, the network ")
    assert words.text.endswith("a mistake.") == (genre != said)
    assert f"{names[said]} ({percent[said]} %)" in words.text
    assert len(find(".map-bars > div")) == 8

    # One genre's mistakes.
    counted = "{} clips shown, of which the network gets {} right."
    right = sum(genre == said for _, genre, said, *_ in clips)
    assert count.text == counted.format(len(clips), right)
    buttons = {button.text.removeprefix("● "): button for button in find(".map-filters button")}
    buttons["Folk"].click()
    buttons["mistakes"].click()
    folk = names.index("Folk")
    lost = {clip for clip, genre, said, *_ in clips if genre == folk != said}
    assert count.text == counted.format(len(lost), 0)

    # The arrow keys go through what is shown, and through nothing else.
    driver.execute_script("arguments[0].focus()", svg)
    seen = set()
    for key in [Keys.ARROW_RIGHT] * 5 + [Keys.ARROW_DOWN] * 3 + [Keys.ARROW_LEFT] * 3:
        svg.send_keys(key)
        assert "says Folk" in words.text and words.text.endswith("a mistake.")
        seen.add(int(re.search(r"\d+", words.text)[0]))
    assert len(seen) > 4 and seen <= lost
    assert not pale(driver)


def test_a_clip_of_the_map_is_played_by_a_click_or_enter(page, driver, tmp_path):
    from selenium.webdriver import ActionChains, Keys

    (of_fma, made), (_, data) = shown()
    playing = """
    const a = document.querySelector('.map-clip audio');
    return a && !a.paused && a.src.slice(0, 15)
    """
    # Made by a program: the sounds are the book's own.
    clips = data["clips"]
    find = page(clips_js(*(clip for clip, *_ in clips)) + made)
    marks, (words, _) = find(".map-live svg path:not(.map-ring)"), find(".map-clip p")
    lonely = max(range(len(clips)), key=lambda i: sum(clips[i][3]))
    ActionChains(driver).move_to_element(marks[lonely]).click().perform()
    assert wait(driver, playing) == "data:audio/mpeg"
    assert words.text.startswith(f"Clip {clips[lonely][0]}. Its recipe says ")
    # FMA's lie where the reader has them.
    find = page(of_fma)
    (svg,), (hint,) = find(".map-live svg"), find(".map-clip p:last-child")
    driver.execute_script("arguments[0].focus()", svg)
    svg.send_keys(Keys.ARROW_RIGHT, Keys.ENTER)
    assert "Choose your folder fma_small" in hint.text
    number = int(re.search(r"\d+", find(".map-clip p")[0].text)[0])
    (tmp_path / "fma_small" / "000").mkdir(parents=True)
    soundfile.write(tmp_path / "fma_small" / "000" / f"{number:06d}.mp3", music(1), 22050)
    find("input[type=file]")[0].send_keys(str(tmp_path / "fma_small"))
    wait(
        driver,
        "return document.querySelector('.map-clip p:last-child').textContent.startsWith('1 of')",
    )
    svg.send_keys(Keys.ENTER)
    assert wait(driver, playing).startswith("blob:")
    assert not pale(driver)
