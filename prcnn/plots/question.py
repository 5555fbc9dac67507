"""A question about sounds: choices in the page, the answer in a fold."""

import html
import json

from IPython.display import HTML


def question(ask, sounds, choices, truth, answer, network=None):
    """A question to listen to. The book's ``question.js`` makes buttons of the choices.

    Where no script runs, in JupyterLab and on paper, the choices are named and the answer folds
    out.

    Parameters
    ----------
    ask : str
        What is asked.
    sounds : list of IPython.display.HTML
        From :func:`prcnn.plots.player`.
    choices : list of str
        Each a button.
    truth : str
        The right one.
    answer : str
        What to say once it is given, one or two sentences.
    network : str, optional
        What a network chose: counted in the page's ``<p class="score">``, if there is one.

    Returns
    -------
    IPython.display.HTML

    Raises
    ------
    ValueError
        If ``truth`` or ``network`` is none of the choices.

    Chapter: book/guess.ipynb
    """
    for given in (truth, network):
        if given is not None and given not in choices:
            raise ValueError(f"{given!r} is none of the choices: {', '.join(choices)}.")
    data = {"ask": ask, "choices": json.dumps(choices), "truth": truth, "network": network}
    attributes = " ".join(
        f'data-{name}="{html.escape(value, quote=True)}"' for name, value in data.items() if value
    )
    players = "".join(sound.data for sound in sounds)
    return HTML(
        f'<div class="question" {attributes}><div class="sounds">{players}</div>'
        f'<p class="choices">{html.escape(ask)} {html.escape(", ".join(choices))}.</p>'
        f"<details><summary>The answer</summary><p>{html.escape(answer)}</p></details></div>"
    )
