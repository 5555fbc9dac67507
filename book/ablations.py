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
# # Ablations: what does each part add?
#
# *A network has five convolutions, two directions of reading, pools, sometimes attention. Take one away:
# is anything lost? The paper asked with one run a row. Here every row is trained several times, on real
# music and on made, and each section has one hypothesis, one experiment and, now and then, a surprise.*
#
# Real music comes first: FMA-small's 7,994 clips as pictures of 128 frames by 128 bands, in the split
# that its authors published. The synthetic set stands beside it: few clips, but with sound, and with
# genres whose recipes are known. Where the two say different things, the section says why.
#
# One command a study. Runs that have finished are found again, a killed one goes on from its last epoch,
# and joblib decides where they run: two at a time on a laptop, or on a cluster.
#
# ```sh
# papermill book/ablations.ipynb out.ipynb -p run True -p data_home ~/data
# papermill book/ablations.ipynb out.ipynb -p run True \
#     -p dataset synthetic -p epochs 60 -p early_stopping 10 -p batch_size 16
# ```

# %% tags=["parameters", "hide-input"]
run = False  # True: run what has not been run yet, then write book/results
dataset = "fma_small_images"
data_home = None
rows = None  # names of prcnn.study.ablations.ROWS; None: all
seeds = 5
epochs = 60
early_stopping = 15  # epochs without a better one; None: never stop early
batch_size = 64
n_jobs = 2  # runs at a time
out = "runs/ablations"

# %% tags=["hide-input"]
from pathlib import Path

import numpy as np
import pandas as pd
from IPython.display import Markdown, display

import prcnn
from prcnn import evaluation, models, plots, store, training
from prcnn.study import ablations, fma_small, paper, questions, results

plots.use_style()
name = f"ablations_{Path(dataset).name}"
if run:
    asked = {
        "rows": rows,
        "seeds": range(seeds),
        "n_jobs": n_jobs,
        "epochs": epochs,
        "early_stopping": early_stopping,
        "batch_size": batch_size,
    }
    if dataset == "fma_small_images":
        fma_small.study(data_home, out, **asked)
    else:
        runs = ablations.sweep(out, dataset=dataset, data_home=data_home, **asked)
        results.write(name, ablations.collect(runs))

first = "FMA-small" if dataset == "fma_small_images" else dataset
studies = {first: results.read(name)}
if dataset != "synthetic":
    studies["synthetic"] = results.read("ablations_synthetic")
tables = {study: ablations.table(record) for study, record in studies.items()}
answers = {study: questions.answers(record) for study, record in studies.items()}

# %% [markdown]
# ## What was run
#
# {numref}`tab-ablations-run` sums it up.

# %% tags=["hide-input"] mystnb={"figure": {"name": "tab-ablations-run", "caption": "The studies that this chapter draws from."}}
pd.DataFrame(
    {
        study: {
            "epochs": record["setting"]["epochs"],
            "batch": record["setting"]["batch_size"],
            "test clips": f"{len(record['clips']):,}",
            "rows": len(tables[study]),
            "seeds a row": " – ".join(map(str, sorted({*tables[study]["runs"].agg(["min", "max"])}))),
            "runs": int(tables[study]["runs"].sum()),
            "hours of training": f"{sum(sum(r['seconds']) for r in record['rows'].values()) / 3600:.1f}",
            "runs still learning": f"{tables[study]['late'].mean():.0%}",
        }
        for study, record in studies.items()
    }
)

# %% [markdown]
# *Still learning* is a run that keeps a checkpoint of its last quarter. Where many do, *worse* means
# *worse after so many steps*: a slow learner may catch up.

# %% tags=["remove-input"]
notes = []
for study, record in studies.items():
    sound = record["setting"]["dataset"] != "fma_small_images"
    asked = [row for row, line in ablations.ROWS.items() if sound or line.settings is None]
    lacking = [row for row in asked if row not in record["rows"]]
    if lacking:
        notes.append(f"*Not run on {study}*: {'; '.join(lacking)}.")
    runs = tables[study]["runs"]
    if once := runs.index[runs == 1].tolist():
        notes.append(
            f"*One run so far on {study}*: {'; '.join(once)}. The interval of a single run tells what other "
            "clips would give. What other seeds would give nobody knows yet, so that nothing is decided by it."
        )
if notes:
    display(Markdown("\n\n".join(notes)))

# %% [markdown]
# ## How to read an answer
#
# A question compares its rows with one reference on the same test clips. The interval allows for other
# clips (for clips that were uploaded together as well) and for other seeds. Then there are four words.
# **Better** and **worse**: the difference is larger than chance explains, after {term}`Holm's correction`
# for the rows of this question and no other, since that is what a reader of the answer looks at. **Tie**:
# the whole interval lies within ±3 points, a bound named before looking. **Undecided**: a difference that
# matters is as possible as none.

# %% tags=["hide-input"]
REASONS = {
    "opposite": "On {rows}, they contradict each other. FMA-small's pictures keep one frame in twenty, so "
    "that rhythm is gone from them; the synthetic genres were made to differ in rhythm, too.",
    "tie in one": "On {rows}, one study finds a tie and the other a difference. The {other} set has few "
    "clips, which follow a few recipes, so that one lever moves many of them at once: what is large there "
    "says something of networks, and need not show in real music.",
    "only the first": "For {rows}, only {first} decides: {n} test clips see what {m} cannot.",
    "only the second": "For {rows}, only {other} decides. Its genres follow a few recipes, so that one "
    "lever moves many clips at once; nothing as large is seen in real music.",
}


def figure(*asking, alt):
    """The questions' answers in all studies that asked them."""
    asked = {study: table[table.index.isin(asking, level=0)] for study, table in answers.items()}
    asked = {study: table for study, table in asked.items() if len(table)}
    if not asked:
        return Markdown("*Not run yet.*")
    return plots.show(plots.forest(asked), alt=alt)


def said(*asking):
    """The same in words, and where the studies disagree."""
    lines = [line for q in asking if (line := questions.told(answers, q))]
    text = "\n".join(lines) or "*Not run yet.*"
    if len(studies) < 2:
        return Markdown(text)
    (one, n), (other, m) = ((study, len(record["clips"])) for study, record in studies.items())
    for kind, reason in REASONS.items():
        found = [
            f"{row} against {answers[one].loc[(q, row), 'reference']}"
            for q in asking
            for row in questions.disagreements(answers, q)[kind]
        ]
        if found:
            many = f"{len(found)} of these comparisons"
            rows = f"; {reason.split()[0].lower()} ".join(found) if len(found) < 4 else many
            text += "\n\n" + reason.format(rows=rows, first=one, other=other, n=n, m=m)
    return Markdown(text)


# %% [markdown]
# ## A number is not a network
#
# **Hypothesis**: a row of Table 2 is a property of its network, so that one run tells it.
#
# **Experiment**: the same rows with several seeds, which change the first weights and the order of the
# clips and nothing else ({numref}`fig-ablations-table2`).

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-ablations-table2", "caption": "The paper's Table 2 again: mean test accuracy, its 95 % interval and a dot a seed; a cross is the paper's own single run."}}
main = tables[first][tables[first]["group"] == "Table 2"].sort_values("accuracy", ascending=False)
printed = paper.TABLE2.set_index("network")["test"]
networks = [studies[first]["rows"][row]["network"] for row in main.index]
ax = plots.accuracies(main, chance=1 / len(studies[first]["genres"]))
ax.plot(printed[networks], range(len(main)), "x", color="C3", ms=8, mew=2, label="the paper")
ax.legend(loc="lower right")
plots.show(
    ax,
    alt="Test accuracy of the rows of Table 2 with interval and a dot a seed; crosses mark the paper's.",
)

# %% tags=["remove-input"]
tries = min(map(len, main["seeds"]))
each = np.array([line[:tries] for line in main["seeds"]])
orders = {tuple(np.argsort(-column)) for column in each.T}
column = pd.Series(printed[networks].to_numpy(), main.index)
rank = f"{main['accuracy'].corr(column, method='spearman'):+.2f}".replace("-", "−")
spread = main["sd"].dropna()
Markdown(
    f"**Surprise.** One seed a row would have given {len(orders)} different orders of these "
    f"{len(main)} rows from {tries} tries: the accuracy of one and the same network moves by a "
    f"standard deviation of {100 * spread.min():.1f} to {100 * spread.max():.1f} points from seed to seed, "
    f"on the very same clips. The rank correlation with the paper's column is {rank}."
    if len(spread)
    else "*One run a row so far: what seeds do cannot be said yet.*"
)

# %% [markdown]
# ## Does the second branch earn its place?
#
# **Hypothesis**: {cite:t}`feng2017music` write that “the additional Bi-RNN block is a supplement for
# CNNs”; the paper, of its own network, that it “does not improve performance in this case”. Both cannot
# be right about one comparison.
#
# **Experiment**: each branch alone, both, and both with a second recurrent layer; then the reading in one
# direction instead of two ({numref}`fig-ablations-branches`).

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-ablations-branches", "caption": "What a branch, a second recurrent layer and a second direction add. In the grey band a difference would not matter."}}
branches = (
    "Does an RNN beside the CNN help?",
    "Does a CNN beside the RNN help?",
    "Does a second GRU layer help?",
    "Does the second direction help?",
)
figure(*branches, alt="What each branch, layer and direction adds, with interval and a dot a seed.")

# %% tags=["remove-input"]
said(*branches)

# %% tags=["remove-input"]
rnn, cnn = (ablations.reports_of(studies[first], row) for row in ("RNN", "5-layer CNN"))
alone = evaluation.compare_over_seeds(rnn, cnn)
theirs = printed["rnn"] - printed["cnn5"]
gap = f"{theirs:+.1f}".replace("-", "−")
Markdown(
    f"**{'Surprise' if alone.difference * theirs < 0 else 'As printed'}.** Alone, the RNN differs from the "
    f"CNN by {evaluation.points(alone)} on {first} ({evaluation.verdict(alone)}); in the paper's Table 2 it is "
    f"{gap}. A GRU that is fed raw decibels starts with nearly all gates stuck ([RNN](rnn.ipynb)), "
    "and the paper's was: its Table 2 may have measured that."
)

# %% [markdown]
# Two branches that do equally well may still know other genres. {numref}`tab-ablations-recall` counts, over
# all seeds, how many of each genre's clips a row finds.

# %% tags=["hide-input"] mystnb={"figure": {"name": "tab-ablations-recall", "caption": "Share of each genre's test clips that a branch finds, in percent, over all seeds."}}
shown = ["RNN", "5-layer CNN", "CNN + 1-layer RNN"]
recall = ablations.recalls(studies[first])
found = recall.reindex(shown).dropna()
(100 * found).round().astype(int).rename_axis(None)

# %% tags=["remove-input"]
apart = (found.loc["RNN"] - found.loc["5-layer CNN"]).sort_values()
Markdown(
    f"The CNN's own genre is {apart.index[0]} ({-100 * apart.iloc[0]:+.0f} points against the RNN), "
    f"the RNN's is {apart.index[-1]} ({100 * apart.iloc[-1]:+.0f} against the CNN)."
)

# %% [markdown]
# ### Hear the difference
#
# Of the synthetic clips, which can be played: the one that speaks most for the CNN (right with most seeds,
# while the RNN is wrong), and the one that speaks most for the RNN.

# %% tags=["nbval-ignore-output", "hide-input"]
record = list(studies.values())[-1]
true = np.array(record["true"])
right = pd.DataFrame(
    {
        row: (np.array(record["rows"][row]["predicted"]) == true).mean(axis=0)
        for row in ("5-layer CNN", "RNN")
    },
    index=record["clips"],
)
clips = prcnn.datasets.load("synthetic" if len(studies) > 1 else dataset, data_home=data_home)
lead = right["5-layer CNN"] - right["RNN"]
for branch, clip in {"CNN": lead.idxmax(), "RNN": lead.idxmin()}.items():
    path, genre = clips.clips.loc[clip, ["path", "genre"]]
    label = f"a clip of {genre} that speaks for the {branch}"
    display(plots.player(path, label=label, seconds=1.7))

# %% [markdown]
# ## Are five layers better than three?
#
# **Hypothesis**: deeper is better. In Table 2 the three-layer CNN is far behind.
#
# **Experiment**: the last two layers are taken away. What is left is not simply a smaller network: the
# last two pools went with them, so the classifier now reads the whole map instead of its summary. What
# that is worth, {numref}`fig-ablations-layers` says.

# %%
for layers in ("cnn5", "cnn3"):
    model = models.build(layers)
    features = model.get_layer("flatten").output.shape[-1]
    field = models.receptive_field(model).iloc[-1]
    seen = field["frames"]
    print(layers, features, "features of", seen, "frames each")

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-ablations-layers", "caption": "Three layers beside five."}}
figure("Does the CNN need five layers?", alt="Accuracy of three layers less that of five.")

# %% tags=["remove-input"]
said("Does the CNN need five layers?")

# %% [markdown]
# Features that stay in their place are a table of *when and where*; features that were pooled say only
# *that*. A genre is recognised by the second, if the clip may start anywhere; but a classifier with a
# weight for every place can also learn which bands matter at all, and five layers of (3, 1) never compare
# two bands. The paper does not say which pools its three layers kept, and they decide this.
#
# ## Must a filter look along time alone?
#
# **Hypothesis**: the kernel (3, 1) is right, because time is what an RNN or a CNN should follow.
#
# **Experiment**: (5, 1), which only looks further in time; and (3, 3), which also compares neighbouring
# bands. That is the one thing that the paper's filters cannot do: an interval, a vowel, a chord is a
# relation between bands, and no weight of theirs joins two. Bands meet in the pools only, where the louder
# one wins. {numref}`fig-ablations-kernel` has both.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-ablations-kernel", "caption": "Two other kernels beside (3, 1)."}}
figure("Another kernel?", alt="Accuracy of kernels (3, 3) and (5, 1) less that of (3, 1).")

# %% tags=["remove-input"]
said("Another kernel?")

# %% [markdown]
# ## Does the activation matter?
#
# **Hypothesis**: the activation hardly matters. ReLU, ELU and tanh all bend a line.
#
# **Experiment**: all three on standardised bands; and, with the ReLU, the input as raw decibels, which is
# what the paper fed ({numref}`fig-ablations-activation`).

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-ablations-activation", "caption": "Other activations; and what it is worth to standardise the bands."}}
activation = ("Another activation?", "Does standardising the bands help?")
figure(*activation, alt="Accuracy of ELU and tanh less ReLU's, and of standardised bands less raw ones.")

# %% tags=["remove-input"]
said(*activation)

# %% [markdown]
# **What raw decibels do to a ReLU.** Decibels below the loudest frame are never positive, and neighbouring
# frames are nearly equal. So a filter of the first layer puts out its input times the sum of its three
# weights: for about half of all filters a negative number, always. A ReLU makes that zero, for every clip,
# and a filter that is always zero learns nothing. ELU and tanh let it through. Standardised bands go both
# ways, and far fewer filters are dead. {numref}`tab-ablations-dead` counts the features that never move,
# in networks that nobody has trained yet.

# %% tags=["hide-input", "nbval-ignore-output"] mystnb={"figure": {"name": "tab-ablations-dead", "caption": "Percent of the features that are the same for all clips, in untrained networks."}}
pictures = store.extract(clips, progress=False)
X = pictures.read(pictures.indices("test")[::7])


def still(activation, scale, seed):
    """Share of the CNN's features that are alike for all clips."""
    model = models.build("paper", activation=activation, scale=scale, seed=seed)
    training.batches.adapt_scale(model, pictures)
    features = models.outputs(model, X, "flatten")
    low, high = np.percentile(features, [2, 98], axis=0)
    return (high - low < 0.02).mean()


INPUTS = {"raw decibels": "none", "standardised": "bands"}
dead = pd.DataFrame(
    {
        of: {
            bend: np.mean([still(bend, scale, seed) for seed in range(3)])
            for bend in ("relu", "elu", "tanh")
        }
        for of, scale in INPUTS.items()
    }
)
(100 * dead).round().astype(int)

# %% tags=["remove-cell"]
assert dead.loc["relu", "raw decibels"] > 0.25 > dead.loc["tanh", "raw decibels"]
assert (dead["standardised"] < dead.loc["relu", "raw decibels"]).all()
assert dead.loc["relu", "standardised"] > 2 * dead.loc[["elu", "tanh"], "standardised"].max()

# %% [markdown]
# Those are features that the classifier is handed and that say nothing; standardised bands leave it more,
# and so does an activation that lets negative numbers through. What it costs to do without them is another
# question, and the intervals above are the answer so far.
#
# ## Do pools, width and dropout matter?
#
# **Hypothesis**: the paper's sizes are best, as it says. About width it disagrees with itself: its text
# prints 64 filters in the fourth layer and 64 units, and the weights behind its own Figure 2 have 128 of
# both ([reproduction](reproduction.ipynb)); Feng's fourth layer has 128 filters, too.
#
# **Experiment**: each of them changed, all else equal. {numref}`fig-ablations-sizes` is a wall of small
# differences, and that is its message: look for a row whose whole bar lies on one side of zero.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-ablations-sizes", "caption": "Other pools, more filters or units, dropout, beside the network of the text."}}
sizes = ("Other pools?", "More filters or units?", "Dropout?")
figure(*sizes, alt="Other pools, widths and dropouts beside the paper's, with interval and dots.")

# %% tags=["remove-input"]
said(*sizes)

# %% [markdown]
# ## Does attention help?
#
# **Hypothesis**: a clip has moments that tell its genre, and attention finds them {cite}`yu2020attention`.
#
# **Experiment**: first the attention that the paper prints, beside the RNN that it is by algebra (see
# [attention](attention.ipynb)): a difference would be a wonder. Then three that work, beside the RNN's
# last state, as Yu had it, and beside their fair rival: the plain *mean* of the same states, which is
# attention with equal weights. What they gain over the last state may be the gain of looking at the whole
# clip; what they gain over the mean is the gain of weighing. {numref}`fig-ablations-attention` shows both.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-ablations-attention", "caption": "Attention, printed and working, beside its rivals."}}
attention = (
    "Does the printed attention differ from its RNN?",
    "Does attention beat the RNN's last state?",
    "Does attention beat the mean of the RNN's states?",
    "Does attention beat CNN and RNN joined?",
)
figure(*attention, alt="Attentions beside the RNN, the mean of its states, and CNN and RNN joined.")

# %% tags=["remove-input"]
said(*attention, "Is Yu's parallel CNN the best attention?")

# %% [markdown]
# ## What else could the network be given?
#
# **Hypothesis**: log-mel improves on the plain STFT that Feng used; and features made by hand would add
# what a spectrogram network cannot find, which the paper names as future work.
#
# **Experiment**: the same frames with all 513 bins of the STFT; Feng's own network on the first 5 seconds
# (both need sound: the synthetic set answers, and a few clips of GTZAN); statistics of every band joined
# to both branches and trained with them; and Dwivedi's network, which puts its RNN *behind* its CNN
# ({numref}`fig-ablations-input`).

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-ablations-input", "caption": "Another input, statistics beside the spectrogram, and the two branches one after the other."}}
inputs = (
    "Does log-mel improve on plain STFT?",
    "Is Feng's network as good?",
    "Do features beside the spectrogram help?",
    "Are CNN and RNN better one after the other?",
)
figure(*inputs, alt="Log-mel beside STFT, Feng's network, features joined, and Dwivedi's CRNN.")

# %% tags=["remove-input"]
said(*inputs)

# %% [markdown]
# The miniature of GTZAN has real sound, if only a few test clips: enough to see what is very large. Table 2
# and the two rows that need sound were run there as well:
#
# ```sh
# papermill book/ablations.ipynb out.ipynb -p run True \
#     -p data_home ~/music -p dataset gtzan_mini -p batch_size 16 \
#     -y "rows: [RNN, 5-layer CNN, 3-layer CNN, CNN + 1-layer RNN,
#         CNN + two-layer RNN, attention as printed, plain STFT,
#         \"Feng's network, 5 s of STFT\"]"
# ```

# %% tags=["hide-input"]
mini = results.read("ablations_gtzan_mini")
mini_answers = questions.answers(mini)
shown = mini_answers[
    (mini_answers["verdict"] != "undecided") | mini_answers.index.isin(inputs, level=0)
]
decided = (mini_answers["verdict"] != "undecided").sum()
Markdown(
    f"Comparisons on {len(mini['clips'])} clips of gtzan_mini: {len(mini_answers)}, decided: {decided}. "
    "What was asked above, and what is decided:"
    + "".join(f"\n{questions.told({'gtzan_mini': shown}, q)}" for q in shown.index.unique(0))
)

# %% [markdown]
# ## All rows
#
# Mean over the seeds, in percent; `sd` over seeds; the interval is for other clips and other seeds.


# %% tags=["hide-input", "hide-output"]
def percent(table):
    """The table for people: percentages with one digit."""
    names = ["validation", "accuracy", "sd", "macro_f1"]
    shown = table[names].mul(100).map("{:.1f}".format).replace("nan", "–")
    shown = shown.rename(columns={"accuracy": "test"})
    shown.insert(0, "parameters", table["parameters"].map("{:,}".format))
    shown.insert(1, "runs", table["runs"])
    bounds = table[["low", "high"]].mul(100).to_numpy()
    shown.insert(5, "interval", [f"{a:.1f} – {b:.1f}" for a, b in bounds])
    return shown.rename_axis(None)


for study, table in tables.items():
    display(Markdown(f"**{study}**"), percent(table))

# %% [markdown]
# And the recall of every genre on real music: how many in a hundred of its clips a row finds. FMA-small
# has as many test clips of each, so that the mean of a line is the row's accuracy.

# %% tags=["hide-input", "hide-output"]
(100 * recall).round().astype(int).rename_axis(None)

# %% tags=["remove-cell"]
if np.ptp(np.bincount(studies[first]["true"])) == 0:
    np.testing.assert_allclose(recall.mean(axis=1), tables[first]["accuracy"])

# %% [markdown]
# ## Summary

# %% tags=["remove-input"]
lines = []
for study, table in answers.items():
    words = table["verdict"].value_counts()
    half = 50 * (tables[study]["high"] - tables[study]["low"]).mean()
    lines.append(
        f"- **{study}**: of {len(table)} comparisons "
        + ", ".join(f"{words.get(w, 0)} {w}" for w in ("better", "worse", "tie", "undecided"))
        + f"; an accuracy is known to ±{half:.1f} points on average."
    )
asked = answers[first]
gains = asked[(asked["reference"] == ablations.REFERENCE) & (asked["verdict"] == "better")]
if len(gains):
    lines.append(
        f"- Better than the paper's network on {first}, each alone: "
        + "; ".join(f"*{row}* {questions.in_points(line)}" for (_, row), line in gains.iterrows())
        + ". Whether changes add up no row of the study says; [beyond](beyond.ipynb) combines several."
    )
Markdown("\n".join(lines))

# %% [markdown]
# - A row needs several seeds before it can be ranked; a single run ranks luck.
# - Of the sizes little is decided. Raw decibels silence many of a ReLU's features before training has begun;
#   standardised bands silence fewer.
# - A filter that never compares two bands is a choice, and the first one to change in this network.
# - What attention gains over the last state has two parts, and only the mean of the states tells them
#   apart.

# %% tags=["remove-cell"]
for study, table in tables.items():
    assert set(table.index) <= set(ablations.ROWS), "the rows are those of today's study"
    chance = 1 / len(studies[study]["genres"])
    assert (table["accuracy"] > chance).all(), "every row does better than guessing"
    asked = answers[study]
    same = "Does the printed attention differ from its RNN?"
    if same in asked.index.unique(0):
        assert asked.loc[same].iloc[0]["verdict"] in ("tie", "undecided"), "it is an RNN"

# %% [markdown]
# ## Exercises
#
# ```{exercise} Your own hypothesis
# :label: ablations-own-row
# Which change would you try? Write down first how many points you expect. Then add it to the study, run it
# for five seeds, and compare.
# ```
#
# ````{solution} ablations-own-row
# :class: dropdown
# For instance a network of half the width:
#
# ```python
# half = ablations.Row("width", "paper", {"filters": [8, 16, 32, 32, 32]})
# ablations.ROWS["half the filters"] = half
# own = ["half the filters", ablations.REFERENCE]
# runs = ablations.sweep(
#     out, dataset="synthetic", rows=own, epochs=60, batch_size=16
# )
# question = questions.Question(ablations.REFERENCE, ["half the filters"])
# questions.answers(ablations.collect(runs), {"Half?": question})
# ```
# Most people expect a loss. Count the parameters: the last layer and the GRU keep nearly all of them.
# ````
#
# ```{exercise} The luck of the first seed
# :label: ablations-one-seed
# Guess first: if each row of Table 2 had been run once, how often would the best row have been another
# one than over all seeds?
# ```
#
# ````{solution} ablations-one-seed
# :class: dropdown
# ```python
# single = pd.DataFrame(
#     main["seeds"].tolist(), index=main.index
# )
# single.idxmax().value_counts()
# ```
# Every column is a study of one seed; the counts say which row each of them would have called best.
# ````
#
# ```{exercise} Enough clips
# :label: ablations-enough
# Two rows differ by two points. About how many test clips would show it, if each run were perfectly
# repeatable and the two networks disagreed on a fifth of the clips?
# ```
#
# ````{solution} ablations-enough
# :class: dropdown
# McNemar's test looks at the clips on which they disagree, 0.2 n; one network wins on 0.11 n of them,
# the other on 0.09 n. The difference of the two counts, 0.02 n, must be about twice its standard
# deviation, $\sqrt{0.2 n}$, to be seen once in two times: so $n \approx 4 \cdot 0.2 / 0.02^2 = 2000$
# clips. To be seen four times in five it must be 2.8 times as large:
# `evaluation.clips_needed(0.02, 0.2)` says 3917. FMA-small has 800, which show
# `evaluation.difference_seen(800, 0.2)`: 4.4 points.
# ````
