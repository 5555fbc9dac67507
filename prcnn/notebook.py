"""What a parameterised notebook needs of its kernel: refuse a misspelt papermill parameter."""

import ast
import difflib

from IPython import get_ipython


def refuse_unknown_parameters(history=None):
    """Raise if papermill was given a parameter that the page does not have.

    Papermill writes ``-p NAME VALUE`` into a cell of its own, headed ``# Parameters``, under the
    cell tagged ``parameters``; a NAME that the page never reads is set and forgotten. Called in the
    cell after them, this compares the two.

    ``history``, a list of the cells run so far, is this kernel's where not given; outside IPython
    nothing is checked. The NameError names the parameter, the nearest known one, and all of them.

    Chapter: book/train.ipynb
    """
    if history is None:
        history = _kernel_history()
    injected = [i for i, cell in enumerate(history) if cell.lstrip().startswith("# Parameters\n")]
    for i in injected:
        known = _assigned(history[i - 1]) if i else []
        for name in _assigned(history[i]):
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                names = ", ".join(known)
                raise NameError(f"This page has no parameter {name!r}.{hint} It has: {names}.")


def _kernel_history():
    shell = get_ipython()
    return [cell for cell in shell.user_ns["In"] if cell] if shell else []


def _assigned(cell):
    """Names assigned at the top level of a cell, in order."""
    return [
        target.id
        for statement in ast.parse(cell).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    ]
