"""What a cell needs and makes, read from its code."""

import builtins

import pytest

from helpers.cells.names import names_of


@pytest.mark.parametrize(
    ("code", "needs"),
    [
        ("x = 1\ny = x + z", {"z"}),
        ("def f(a):\n    b = a\n    return b + c", {"c"}),
        ("table = [row for row in rows if row]", {"rows"}),
        ("for i in items:\n    total += i", {"items", "total"}),
        ("import numpy as np\nnp.mean(values)", {"values"}),
        ("for seed in seeds:\n    model = build(seed)\n    print(model)", {"seeds", "build"}),
        ("try:\n    a = b\nexcept ValueError as e:\n    c = a, d\nfinally:\n    f", set("bdf")),
        ("with open(path) as file:\n    text = file.read()", {"path"}),
        ("left, right = pair", {"pair"}),
        ("f'{score:.2f}'", {"score"}),
        ("%%bash\nls", set()),
    ],
)
def test_a_name_is_needed_where_the_cell_reads_it_before_it_makes_it(code, needs):
    assert names_of(code).needs - set(dir(builtins)) == needs


@pytest.mark.parametrize(
    ("code", "makes"),
    [
        ("x = 1\ny = (\n    2\n)", {"x": 1, "y": 4}),
        ("left, right = pair", {"left": 1, "right": 1}),
        ("import numpy as np\nfrom a import b as c", {"np": 1, "c": 2}),
        ("def f():\n    inner = 1", {"f": 2}),
        ("for i in range(3):\n    last = i", {"i": 2, "last": 2}),
    ],
)
def test_a_name_is_made_when_its_statement_ends(code, makes):
    assert names_of(code).makes == makes
