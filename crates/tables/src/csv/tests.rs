//! CSV as people, spreadsheets and pandas write it, and as it breaks.

use std::io::Cursor;

use bellbuoy_drift::{Texts, Values};

use crate::{ReadOptions, Table, TableError, read, silent};

fn table(bytes: impl AsRef<[u8]>) -> Result<Table, TableError> {
    read("t.csv", Cursor::new(bytes.as_ref().to_vec()), &ReadOptions::default(), &silent)
}

fn values(table: &Table, name: &str) -> Values {
    table.column(name).unwrap_or_else(|| panic!("no column {name}: {table:?}")).values.clone()
}

fn texts<'a>(cells: impl IntoIterator<Item = &'a str>) -> Values {
    Values::Categories(cells.into_iter().collect::<Texts>())
}

/// Every problem with its line and column.
fn problem(bytes: impl AsRef<[u8]>, expected: &str) {
    match table(bytes) {
        Err(error) => assert_eq!(error.to_string(), expected),
        Ok(table) => panic!("{expected} expected, {table:?} read"),
    }
}

#[test]
fn columns_are_typed() {
    let table = table("a,b,c,d\n1,x,0.5,\n2,\"y,\"\"z\",,\n").expect("good");
    assert_eq!(values(&table, "a"), Values::Integers(vec![1, 2]));
    assert_eq!(values(&table, "b"), texts(["x", "y,\"z"]));
    assert!(matches!(values(&table, "c"), Values::Numbers(cells) if cells[0] == 0.5 && cells[1].is_nan()));
    assert!(matches!(values(&table, "d"), Values::Numbers(cells) if cells.iter().all(|cell| cell.is_nan())));
    assert_eq!((table.rows, table.columns.len(), table.notes.len()), (2, 4, 0));
}

#[test]
fn late_texts_keep_their_first_spelling() {
    let table = table("code,late\n007,\n1.50,\nNA,\nA7,x\n").expect("good");
    assert_eq!(values(&table, "code"), texts(["007", "1.50", "", "A7"]));
    assert_eq!(values(&table, "late"), texts(["", "", "", "x"]));
}

#[test]
fn large_numbers_and_infinities() {
    let table = table("i,u,f,bool\n1700000000,9223372036854775808,inf,True\n-9223372036854775808,1,-inf,False\n").expect("good");
    assert_eq!(values(&table, "i"), Values::Integers(vec![1_700_000_000, i64::MIN]));
    assert_eq!(values(&table, "u"), Values::Numbers(vec![9_223_372_036_854_775_808.0, 1.0]));
    assert_eq!(values(&table, "f"), Values::Numbers(vec![f64::INFINITY, f64::NEG_INFINITY]));
    assert_eq!(values(&table, "bool"), texts(["true", "false"]));
}

#[test]
fn any_separator_and_line_end() {
    for (text, expected) in [
        ("a;b\r\np,q;x\r\nr,s;y\r\n", ["p,q", "r,s"]),
        ("a\tb\n\"p\tq\"\tx\nr,s\ty\n", ["p\tq", "r,s"]),
        ("a|b\rp,q|x\rr,s|y\r", ["p,q", "r,s"]),
        ("sep=;\r\na;b\r\np,q;x\r\nr,s;y", ["p,q", "r,s"]),
        ("\u{feff}a,b\n\n\"p,q\" ,x\n\n\"r,s\",y\n\n", ["p,q", "r,s"]),
    ] {
        let table = table(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!((values(&table, "a"), values(&table, "b")), (texts(expected), texts(["x", "y"])), "{text:?}");
    }
    let one = table("only\n1\n2\n").expect("one column");
    assert_eq!(values(&one, "only"), Values::Integers(vec![1, 2]));
}

#[test]
fn any_encoding() {
    let text = "city,n\nMünchen,1\nOrléans,2\n";
    let utf16 =
        |big: bool| -> Vec<u8> { text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect() };
    let latin1: Vec<u8> = text.chars().map(|c| c as u8).collect();
    let with_mark: Vec<u8> = [vec![0xff, 0xfe], utf16(false)].concat();
    for (name, bytes) in [("utf-16le", utf16(false)), ("utf-16be", utf16(true)), ("mark", with_mark), ("latin-1", latin1.clone())] {
        let table = table(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(values(&table, "city"), texts(["München", "Orléans"]), "{name}");
        assert_eq!(table.notes.len(), usize::from(name == "latin-1"), "{name}");
    }
    let said = ReadOptions { encoding: Some("latin1".into()), ..ReadOptions::default() };
    let table = read("t.csv", Cursor::new(latin1.clone()), &said, &silent).expect("said");
    assert_eq!((values(&table, "city"), table.notes.len()), (texts(["München", "Orléans"]), 0));
    let wrong = ReadOptions { encoding: Some("utf-8".into()), ..ReadOptions::default() };
    let error = read("t.csv", Cursor::new(latin1), &wrong, &silent).expect_err("not UTF-8");
    assert_eq!(error.to_string(), "t.csv:2: the text is not UTF-8; say its encoding");
}

#[test]
fn problems_name_line_and_column() {
    problem("", "t.csv: the file is empty");
    problem("\n\n", "t.csv: the file has no header: it is empty");
    problem("a,b\n1,2\n\n3\n", "t.csv:4: 1 cell where the header has 2");
    problem("a,b\n1,2\n3,4,5\n", "t.csv:3: 3 cells where the header has 2; a text with a separator in it must be in quotes");
    problem("a,b\n1,\"x\ny\"\n3,\"z\n4,5\n", "t.csv:4: column \"b\": a quote opens here and is never closed");
    problem(
        "a,b\n1,\"he said \"hi\"\"\n",
        "t.csv:2: column \"b\": text after the closing quote; a quote inside of a text is written twice (\"\")",
    );
    let long = format!("a,b\n1,\"{}", "x\n".repeat(600_000));
    problem(long, "t.csv:2: column \"b\": the cell has more than 1048576 bytes; is a closing quote missing?");
}

/// `-0` was 0 while the column had whole numbers only, and -0 when a later cell made them numbers.
#[test]
fn negative_zero_is_zero() {
    let table = table("a,b,c\n-0,-0,-0.0\n1,.0,2\n").expect("good");
    assert_eq!(values(&table, "a"), Values::Integers(vec![0, 1]));
    for (column, cells) in [("b", ["-0", ".0"]), ("c", ["-0.0", "2"])] {
        let (read, typed) = (values(&table, column), Values::from_cells(cells));
        for values in [&read, &typed] {
            assert!(matches!(values, Values::Numbers(numbers) if numbers[0].is_sign_positive()), "{column}: {values:?}");
        }
    }
}

#[test]
fn odd_headers() {
    let table = table(",x,x\n0,1,2\n1,3,4\n").expect("good");
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["Unnamed: 0", "x", "x.1"]);
    assert_eq!(table.notes, [r#"the header has "x" more than once; the 2. is named "x.1""#]);
    let none = super::tests::table("a,b\n").expect("a header only");
    assert_eq!((none.rows, values(&none, "a")), (0, Values::Numbers(vec![])));
}

#[test]
fn chosen_columns_only() {
    let options = ReadOptions { columns: Some(vec!["c".into(), "a".into(), "zz".into()]), ..ReadOptions::default() };
    let table = read("t.csv", Cursor::new(b"a,b,c\n1,2,3\n".to_vec()), &options, &silent).expect("good");
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["a", "c"]);
}

#[test]
fn records_longer_than_the_buffer() {
    let wide: Vec<String> = (0..6000).map(|column| format!("column_number_{column:>060}")).collect();
    let text = format!("{}\n{}\n", wide.join(","), vec!["7"; 6000].join(","));
    let table = table(&text).expect("wide");
    assert_eq!((table.columns.len(), table.rows), (6000, 1));
    assert!(table.columns.iter().all(|column| column.values == Values::Integers(vec![7])));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]

    /// What is written as CSV comes back as the cells say, whatever is in them.
    #[test]
    fn cells_come_back(rows in proptest::collection::vec(proptest::array::uniform3(cell()), 1..20)) {
        let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
        let plain = |cell: &String| if cell.contains(['"', ',', ';', '\t', '|', '\n', '\r']) { quoted(cell) } else { cell.clone() };
        let line = |row: &[String; 3]| row.iter().map(plain).collect::<Vec<_>>().join(",");
        let text = format!("a,b,c\n{}\n", rows.iter().map(line).collect::<Vec<_>>().join("\n"));
        let options = ReadOptions { separator: Some(b','), ..ReadOptions::default() };
        let table = read("t.csv", Cursor::new(text.into_bytes()), &options, &silent).expect("well formed");
        for (index, column) in table.columns.iter().enumerate() {
            let expected = Values::from_cells(rows.iter().map(|row| row[index].as_str()));
            proptest::prop_assert_eq!(format!("{:?}", cells(&column.values)), format!("{:?}", cells(&expected)));
        }
    }

    /// Nothing that is read ends in a panic.
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let _ = table(bytes);
    }
}

fn cell() -> impl proptest::strategy::Strategy<Value = String> {
    proptest::prop_oneof!["[0-9]{1,3}", "-?[0-9]{1,20}", "[0-9]{0,3}\\.[0-9]{1,3}", "NA", "", "[a-c,\";\n\r é]{1,4}", "1e[0-9]"]
}

fn cells(values: &Values) -> Vec<String> {
    match values {
        Values::Numbers(cells) => cells.iter().map(|cell| format!("n{cell}")).collect(),
        Values::Integers(cells) => cells.iter().map(|cell| format!("i{cell}")).collect(),
        Values::Times(cells) => cells.iter().map(|cell| format!("t{cell}")).collect(),
        Values::Categories(cells) => cells.iter().map(|cell| format!("s{cell:?}")).collect(),
    }
}
