"""Open a page as a notebook, in JupyterLab in headless Chromium, and read what stands there.

    python tests/check_lab.py [NOTEBOOK]

NOTEBOOK is a committed page or one that papermill made; default: book/train.ipynb. Fails where text
is printed that only the book can read, such as ``{numref}``, where a cell is missing, where a
solution is open, and where TensorFlow's log stands among the outputs.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import nbformat
from check_pages import browser

PAGE = Path(__file__).resolve().parents[1] / "book" / "train.ipynb"
RAW = r"(?m)\{[a-z]+(:[a-z]+)?\}`.*|`{3,}.*|^:.*"  # roles, fences, options of directives
# All cells at once, not only those on the screen, and no extension that would read MyST.
FILES = {
    "settings/@jupyterlab/notebook-extension/tracker.jupyterlab-settings": (
        '{"windowingMode": "none"}'
    ),
    "config/labconfig/page_config.json": '{"disabledExtensions": {"jupyterlab-myst": true}}',
}
SEEN = """
const all = css => [...document.querySelectorAll('.jp-Notebook ' + css)];
const texts = all('.jp-MarkdownCell.jp-mod-rendered .jp-InputArea'), folds = all('details');
return {
  cells: all('.jp-Cell').length,
  texts: texts.filter(x => x.innerText.trim()).length,
  text: texts.map(x => x.innerText).join('\\n'),
  folds: folds.length,
  open: folds.filter(x => x.open).map(x => x.innerText.slice(0, 80)),
};
"""


def serve(folder):
    """JupyterLab on ``folder``: the process and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name, text in FILES.items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True)
        path.write_text(text)
    options = f"--ServerApp.port={port} --IdentityProvider.token= --ServerApp.root_dir={folder}"
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", *options.split()],
        env=os.environ
        | {
            "JUPYTERLAB_SETTINGS_DIR": f"{folder}/settings",
            "JUPYTER_CONFIG_DIR": f"{folder}/config",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    for _ in range(120):
        try:
            urllib.request.urlopen(f"{address}/api", timeout=5).close()
            return server, address
        except OSError:
            time.sleep(0.5)
    server.terminate()
    sys.exit("JupyterLab did not start within a minute.")


def main(page=PAGE, picture=None):
    notebook = nbformat.read(page, as_version=4)
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    expected = {"cells": len(notebook.cells), "texts": len(texts)}
    expected["folds"] = sum(text.count("<details>") for text in texts)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(page, f"{folder}/page.ipynb")
        server, address = serve(folder)
        driver = browser(f"{folder}/profile")
        try:
            driver.get(f"{address}/doc/tree/page.ipynb")
            for _ in range(120):
                seen = driver.execute_script(SEEN)
                if all(seen[what] >= n for what, n in expected.items()):
                    break
                time.sleep(0.5)
            if picture:
                driver.save_screenshot(str(picture))
        finally:
            driver.quit()
            server.terminate()
            server.wait()
    problems = [f"raw: {found[0]}" for found in re.finditer(RAW, seen["text"])]
    problems += [f"an open solution: {text}" for text in seen["open"]]
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    errors = [output.text for output in outputs if output.get("name") == "stderr"]
    problems += [f"TensorFlow's log: {text[:80]}" for text in errors if "absl::" in text]
    problems += [f"{seen[what]} {what}, not {n}" for what, n in expected.items() if seen[what] != n]
    print("\n".join(problems) or f"{page.name} reads as it should in JupyterLab.")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
