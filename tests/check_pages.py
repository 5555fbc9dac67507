"""Look at every page of the built book in headless Chromium: three widths, light and dark.

    python tests/check_pages.py _build/html [--screenshots FOLDER]

Fails on: an error in the browser's console, a picture without alternative text or that did not
load, a link inside the book that leads nowhere, a player that cannot play, anything fetched from
another host, a page wider than the screen, code or a table that is cut without a sign that it
scrolls, text whose contrast is below 4.5 : 1 (axe-core), an output that is only the name of an
object. And on what a chapter promises its reader: every figure and table has a number and a
caption and is referred to; open code takes at most a fifth of the height, 15 lines a block and 72
columns a line; a page weighs at most 400 kB, and what all pages share 1.1 MB.
"""

import argparse
import base64
import functools
import http.server
import importlib.resources
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from urllib.parse import unquote, urldefrag

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

SCREENS = {"wide": (1440, 900), "middle": (1100, 800), "narrow": (390, 844)}
THEMES = ("light", "dark")
CODE_SHARE, CODE_LINES, CODE_COLUMNS = 0.2, 15, 72
PAGE_BYTES, SHARED_BYTES = 400_000, 1_100_000
HEAVY = ("book/classify.html",)  # carry a network with them
AXE = (importlib.resources.files("axe_core_python") / "axe.min.js").read_text()

LOOK = """
const [limits, done] = arguments;
const text = x => (x.outerHTML || '').slice(0, 120);
const images = [...document.querySelectorAll('article img, main img')];
const players = [...document.querySelectorAll('audio')];
const play = player => new Promise(resolve => {
  setTimeout(() => resolve(false), 20000);
  player.muted = true;
  player.onerror = () => resolve(false);
  const played = () => { player.pause(); resolve(player.duration > 0.5); };
  player.play().then(played, () => resolve(false));
});
const screen = document.documentElement.clientWidth;  // innerWidth grows with what sticks out
const wide = [...document.querySelectorAll('article *')].filter(x => {
  const box = x.getBoundingClientRect();
  if (box.right <= screen + 1 || box.width == 0) return false;
  for (let p = x; p && p.tagName != 'ARTICLE'; p = p.parentElement)
    if (['auto', 'scroll', 'hidden'].includes(getComputedStyle(p).overflowX)) return false;
  return true;
});
const cut = [...document.querySelectorAll('article *')].filter(x => {
  const style = getComputedStyle(x);
  return x.scrollWidth > x.clientWidth + 1 && x.clientWidth > 0 && x.offsetParent !== null
    && ['auto', 'scroll', 'hidden'].includes(style.overflowX)
    && !style.backgroundImage.includes('gradient') && !x.closest('.visually-hidden, math');
});
const shown = x => x.checkVisibility({contentVisibilityAuto: true});
const height = x => x.getBoundingClientRect().height;
const article = document.querySelector('article');
const numbered = x =>
  x.closest('figure:has(.caption-number)') || x.querySelector('.caption-number');
const evidence = [...document.querySelectorAll('img.picture, img.drawing, article table')].filter(
  x => shown(x) && !x.closest('.indextable, dl.py, .toctree-wrapper, .solution'));
const named = [...document.querySelectorAll('article :is(figure, table)[id]')].filter(
  x => x.querySelector('.caption-number') && !document.querySelector(
    `article a:not(.headerlink)[href="#${CSS.escape(x.id)}"]`));
const open = [...document.querySelectorAll('article div.highlight')].filter(
  x => shown(x) && !x.closest('.cell_output, dl.py, .solution, .admonition'));
const lines = open.map(x => x.innerText.trimEnd().split('\\n'));
const loaded = performance.getEntriesByType('resource').map(x => x.decodedBodySize);
const measurable = typeof axe != 'undefined' && document.querySelector('article');
const pale = !measurable ? Promise.resolve([]) : axe.run(
  {include: ['article'], exclude: ['img', 'audio', 'svg', 'math']},
  {runOnly: ['color-contrast'], resultTypes: ['violations']}
).then(found => found.violations.flatMap(v => v.nodes.map(
  n => n.any.map(c => c.data.contrastRatio).join() + ' : 1 ' + n.html.slice(0, 100))));
Promise.all([pale, ...players.map(play)]).then(([pale, ...played]) => done({
  unnamed: images.filter(x => !(x.getAttribute('alt') || '').trim()).map(text),
  broken: images.filter(x => x.complete && x.naturalWidth == 0).map(text),
  silent: players.filter((x, i) => !played[i]).map(text),
  unlabelled: players.filter(x => !x.getAttribute('aria-label')).map(text),
  links: [...document.querySelectorAll('a[href]')].map(x => x.href),
  ids: [...document.querySelectorAll('[id]')].map(x => x.id),
  foreign: performance.getEntriesByType('resource').map(x => x.name)
    .filter(x => /^https?:/.test(x) && !x.startsWith(location.origin)),
  scrolls: document.documentElement.scrollWidth > screen + 1,
  wide: wide.slice(0, 3).map(text),
  cut: cut.slice(0, 3).map(text),
  pale: pale.slice(0, 3),
  bare: evidence.filter(x => !numbered(x)).slice(0, 3).map(text),
  forgotten: named.map(x => x.id),
  nothing: [...document.querySelectorAll('.cell_output pre')].map(x => x.innerText.trim())
    .filter(x => /^<[\\w.]+ .*>$/.test(x)),
  code: open.reduce((sum, x) => sum + height(x), 0) / (article ? height(article) : 1),
  long: lines.filter(x => x.length > limits.lines).map(x => x.length + ' lines from ' + x[0]),
  broad: open.filter(x => x.closest('.cell_input')).flatMap(x => x.innerText.split('\\n'))
    .filter(x => x.length > limits.columns),
  hidden: open.flatMap(x => [...x.querySelectorAll('pre')])
    .filter(x => x.scrollWidth > x.clientWidth + 1).map(text),
  shared: loaded.reduce((sum, x) => sum + x, 0),
}));
"""


def serve(folder):
    """Serve ``folder`` on a free local port; return its address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def browser(profile, *more):
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("chromium-browser")
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        "--autoplay-policy=no-user-gesture-required",
        f"--user-data-dir={profile}",
        *more,
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_script_timeout(180)
    return driver


def look(driver, url, screen, theme):
    """What the page at ``url`` shows on this screen and in this theme."""
    width, height = SCREENS[screen]
    # The window has borders that a page does not; this sets the page's own size.
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": screen == "narrow"},
    )
    driver.get(url)
    driver.execute_script(
        f"localStorage.setItem('mode', '{theme}'); localStorage.setItem('theme', '{theme}')"
    )
    driver.get_log("browser")
    driver.refresh()
    if screen == "wide":  # colours are the same on every screen
        driver.execute_script(AXE)
    limits = {"lines": CODE_LINES, "columns": CODE_COLUMNS}
    seen = driver.execute_async_script(LOOK, limits)
    seen["errors"] = [
        entry["message"]
        for entry in driver.get_log("browser")
        if entry["level"] == "SEVERE" and "favicon" not in entry["message"]
    ]
    return seen


def photograph(driver, path):
    """The whole page, not only what the screen shows."""
    size = driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
    picture = driver.execute_cdp_cmd(
        "Page.captureScreenshot",
        {
            "captureBeyondViewport": True,
            "clip": {"x": 0, "y": 0, "scale": 1, "width": size["width"], "height": size["height"]},
        },
    )
    path.write_bytes(base64.b64decode(picture["data"]))


def problems_of(seen):
    names = {
        "errors": "console error",
        "unnamed": "picture without alternative text",
        "broken": "picture that did not load",
        "silent": "player that does not play",
        "unlabelled": "player without a label",
        "foreign": "fetched from another host",
        "wide": "sticks out of the page",
        "cut": "is cut, and nothing says that it scrolls",
        "pale": "text of too little contrast",
        "bare": "figure or table without number and caption",
        "forgotten": "nothing refers to this figure or table",
        "nothing": "an object's name instead of its contents",
        "long": f"more than {CODE_LINES} lines of open code",
        "broad": f"code wider than {CODE_COLUMNS} columns",
    }
    found = [f"{label}: {what}" for key, label in names.items() for what in seen[key]]
    return found + (["the page scrolls sideways"] if seen["scrolls"] else [])


def promises_broken(file, path, seen):
    """What a chapter promises its reader, seen on a wide screen."""
    if file.startswith("book/") and file not in HEAVY:
        if path.stat().st_size > PAGE_BYTES:
            yield f"the page has {path.stat().st_size:,} bytes"
        if seen["shared"] > SHARED_BYTES:
            yield f"it fetches {seen['shared']:,} bytes besides itself"
    if file.startswith("book/") and "/api/" not in file and seen["code"] > CODE_SHARE:
        yield f"open code takes {seen['code']:.0%} of its height"
    for what in seen["hidden"]:
        yield f"code is cut though the screen is wide: {what}"


def dead_links(pages, origin):
    """Links inside the book whose page or anchor does not exist."""
    for page, seen in pages.items():
        for link in set(seen["links"]):
            target, anchor = urldefrag(link)
            if not target.startswith(origin):
                continue
            name = unquote(target.removeprefix(origin).lstrip("/").split("?")[0]) or "index.html"
            if name.endswith(".html") and name not in pages:
                yield f"{page}: link to {name}, which does not exist"
            elif anchor and name in pages and unquote(anchor) not in pages[name]["ids"]:
                yield f"{page}: link to {name}#{anchor}, which does not exist"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="the built book: …/_build/html")
    parser.add_argument("--screenshots", type=Path, help="save a picture of every page here")
    arguments = parser.parse_args()
    files = sorted(
        str(path.relative_to(arguments.folder))
        for path in arguments.folder.rglob("*.html")
        if "_static" not in path.parts
    )
    if not files:
        sys.exit(f"No pages in {arguments.folder}. Build the book first: jupyter-book build .")
    if arguments.screenshots:
        arguments.screenshots.mkdir(parents=True, exist_ok=True)
    origin = serve(arguments.folder)
    problems, pages = [], {}
    with tempfile.TemporaryDirectory() as profile:
        driver = browser(profile)
        for file in files:
            for screen in SCREENS:
                for theme in THEMES:
                    seen = look(driver, f"{origin}/{file}", screen, theme)
                    found = problems_of(seen)
                    if screen == "wide":
                        found += promises_broken(file, arguments.folder / file, seen)
                    problems += [f"{file} ({screen}, {theme}): {p}" for p in found]
                    if arguments.screenshots:
                        name = (
                            f"{file.replace('/', '-').removesuffix('.html')}-{screen}-{theme}.png"
                        )
                        photograph(driver, arguments.screenshots / name)
            pages[file] = seen
            print(f"looked at {file}", flush=True)
        driver.quit()
    problems += dead_links(pages, origin)
    print("\n".join(problems) or "Nothing to mend.")
    print(f"{len(files)} pages, {len(problems)} problems")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
