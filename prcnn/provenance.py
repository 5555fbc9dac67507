"""Where a number comes from: versions, machine and date, kept beside every result."""

import datetime
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("prcnn", "keras", "tensorflow", "torch", "jax", "librosa", "numpy", "scikit-learn")


def provenance():
    """Versions, machine and date (UTC) of this process, a dict of plain JSON values.

    Its keys: ``date``, ``python``, ``packages`` (name → version), ``machine`` (system, processor,
    cores).

    Chapter: book/environment.ipynb
    """
    packages = {}
    for name in _PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "packages": packages,
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "processor": _processor(),
            "cores": os.cpu_count(),
        },
    }


def _processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"
