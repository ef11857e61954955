/** show: the order of rows. Pure. Texts with numbers in them are ordered as people do; what has no value is last either way. */

const TEXTS = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

type Key = string | number | null | undefined;

export function ordered<Row>(rows: readonly Row[], key: (row: Row) => Key, descending = false): Row[] {
  const keyed = rows.map((row, index) => ({ row, index, key: key(row) }));
  keyed.sort((a, b) => {
    const [noA, noB] = [none(a.key), none(b.key)];
    if (noA || noB) return noA === noB ? a.index - b.index : noA ? 1 : -1;
    const order = typeof a.key === "number" && typeof b.key === "number" ? a.key - b.key : TEXTS.compare(String(a.key), String(b.key));
    return (descending ? -order : order) || a.index - b.index;
  });
  return keyed.map((one) => one.row);
}

function none(key: Key): boolean {
  return key === null || key === undefined || (typeof key === "number" && Number.isNaN(key));
}
