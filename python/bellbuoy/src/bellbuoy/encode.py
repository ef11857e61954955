"""Values as people have them in Python, to JSON: numpy, pandas and others by what they can do, without importing them.

What is no number (NaN, infinity, NaT, NA) becomes null: it is unknown, and never a number that looks like one.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import json
import math
from collections.abc import Mapping, Sequence, Set
from typing import Any

DEPTH_MAX = 8


def dumps(value: Any) -> bytes:
    text = json.dumps(plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def plain(value: Any, depth: int = 0) -> Any:
    """`value` with nothing in it but what JSON knows."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, enum.Enum):
        return plain(value.value, depth + 1)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, (float, decimal.Decimal)):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, (dt.datetime, dt.date, dt.timedelta)):
        return _time(value)
    if depth > DEPTH_MAX:
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, Set)):
        return [plain(item, depth + 1) for item in value]
    return _foreign(value, depth)


def _time(value: Any) -> Any:
    if value != value or str(value) == "NaT":
        return None
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if isinstance(value, dt.datetime) and value.tzinfo is None:
        return value.isoformat() + "Z"  # without a zone it is UTC, as in pandas and in bellbuoy
    return value.isoformat()


def _foreign(value: Any, depth: int) -> Any:
    kind = type(value).__name__
    if kind == "NAType":
        return None
    if kind in ("datetime64", "timedelta64"):
        # As nanoseconds they would come out as bare numbers.
        return plain(value.astype(f"{kind}[us]").item(), depth + 1)
    if callable(getattr(value, "as_py", None)):  # pyarrow
        return plain(value.as_py(), depth + 1)
    if not getattr(value, "shape", True) and callable(getattr(value, "item", None)):  # numpy's and torch's single values
        return plain(value.item(), depth + 1)
    if callable(getattr(value, "tolist", None)):  # arrays, series
        return plain(values_of(value), depth + 1)
    if isinstance(value, BaseException):
        return f"{kind}: {value}" if str(value) else kind
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "replace")
    return str(value)


def values_of(column: Any) -> list[Any]:
    """A list from a column: a list, an array, a series of pandas or polars, a tuple, an index."""
    if getattr(getattr(column, "dtype", None), "kind", "") in ("M", "m") and not hasattr(column, "index"):
        unit = "datetime64[us]" if column.dtype.kind == "M" else "timedelta64[us]"
        return list(column.astype(unit).tolist())
    for name in ("tolist", "to_list", "to_pylist"):
        if callable(getattr(column, name, None)):
            return list(getattr(column, name)())
    return list(column)


def is_column(value: Any) -> bool:
    if isinstance(value, (str, bytes, Mapping)):
        return False
    return isinstance(value, Sequence) or (hasattr(value, "__len__") and hasattr(value, "__iter__"))


def utc_now() -> str:
    now = dt.datetime.now(dt.timezone.utc)
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
