"""Values of Python, numpy and pandas as JSON."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import importlib.util
import math
import unittest
import uuid
from typing import Any

from bellbuoy.encode import dumps, plain
from bellbuoy.predictions import rows_of

numeric = unittest.skipUnless(
    importlib.util.find_spec("numpy") and importlib.util.find_spec("pandas"), "skipped: numpy and pandas are not installed"
)


class Color(enum.Enum):
    RED = "red"


class Encode(unittest.TestCase):
    def check(self, value: Any, expected: Any) -> None:
        found = plain(value)
        self.assertEqual((type(found), found), (type(expected), expected), repr(value))
        dumps(value)

    def test_python(self) -> None:
        zone = dt.timezone(dt.timedelta(hours=2))
        for value, expected in [
            (None, None),
            (True, True),
            (2**70, 2**70),
            (1.5, 1.5),
            (math.nan, None),
            (-math.inf, None),
            (decimal.Decimal("1.5"), 1.5),
            (decimal.Decimal("nan"), None),
            (Color.RED, "red"),
            (dt.datetime(2026, 1, 2, 3, 4, 5, 600000), "2026-01-02T03:04:05.600000Z"),
            (dt.datetime(2026, 1, 2, tzinfo=zone), "2026-01-02T00:00:00+02:00"),
            (dt.date(2026, 1, 2), "2026-01-02"),
            (dt.timedelta(minutes=1), 60.0),
            ((1, [math.nan, {"a": (2,)}]), [1, [None, {"a": [2]}]]),
            ({1: "x"}, {"1": "x"}),
            ({3}, [3]),
            (b"ab\xff", "ab\ufffd"),
            (ValueError("bad"), "ValueError: bad"),
            (KeyError(), "KeyError"),
            (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ]:
            self.check(value, expected)

    def test_half_a_character_and_a_ring(self) -> None:
        self.assertEqual(dumps("a\ud800"), b'"a?"')
        ring: list[Any] = []
        ring.append(ring)
        dumps(ring)

    @numeric
    def test_numpy(self) -> None:
        import numpy as np

        for value, expected in [
            (np.float64(1.5), 1.5),
            (np.float32(0.5), 0.5),
            (np.float32("nan"), None),
            (np.int64(7), 7),
            (np.bool_(True), True),
            (np.str_("a"), "a"),
            (np.array(3), 3),
            (np.array([[1.0, np.nan]]), [[1.0, None]]),
            (np.datetime64("2026-01-02T03:04:05.123456789"), "2026-01-02T03:04:05.123456Z"),
            (np.datetime64("NaT"), None),
            (np.timedelta64(90, "s"), 90.0),
            (np.array(["2026-01-02", "NaT"], dtype="datetime64[ns]"), ["2026-01-02T00:00:00Z", None]),
        ]:
            self.check(value, expected)

    @numeric
    def test_pandas(self) -> None:
        import pandas as pd

        for value, expected in [
            (pd.NaT, None),
            (pd.NA, None),
            (pd.Timestamp("2026-01-02", tz="UTC"), "2026-01-02T00:00:00+00:00"),
            (pd.Timestamp("2026-01-02"), "2026-01-02T00:00:00Z"),
            (pd.Timedelta("90s"), 90.0),
            (pd.Series([1, None]), [1.0, None]),
            (pd.Series([1, pd.NA], dtype="Int64"), [1, None]),
            (pd.Series(pd.to_datetime(["2026-01-02", None])), ["2026-01-02T00:00:00Z", None]),
            (pd.Categorical(["a", None]), ["a", None]),
        ]:
            self.check(value, expected)


class Rows(unittest.TestCase):
    def check(self, rows: Any, expected: list[dict[str, Any]]) -> None:
        self.assertEqual(plain(list(rows_of(rows))), expected)

    def test_forms(self) -> None:
        self.check([{"id": 1}, {"id": 2}], [{"id": 1}, {"id": 2}])
        self.check({"id": 1, "probabilities": [0.5, 0.5]}, [{"id": 1, "probabilities": [0.5, 0.5]}])
        self.check({"id": [1, 2], "x": (3, 4)}, [{"id": 1, "x": 3}, {"id": 2, "x": 4}])
        self.check({"id": [1], "features": {"a": [2]}}, [{"id": 1, "features": {"a": 2}}])
        with self.assertRaisesRegex(ValueError, "id 2, x 1"):
            self.check({"id": [1, 2], "x": [3]}, [])

    @numeric
    def test_frames(self) -> None:
        import numpy as np
        import pandas as pd

        frame = pd.DataFrame({"id": [1, 2], "temp": [0.5, np.nan], "at": pd.to_datetime(["2026-01-02", "2026-01-03"])})
        self.check(
            frame,
            [{"id": 1, "temp": 0.5, "at": "2026-01-02T00:00:00Z"}, {"id": 2, "temp": None, "at": "2026-01-03T00:00:00Z"}],
        )
        features = pd.DataFrame({"a": [1, 2]}, index=[10, 20])
        self.check(
            {"id": np.arange(2), "prediction": np.array([1.0, 2.0]), "features": features},
            [{"id": 0, "prediction": 1.0, "features": {"a": 1}}, {"id": 1, "prediction": 2.0, "features": {"a": 2}}],
        )
