"""The pages' small scripts, in headless Chromium from a file: questions, the map, printing."""

import re
import shutil
from pathlib import Path

import pytest
from IPython.display import HTML

from prcnn import plots
from prcnn.study import music_map

STATIC = Path(__file__).parents[1] / "book" / "_static"
SCRIPTS = "".join(
    f'<script src="{(STATIC / name).as_uri()}"></script>'
    for name in ("question.js", "music_map.js", "print.js")
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
        style = f'<link rel="stylesheet" href="{(STATIC / "play.css").as_uri()}">'
        (tmp_path / "page.html").write_text(
            f'<!doctype html><html lang="en" data-theme="{theme}"><meta charset="utf-8">'
            f"<title>A page</title>{THEME}{style}{SCRIPTS}<main>{body}</main></html>"
        )
        driver.get_log("browser")
        driver.set_window_size(1000, 900)
        driver.get((tmp_path / "page.html").as_uri())
        return lambda selector: driver.find_elements("css selector", selector)

    yield open_page
    assert not [e for e in driver.get_log("browser") if e["level"] == "SEVERE"]


def pale(driver):
    from check_pages import AXE

    driver.execute_script(AXE)
    return driver.execute_async_script(CONTRAST)


def test_guesses_are_counted_once_beside_those_of_the_network(page, driver):
    asked = [
        plots.question("Which?", [], ["Folk", "Rock"], "Folk", "It is Folk.", said).data
        for said in ("Folk", "Rock", "Folk")
    ]
    find = page("".join(asked) + '<p class="score" role="status"></p>')
    (score,), (first, second, _) = find(".score"), find(".question")
    assert score.text == "Your score will stand here."
    folk, rock = first.find_elements("css selector", "button")
    rock.click()
    folk.click()  # too late
    assert "No: Folk." in first.text and "It is Folk." in first.text, "the answer has unfolded"
    assert score.text == "After 1 of 3: you 0 right, the network 1."
    second.find_elements("css selector", "button")[0].click()
    assert "Right: Folk." in second.text
    assert score.text == "After 2 of 3: you 1 right, the network 1."
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

    table = music_map.read()
    find = page(music_map.interactive(table, HTML('<img alt="still">')).data, theme)
    marks, (words,) = find(".map-live svg path:not(.map-ring)"), find(".map-clip p")
    (count,), (svg,) = find(".map-filters + p"), find(".map-live svg")
    assert len(marks) == len(table) and not find(".map-still")[0].is_displayed()

    # The pointer on a dot: its clip in words, and a bar a genre.
    lonely = (table["x"] + table["y"]).argmax()
    ActionChains(driver).move_to_element(marks[lonely]).perform()
    row = table.iloc[lonely]
    assert words.text.startswith(f"Clip {row.name}. Its artist says {row['genre']}, the network ")
    assert words.text.endswith("a mistake.") == (not row["right"])
    assert f"{row['predicted']} ({100 * row['probability']:.0f} %)" in words.text
    assert len(find(".map-bars > div")) == 8

    # One genre's mistakes.
    said = "{} clips shown, of which the network gets {} right."
    assert count.text == said.format(len(table), table["right"].sum())
    buttons = {button.text.removeprefix("● "): button for button in find(".map-filters button")}
    buttons["Folk"].click()
    buttons["mistakes"].click()
    lost = table[(table["genre"] == "Folk") & ~table["right"]]
    assert count.text == said.format(len(lost), 0)

    # The arrow keys go through what is shown, and through nothing else.
    driver.execute_script("arguments[0].focus()", svg)
    seen = set()
    for key in [Keys.ARROW_RIGHT] * 5 + [Keys.ARROW_DOWN] * 3 + [Keys.ARROW_LEFT] * 3:
        svg.send_keys(key)
        assert "says Folk" in words.text and words.text.endswith("a mistake.")
        seen.add(int(re.search(r"\d+", words.text)[0]))
    assert len(seen) > 4 and seen <= {*lost.index}
    assert not pale(driver)
