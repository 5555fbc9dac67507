"""Where a number comes from: versions, machine and date, kept beside every result."""

import datetime
import os
import platform
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("prcnn", "keras", "tensorflow", "torch", "jax", "librosa", "numpy", "scikit-learn")


def provenance():
    """Versions, machine and date (UTC) of this process, a dict of plain JSON values.

    Its keys: ``date``, ``python``, ``packages`` (name → version), ``machine`` (system, processor,
    cores, accelerator: a GPU's name, or None).

    Chapter: book/environment.ipynb
    """
    packages = {}
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            packages[name] = version(name)
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "packages": packages,
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "processor": _processor(),
            "cores": os.cpu_count(),
            "accelerator": _accelerator(),
        },
    }


def _accelerator():
    """The GPU that torch or JAX, where one of them has been imported, computes on."""
    if (torch := sys.modules.get("torch")) and torch.cuda.is_available():
        return torch.cuda.get_device_name()
    if (jax := sys.modules.get("jax")) and (device := jax.devices()[0]).platform != "cpu":
        return device.device_kind
    return None


def _processor():
    with suppress(OSError):  # elsewhere than on Linux
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"
