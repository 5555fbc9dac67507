"""Look at every page of the built book in headless Chromium: three widths, light and dark.

    python tests/check_pages.py _build/html [--screenshots FOLDER]

Fails on: an error in the browser's console, a picture without alternative text or that did not
load, a link inside the book that leads nowhere, from a server or from a file, a player that cannot
play, anything fetched from another host, a page wider than the screen, code or a table that is cut
without a sign that it scrolls, text whose contrast is below 4.5 : 1 (axe-core), an output that is
only the name of an object, a figure or table without number and caption,
a figure so small that its words are below 9 pixels, a solution that is not on paper (the page is
printed to PDF and its text read), a page of more than 400 kB, or 1.1 MB with what it shares with
others.
"""

import argparse
import base64
import functools
import http.server
import importlib.resources
import io
import re
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from urllib.parse import unquote, urldefrag

from pypdf import PdfReader
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.wait import WebDriverWait

SCREENS = {"wide": (1440, 900), "middle": (1100, 800), "narrow": (390, 844)}
PAGE_BYTES, SHARED_BYTES = 400_000, 1_100_000
HEAVY = ("book/classify.html",)  # carry a network with them
AXE = (importlib.resources.files("axe_core_python") / "axe.min.js").read_text()

LOOK = """
const done = arguments[0];
const all = css => [...document.querySelectorAll(css)];
const text = x => x.outerHTML.slice(0, 120);
const screen = document.documentElement.clientWidth;  // innerWidth grows with what sticks out
const hides = x => ['auto', 'scroll', 'hidden'].includes(getComputedStyle(x).overflowX);
const images = all('article img, main img'), players = all('audio');
const fetched = performance.getEntriesByType('resource');
const play = player => new Promise(resolve => {
  setTimeout(() => resolve(false), 20000);
  player.muted = true;
  player.onerror = () => resolve(false);
  const played = () => { player.pause(); resolve(player.duration > 0.5); };
  player.play().then(played, () => resolve(false));
});
const sticksOut = x => {
  const box = x.getBoundingClientRect();
  if (box.right <= screen + 1 || box.width == 0) return false;
  for (let p = x; p && p.tagName != 'ARTICLE'; p = p.parentElement) if (hides(p)) return false;
  return true;
};
const isCut = x => x.scrollWidth > x.clientWidth + 1 && x.clientWidth > 0
  && x.offsetParent !== null && hides(x) && !x.closest('.visually-hidden, math')
  && !getComputedStyle(x).backgroundImage.includes('gradient');
const evidence = all('img.picture, img.drawing, article table').filter(
  x => x.checkVisibility({contentVisibilityAuto: true})
    && !x.closest('.indextable, dl.py, .toctree-wrapper, details:not(.hide) *'));
const pale = typeof axe == 'undefined' || !all('article').length ? Promise.resolve([]) : axe.run(
  {include: ['article'], exclude: ['img', 'audio', 'svg', 'math']},
  {runOnly: ['color-contrast'], resultTypes: ['violations']}
).then(found => found.violations.flatMap(v => v.nodes.map(
  n => n.any.map(c => c.data.contrastRatio).join() + ' : 1 ' + n.html.slice(0, 100))));
Promise.all([pale, ...players.map(play)]).then(([pale, ...played]) => done({
  links: all('a[href]').map(x => [x.getAttribute('href'), x.href]),
  ids: all('[id]').map(x => x.id),
  shared: fetched.reduce((sum, x) => sum + x.decodedBodySize, 0),
  problems: {
    'picture without alternative text':
      images.filter(x => !(x.getAttribute('alt') || '').trim()).map(text),
    'figure too small to read': images.filter(x => {
      const width = x.getBoundingClientRect().width;  // none where it is not shown
      return x.matches('.drawing, .picture') && width > 1
        && width < 0.66 * parseFloat(x.style.width);
    }).map(text),
    'picture that did not load': images.filter(x => x.complete && x.naturalWidth == 0).map(text),
    'player that does not play': players.filter((x, i) => !played[i]).map(text),
    'player without a label': players.filter(x => !x.getAttribute('aria-label')).map(text),
    'fetched from another host': fetched.map(x => x.name)
      .filter(x => /^https?:/.test(x) && !x.startsWith(location.origin)),
    'the page scrolls sideways': document.documentElement.scrollWidth > screen + 1 ? [''] : [],
    'sticks out of the page': all('article *').filter(sticksOut).slice(0, 3).map(text),
    'is cut, and nothing says that it scrolls':
      all('article *').filter(isCut).slice(0, 3).map(text),
    'text of too little contrast': pale.slice(0, 3),
    'figure or table without number and caption': evidence.filter(x =>
      !x.closest('figure:has(.caption-number)') && !x.querySelector('.caption-number')
      ).slice(0, 3).map(text),
    "an object's name instead of its contents": all('.cell_output pre')
      .map(x => x.innerText.trim()).filter(x => /^<[\\w.]+ .*>$/.test(x)),
  }
}));
"""


def serve(folder):
    """Serve ``folder`` on a free local port; return its address."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    handler.func.log_message = lambda *_: None
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def browser(profile, *more):
    """Chromium without a window, and without calls home."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("chromium-browser")
    flags = "headless=new no-sandbox disable-gpu disable-quic no-first-run hide-scrollbars"
    flags += " disable-background-networking disable-component-update disable-sync"
    flags += " autoplay-policy=no-user-gesture-required"
    for flag in (*(f"--{name}" for name in flags.split()), f"--user-data-dir={profile}", *more):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_script_timeout(180)
    return driver


def look(driver, url, screen, theme):
    """What the page at ``url`` shows on this screen and in this theme."""
    width, height = SCREENS[screen]
    # The window has borders that a page does not; this sets the page's own size.
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": screen == "narrow"}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.get(url)
    for key in ("mode", "theme"):
        driver.execute_script(f"localStorage.setItem('{key}', '{theme}')")
    driver.get_log("browser")
    driver.refresh()
    loaded = "return document.readyState == 'complete'"
    WebDriverWait(driver, 60).until(lambda driver: driver.execute_script(loaded))
    if screen == "wide":  # colours are the same on every screen
        driver.execute_script(AXE)
    seen = driver.execute_async_script(LOOK)
    seen["problems"]["console error"] = [
        entry["message"]
        for entry in driver.get_log("browser")
        if entry["level"] == "SEVERE" and "favicon" not in entry["message"]
    ]
    return seen


def photograph(driver, path):
    """The whole page, not only what the screen shows."""
    size = driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
    whole = {"captureBeyondViewport": True, "clip": size | {"scale": 1}}
    picture = driver.execute_cdp_cmd("Page.captureScreenshot", whole)
    path.write_bytes(base64.b64decode(picture["data"]))


SOLUTIONS = """return [...document.querySelectorAll('article details:not(.hide)')].map(fold => {
  const copy = fold.cloneNode(true);
  for (const button of copy.querySelectorAll('button')) button.remove();
  return copy.textContent;
});"""


def not_on_paper(driver):
    """Ends of the page's solutions that the text of its PDF does not hold."""
    paper = driver.execute_cdp_cmd("Page.printToPDF", {})["data"]
    pages = PdfReader(io.BytesIO(base64.b64decode(paper))).pages
    printed = _letters("".join(page.extract_text() for page in pages))
    ends = [_letters(text)[-12:] for text in driver.execute_script(SOLUTIONS)]
    return [end for end in ends if end not in printed]


def _letters(text):
    return "".join(re.findall(r"[a-z0-9]", text.lower()))


def dead_links(pages, folder, origin):
    """Links inside the book whose file or anchor is not there, opened from a server or a file."""
    for page, seen in pages.items():
        for written, link in {tuple(link) for link in seen["links"]}:
            target, anchor = urldefrag(link)
            if not target.startswith(origin):
                continue
            name = unquote(target.removeprefix(origin).lstrip("/").split("?")[0])
            missing = written.startswith("/") or not (folder / name).is_file()
            if missing or (name in pages and anchor and unquote(anchor) not in pages[name]["ids"]):
                yield f"{page}: link to {written}, which does not exist"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="the built book: …/_build/html")
    parser.add_argument("--screenshots", type=Path, help="save a picture of every page here")
    given = parser.parse_args()
    found = [path.relative_to(given.folder) for path in given.folder.rglob("*.html")]
    files = sorted(str(path) for path in found if "_static" not in path.parts)
    if not files:
        sys.exit(f"No pages in {given.folder}. Build the book first: jupyter-book build .")
    if given.screenshots:
        given.screenshots.mkdir(parents=True, exist_ok=True)
    origin, problems, pages = serve(given.folder), [], {}
    with tempfile.TemporaryDirectory() as profile:
        driver = browser(profile)
        for file in files:
            for screen, theme in ((s, t) for s in SCREENS for t in ("light", "dark")):
                seen = pages[file] = look(driver, f"{origin}/{file}", screen, theme)
                for label, found in seen["problems"].items():
                    problems += [f"{file} ({screen}, {theme}): {label}: {what}" for what in found]
                if given.screenshots:
                    name = f"{file.removesuffix('.html')}-{screen}-{theme}.png".replace("/", "-")
                    photograph(driver, given.screenshots / name)
            problems += [f"{file}: not on paper: {end}" for end in not_on_paper(driver)]
            size = (given.folder / file).stat().st_size, seen["shared"]
            too_much = size[0] > PAGE_BYTES or size[1] > SHARED_BYTES
            if file.startswith("book/") and file not in HEAVY and too_much:
                problems.append(f"{file}: {size[0]:,} bytes, and {size[1]:,} that it fetches")
            print(f"looked at {file}", flush=True)
        driver.quit()
    problems += dead_links(pages, given.folder, origin)
    print("\n".join(problems) or "Nothing to mend.")
    print(f"{len(files)} pages, {len(problems)} problems")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
