"""Makes the Parquet files of this folder and `golden.json`, what pyarrow itself reads in them. Needs pandas and pyarrow; the tests do not.

python crates/tables/tests/data/make.py
"""

import datetime
import decimal
import json
import math
import pathlib

import numpy
import pandas
import pyarrow
from pyarrow import parquet

HERE = pathlib.Path(__file__).parent
ROWS = 6
GOLDEN = {}


def gaps(cells):
    """A missing cell at places 1 and 4."""
    return [None if at in (1, 4) else cell for at, cell in enumerate(cells)]


def shown(cell):
    """Numbers as they are, times as milliseconds, texts as texts."""
    if cell is None:
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, decimal.Decimal):
        return float(cell)
    if isinstance(cell, pandas.Timestamp):
        return cell.value // 1_000_000
    if isinstance(cell, datetime.datetime):
        zone = cell.tzinfo or datetime.timezone.utc
        return round((cell.replace(tzinfo=zone) - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) / datetime.timedelta(milliseconds=1))
    if isinstance(cell, datetime.date):
        return (cell - datetime.date(1970, 1, 1)).days * 86_400_000
    if isinstance(cell, float):
        return None if math.isnan(cell) else "inf" if cell == math.inf else "-inf" if cell == -math.inf else cell
    if isinstance(cell, (int, str)):
        return cell
    if isinstance(cell, numpy.floating):
        return float(cell)
    raise TypeError(type(cell))


def save(name, table, left_out=(), golden=None, **options):
    parquet.write_table(table, HERE / f"{name}.parquet", store_schema=False, **options)
    read = golden or parquet.read_table(HERE / f"{name}.parquet")
    columns = {column: [shown(cell) for cell in read[column].to_pylist()] for column in read.column_names if column not in left_out}
    GOLDEN[name] = {"rows": table.num_rows, "columns": columns, "left_out": list(left_out)}


def integers():
    kinds = {"i8": (8, True), "i16": (16, True), "i32": (32, True), "i64": (64, True), "u8": (8, False), "u16": (16, False), "u32": (32, False), "u64": (64, False)}
    columns = {}
    for name, (bits, signed) in kinds.items():
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        cells = [low, 1, 2, 3, 100, high]
        kind = {True: {8: pyarrow.int8(), 16: pyarrow.int16(), 32: pyarrow.int32(), 64: pyarrow.int64()}, False: {8: pyarrow.uint8(), 16: pyarrow.uint16(), 32: pyarrow.uint32(), 64: pyarrow.uint64()}}[signed][bits]
        columns[name] = pyarrow.array(cells, kind)
        columns[f"{name}_gaps"] = pyarrow.array(gaps(cells), kind)
    save("integers", pyarrow.table(columns))


def numbers():
    cells = [0.5, -2.25, math.inf, -math.inf, math.nan, 65504.0]
    columns = {}
    for name, kind, numpy_kind in (("f16", pyarrow.float16(), numpy.float16), ("f32", pyarrow.float32(), numpy.float32), ("f64", pyarrow.float64(), numpy.float64)):
        columns[name] = pyarrow.array([numpy_kind(cell) for cell in cells], kind)
        columns[f"{name}_gaps"] = pyarrow.array(gaps([numpy_kind(cell) for cell in cells]), kind)
    money = [decimal.Decimal(text) for text in ("0.01", "-1.50", "123.45", "99999.99", "-99999.99", "0.00")]
    for digits in (7, 15, 30):
        columns[f"decimal_{digits}"] = pyarrow.array(money, pyarrow.decimal128(digits, 2))
        columns[f"decimal_{digits}_gaps"] = pyarrow.array(gaps(money), pyarrow.decimal128(digits, 2))
    columns["decimal_256"] = pyarrow.array(gaps(money), pyarrow.decimal256(60, 2))
    columns["nothing"] = pyarrow.nulls(ROWS)
    columns["nothing_f64"] = pyarrow.nulls(ROWS, pyarrow.float64())
    columns["nothing_i64"] = pyarrow.nulls(ROWS, pyarrow.int64())
    columns["nothing_text"] = pyarrow.nulls(ROWS, pyarrow.string())
    columns["flag"] = pyarrow.array([True, False, True, True, False, False])
    columns["flag_gaps"] = pyarrow.array(gaps([True, False, True, True, False, False]))
    save("numbers", pyarrow.table(columns))
    # Decimals as whole numbers of four and eight bytes.
    small = pyarrow.table({"d4": pyarrow.array(gaps(money), pyarrow.decimal128(9, 2)), "d8": pyarrow.array(money, pyarrow.decimal128(18, 2))})
    save("decimals", small, store_decimal_as_integer=True)


def times():
    day = datetime.datetime(2024, 2, 29, 23, 59, 58, 123000)
    cells = [day, datetime.datetime(1969, 12, 31, 23, 59, 59, 999000), datetime.datetime(1970, 1, 1), datetime.datetime(1900, 3, 4), day, datetime.datetime(2100, 1, 1)]
    columns = {"date": pyarrow.array([cell.date() for cell in cells], pyarrow.date32()), "date_gaps": pyarrow.array(gaps([cell.date() for cell in cells]), pyarrow.date32())}
    for unit in ("s", "ms", "us", "ns"):
        for zone in (None, "Europe/Berlin"):
            name = unit if zone is None else f"{unit}_zone"
            whole = [cell.replace(microsecond=0) if unit == "s" else cell for cell in cells]
            kind = pyarrow.timestamp(unit, zone)
            if zone:
                whole = [cell.replace(tzinfo=datetime.timezone.utc) for cell in whole]
            columns[name] = pyarrow.array(whole, kind)
            columns[f"{name}_gaps"] = pyarrow.array(gaps(whole), kind)
    columns["nothing_time"] = pyarrow.nulls(ROWS, pyarrow.timestamp("us"))
    save("times", pyarrow.table(columns))
    old = pyarrow.table({"t": pyarrow.array(cells, pyarrow.timestamp("ns")), "t_gaps": pyarrow.array(gaps(cells), pyarrow.timestamp("ns"))})
    save("int96", old, use_deprecated_int96_timestamps=True)


def texts():
    words = ["", "a", "größe", "日本", "a", "x" * 300]
    columns = {
        "text": pyarrow.array(words),
        "text_gaps": pyarrow.array(gaps(words)),
        "large": pyarrow.array(gaps(words), pyarrow.large_string()),
        "view": pyarrow.array(gaps(words), pyarrow.string_view()),
        "dictionary": pyarrow.array(gaps(words)).dictionary_encode(),
        "binary": pyarrow.array([b"plain", None, bytes([255, 0]), b"", b"plain", bytes([128])], pyarrow.binary()),
        "fixed": pyarrow.array([b"1234"] * ROWS, pyarrow.binary(4)),
        "uuid": pyarrow.ExtensionArray.from_storage(pyarrow.uuid(), pyarrow.array(gaps([bytes(range(at, at + 16)) for at in range(ROWS)]), pyarrow.binary(16))),
        "list": pyarrow.array([[1], [], None, [1, 2], [3], [4]]),
        "struct": pyarrow.array([{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}, {"a": 4, "b": None}, {"a": 5, "b": "z"}, {"a": 6, "b": "z"}]),
        "map": pyarrow.array([[("k", 1)]] * ROWS, pyarrow.map_(pyarrow.string(), pyarrow.int64())),
        "time": pyarrow.array([datetime.time(0, 0, at) for at in range(ROWS)], pyarrow.time32("ms")),
    }
    table = pyarrow.table(columns)
    struct = columns["struct"]
    golden = {name: columns[name] for name in ("text", "text_gaps", "large", "view")}
    golden["binary"] = pyarrow.array(["plain", None, "0xff00", "", "plain", "0x80"])
    golden["dictionary"] = columns["text_gaps"]
    golden["uuid"] = pyarrow.array([None if cell is None else str(cell) for cell in columns["uuid"].to_pylist()])
    golden["struct.a"] = pyarrow.array([None if cell is None else cell["a"] for cell in struct.to_pylist()])
    golden["struct.b"] = pyarrow.array([None if cell is None else cell["b"] for cell in struct.to_pylist()])
    golden["time"] = pyarrow.array([at * 1000 for at in range(ROWS)])
    save("texts", table, golden=pyarrow.table(golden))
    GOLDEN["texts"]["left_out"] = ["fixed", "list.list.element", "map.key_value.key", "map.key_value.value"]


def layouts():
    rows = 500
    plain = pyarrow.table(
        {
            "i": pyarrow.array([None if at % 7 == 3 else at for at in range(rows)], pyarrow.int64()),
            "x": pyarrow.array([at / 8 for at in range(rows)]),
            "t": pyarrow.array([None if at % 11 == 5 else f"word {at % 17}" for at in range(rows)]),
            "at": pyarrow.array([1_700_000_000_000 + at for at in range(rows)], pyarrow.timestamp("ms")),
        }
    )
    for codec in ("none", "snappy", "gzip", "zstd", "lz4"):
        save(f"codec_{codec}", plain.slice(0, 40), compression=codec)
    save("codec_brotli", plain.slice(0, 40), compression="brotli", left_out=["i", "x", "t", "at"])
    save("mixed_codecs", plain.slice(0, 40), compression={"i": "brotli", "x": "zstd", "t": "snappy", "at": "gzip"}, left_out=["i"])
    save("groups", plain.slice(0, 120), row_group_size=25)
    save("no_rows", plain.slice(0, 0))
    save("pages_v2", plain.slice(0, 120), data_page_version="2.0", data_page_size=200, compression="snappy")
    save("delta", plain.slice(0, 120), use_dictionary=False, column_encoding={"i": "DELTA_BINARY_PACKED", "x": "BYTE_STREAM_SPLIT", "t": "DELTA_BYTE_ARRAY", "at": "DELTA_BINARY_PACKED"})
    save("delta_lengths", plain.select(["t"]).slice(0, 120), use_dictionary=False, column_encoding={"t": "DELTA_LENGTH_BYTE_ARRAY"})
    save("plain", plain.slice(0, 40), use_dictionary=False, compression="none")
    frame = plain.slice(0, 20).to_pandas().set_index("x")
    frame.to_parquet(HERE / "pandas.parquet")
    read = parquet.read_table(HERE / "pandas.parquet")
    GOLDEN["pandas"] = {"rows": 20, "columns": {name: [shown(cell) for cell in read[name].to_pylist()] for name in read.column_names}, "left_out": []}


for make in (integers, numbers, times, texts, layouts):
    make()
lines = [f"{json.dumps(name)}: {json.dumps(golden, ensure_ascii=False)}" for name, golden in GOLDEN.items()]
(HERE / "golden.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
