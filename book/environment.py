# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Environment and status
#
# *With what was this book made, and when was each of its numbers measured?*
#
# **You will be able to** say what made a number of this book, and make it again. **You should know** which
# number you doubt. **Time**: 5 minutes.
#
# The tables say which machine ran this page, and what was installed on it.

# %% tags=["nbval-ignore-output"]
import pandas as pd

from prcnn.study import results

here = results.provenance()
machine = here["machine"] | {
    "python": here["python"],
    "date (UTC)": here["date"],
}
pd.Series(machine, name="this machine").to_frame()

# %% [markdown]
# **Table.** The machine that ran this page.

# %% tags=["nbval-ignore-output"]
pd.Series(here["packages"], name="version").to_frame()

# %% [markdown]
# **Table.** The packages on it.
#
# ## Long results
#
# What takes longer than a page may lies in `book/results`, written by a run and read by chapters.
# None is edited by hand. The table below lists them, with the machine and date of the
# run.

# %% tags=["nbval-ignore-output"]
rows = {}
for name in results.names():
    origin = results.read(name)["provenance"]
    rows[name] = {
        "date (UTC)": origin["date"][:10],
        "processor": origin["machine"]["processor"],
        "cores": origin["machine"]["cores"],
        "python": origin["python"],
        "keras": origin["packages"].get("keras"),
    }
pd.DataFrame.from_dict(rows, orient="index").rename_axis(
    columns="result"
)

# %% [markdown]
# **Table.** Every recorded result, when it was made and with what.

# %% tags=["remove-cell"]
assert rows, "the book has results"
assert all(row["date (UTC)"] for row in rows.values())

# %% [markdown]
# **Change this and run again:** add `"torch": origin["packages"].get("torch")` to a row. Expect a version where
# a result was made with PyTorch, and nothing elsewhere.
#
# ## How to repeat one
#
# The table below gives the command behind every file.
#
# | result | made by |
# |---|---|
# | `train_synthetic` | `papermill book/train.ipynb out.ipynb -p epochs 50`: the run folder's `evaluation.json` |
# | `runs.jsonl`, the lines of “classifiers, NAME” | `papermill book/baselines.ipynb out.ipynb -p dataset NAME -p write_results True` |
# | `runs.jsonl`, a line a run of every study | `papermill book/ablations.ipynb out.ipynb -p run True -p study NAME -p data_home ~/data`, with a name of `prcnn.study.rows.STUDIES` |
# | `reproduction` | `papermill book/reproduction.ipynb out.ipynb -p checkpoints ~/weights -p write_results True` |
# | `listening` | the command in the chapter on [classify](classify.ipynb) |
# | `rnn_memory` | `papermill book/rnn.ipynb out.ipynb -p dataset gtzan_mini -p checkpoints ~/weights -p write_results True` |
# | `gtzan` | `python tests/benchmarks/gtzan.py FOLDER`, with the lists of [datasets](datasets.ipynb) in the folder |
# | `music_map` | `papermill book/music_map.ipynb out.ipynb -p run True -p data_home ~/data` |
# | `extraction`, `opening` | `python tests/benchmarks/extraction.py FOLDER`, with real clips; `… store.py` |
# | `classify_speed` | `python tests/benchmarks/classify.py` |
# | `training_speed`, `processes_speed`, `sweep_speed` | `python tests/benchmarks/training.py steps`, `… processes`, `… pages` |
# | `precision_…` | `python tests/benchmarks/training.py precision synthetic --epochs 20 --batch-size 16`; `… precision fma_small_images --epochs 8 --seeds 3 --data-home FOLDER` |
# | `gpu_torch`, `gpu_jax` | `KERAS_BACKEND=torch python tests/benchmarks/training.py gpu`, on a machine with a GPU |
#
# **Table.** What makes each result.
#
# A study may be shared by machines: each makes some of its runs, and their files `runs.jsonl` are joined
# line by line. Every line keeps, as `made`, where and when it was made.
#
# ## Summary
#
# - A number in this book is computed on its page or comes from a file above.
# - Chapters are executed whenever the book is built, and every week by CI.
#
# ## Exercises
#
# **Exercise 1 (easy). What the file knows.**
# Which packages and versions made the result that you doubt most, and are they yours?
#
# <details><summary>Solution</summary>
#
# ```python
# theirs = results.read("train_synthetic")["provenance"]["packages"]
# table = pd.DataFrame({"theirs": theirs, "here": results.provenance()["packages"]})
# table[table["theirs"] != table["here"]]
# ```
#
# </details>
