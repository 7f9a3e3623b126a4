"""pandas' tables, series and indexes as names and arrays."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np


def encode_table(value: Any, inner: Callable[[Any], Any]) -> dict | None:
    """Make JSON of a table, a series or an index; None for anything else.

    Args:
        value: Any value.
        inner: Encodes what is in it.
    """
    pd = sys.modules.get("pandas")
    if pd is None:
        return None
    if isinstance(value, pd.MultiIndex):
        return {"levels": inner(list(value)), "names": inner(list(value.names))}
    if isinstance(value, pd.Index):
        return {"index": _column(value, inner), "name": inner(value.name)}
    if isinstance(value, pd.Series):
        return {"series": _column(value, inner), "rows": inner(value.index), "name": inner(value.name)}
    if isinstance(value, pd.DataFrame):
        columns = [_column(value.iloc[:, i], inner) for i in range(value.shape[1])]
        return {"table": columns, "rows": inner(value.index), "names": inner(value.columns)}
    if isinstance(value, pd.Categorical):
        return inner(pd.Series(value))
    return None


def _column(values: Any, inner: Callable) -> dict:
    pd = sys.modules["pandas"]
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes = values.codes if isinstance(values, pd.Index) else values.cat.codes
        kinds = {"categories": inner(values.dtype.categories), "ordered": bool(values.dtype.ordered)}
        return {"codes": inner(np.asarray(codes))} | kinds
    return {"values": inner(np.asarray(values)), "text": isinstance(values.dtype, pd.StringDtype)}


def decode_table(kind: str, data: dict, inner: Callable[[Any], Any]) -> Any:
    """Make a table, a series or an index of JSON; None for anything else.

    Args:
        kind: The first key.
        data: As from `encode_table`.
        inner: Decodes what is in it.
    """
    if kind not in ("levels", "index", "series", "table"):
        return None
    import pandas as pd

    if kind == "levels":
        return pd.MultiIndex.from_tuples(inner(data["levels"]), names=inner(data["names"]))
    if kind == "index":
        return pd.Index(_values(data["index"], inner), name=inner(data["name"]))
    if kind == "series":
        return pd.Series(_values(data["series"], inner), index=inner(data["rows"]), name=inner(data["name"]))
    rows, names = inner(data["rows"]), inner(data["names"])
    table = pd.DataFrame({i: _values(one, inner) for i, one in enumerate(data["table"])}, index=range(len(rows)))
    table.index, table.columns = rows, names
    return table


def _values(data: dict, inner: Callable) -> Any:
    import pandas as pd

    if "codes" in data:
        return pd.Categorical.from_codes(inner(data["codes"]), inner(data["categories"]), data["ordered"])
    values = inner(data["values"])
    return pd.array(values, dtype="str") if data["text"] else values
