"""A misspelt papermill parameter is refused."""

import pytest

from prcnn.notebook import refuse_unknown_parameters

PARAMETERS = 'dataset = "synthetic"\ndata_home = None  # where clips lie\nepochs = 8\n'


def test_known_parameters_pass():
    refuse_unknown_parameters([PARAMETERS, "# Parameters\nepochs = 50\n", "refuse()"])
    refuse_unknown_parameters([PARAMETERS, "refuse()"])
    refuse_unknown_parameters([])


def test_misspelt_parameter_is_refused_with_the_nearest_name():
    with pytest.raises(NameError, match=r"no parameter 'epoch'.*mean 'epochs'.*dataset, data_home"):
        refuse_unknown_parameters([PARAMETERS, "# Parameters\nepoch = 50\n"])


def test_unrelated_name_lists_the_known_ones():
    with pytest.raises(NameError, match="dataset, data_home, epochs"):
        refuse_unknown_parameters([PARAMETERS, '# Parameters\nzzz = "a"\nepochs = 2\n'])
