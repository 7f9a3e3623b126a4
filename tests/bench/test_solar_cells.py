"""What the card of the solar cells says without a network is what its command prints."""

import numpy as np
import pandas as pd
import pytest

from data_prework.files import PROJECT
from data_prework.manifest import find_prepared
from tests.bench import solar_cells


def test_a_cell_does_not_count_in_the_rate_of_its_own_module():
    frame = pd.DataFrame({"module": [1, 1, 1, 2, 2], "defective": [1, 0, 0, 1, 1]})
    assert np.allclose(solar_cells.rate_of_the_others(frame), [0, 0.5, 0.5, 1, 1])


@pytest.mark.real
def test_the_card_has_the_numbers_that_the_command_prints(capsys):
    if find_prepared("solar_cells") is None:
        pytest.skip("the solar cells are not prepared: make solar")
    solar_cells.main()
    said = capsys.readouterr().out
    card = (PROJECT / "data_prework" / "cards" / "solar_cells.md").read_text(encoding="utf-8")
    for printed, written in {
        "defective 0.313; modules 44, rates 0.00 to 0.93": "821 cells, 31.3 %",
        "between modules 0.38": "38 % of the label's variance",
        "the cell left out 0.837": "an AUC of .837",
        "AUC of darkness 0.752; inside modules 0.621": "AUC of .752, and .621 inside modules",
        "under 25: 4 cells, 4 of them defective": "Four cells are nearly black",
        "most like its own in 50, median correlation 0.96": "median correlation .96",
        "9 pairs with another probability, 3 with another class": "9 got a different probability the second time",
        "[[26, 27], [30, 39]]": "30 and 39",
        "540        9       8      0.337  0.444": "| 540 | 9 | 33.7 % | 44.4 % |",
    }.items():
        assert printed in said and written in card, (printed, written)
