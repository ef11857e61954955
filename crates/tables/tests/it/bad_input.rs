//! Tables as they should not be, as CSV. What can be read is read, what cannot says file, line and column.

use std::fmt::Write as _;
use std::io::Cursor;

use bellbuoy_drift::Values;
use bellbuoy_tables::{ReadOptions, Table, TableError, read, silent};

fn table(text: impl AsRef<[u8]>) -> Result<Table, TableError> {
    read("t.csv", Cursor::new(text.as_ref().to_vec()), &ReadOptions::default(), &silent)
}

fn column(table: &Table, name: &str) -> Values {
    table.column(name).unwrap_or_else(|| panic!("no column {name}: {:?}", table.notes)).values.clone()
}

fn problem(text: impl AsRef<[u8]>, expected: &str) {
    assert_eq!(table(text).expect_err(expected).to_string(), expected);
}

#[test]
fn many_categories() {
    let mut text = String::from("id,n\n");
    (0..100_000).for_each(|row| _ = writeln!(text, "user-{row},{row}"));
    let table = table(text).expect("reads");
    let Values::Categories(ids) = column(&table, "id") else { panic!("texts") };
    assert_eq!((ids.len(), ids.dictionary().len(), ids.get(99_999)), (100_000, 100_000, Some("user-99999")));
}

#[test]
fn odd_numbers() {
    let table = table("a,b,c,d\nNaN,inf,1234567890,12345678901234567890\n-nan,-inf,-1234567890,1\n1.5,1e400,+7,2\nnull,Infinity, 8 ,3\n")
        .expect("reads");
    assert!(
        matches!(column(&table, "a"), Values::Numbers(cells) if cells[0].is_nan() && cells[1].is_nan() && cells[2] == 1.5 && cells[3].is_nan())
    );
    let infinity = f64::INFINITY;
    assert_eq!(column(&table, "b"), Values::Numbers(vec![infinity, -infinity, infinity, infinity]));
    assert_eq!(column(&table, "c"), Values::Integers(vec![1_234_567_890, -1_234_567_890, 7, 8]));
    assert_eq!(column(&table, "d"), Values::Numbers(vec![12_345_678_901_234_567_890.0, 1.0, 2.0, 3.0]));
}

#[test]
fn dates_stay_texts() {
    let forms = ["2024-05-01", "2024-05-01 10:00:00", "2024-05-01T10:00:00Z", "01.05.2024", "05/01/2024"];
    for form in forms {
        let table = table(format!("d,n\n{form},1\n{form},2\n")).expect("reads");
        assert_eq!(column(&table, "d"), Values::texts([form, form]));
    }
}

#[test]
fn numbers_and_texts_in_one_column() {
    let table = table("a,b\n1,x\n2,y\nbroken,z\n4,\n").expect("reads");
    assert_eq!(column(&table, "a"), Values::texts(["1", "2", "broken", "4"]));
    assert_eq!(table.notes, [r#"column "a" is taken for texts: "broken" on line 4 is no number"#]);
}

#[test]
fn constant_and_empty_columns() {
    let table = table("a,b,c\n1,,\n1,,\n").expect("reads");
    assert_eq!(column(&table, "a"), Values::Integers(vec![1, 1]));
    assert!(matches!(column(&table, "b"), Values::Numbers(cells) if cells.iter().all(|cell| cell.is_nan())));
}

#[test]
fn names_that_are_there_twice() {
    let table = table("x,x,x.1,x\n1,2,3,4\n").expect("reads");
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["x", "x.2", "x.1", "x.3"]);
    assert_eq!(table.notes.len(), 2);
}

#[test]
fn nothing_much() {
    problem("", "t.csv: the file is empty");
    problem("\n\r\n", "t.csv: the file has no header: it is empty");
    let header = table("a,b\n").expect("a header only");
    assert_eq!((header.rows, header.columns.len()), (0, 2));
    let one = table("a\n1\n2\n").expect("one column");
    assert_eq!(column(&one, "a"), Values::Integers(vec![1, 2]));
}

#[test]
fn wide() {
    let names: Vec<String> = (0..1000).map(|index| format!("c{index}")).collect();
    let cells: Vec<String> = (0..1000).map(|index| index.to_string()).collect();
    let table = table(format!("{}\n{}\n", names.join(","), cells.join(","))).expect("reads");
    assert_eq!((table.columns.len(), column(&table, "c999")), (1000, Values::Integers(vec![999])));
    let options = ReadOptions { limits: bellbuoy_tables::Limits { columns_max: 999, ..Default::default() }, ..ReadOptions::default() };
    let error = read("t.csv", Cursor::new(names.join(",").into_bytes()), &options, &silent).expect_err("too many");
    assert_eq!(error.to_string(), "t.csv:1: 1000 columns are more than the limit of 999");
}

/// The bound holds wherever the cell lies and however it comes in.
#[test]
fn long_cells() {
    let text = |length: usize, quote: &str| format!("a,b\n1,{quote}{}{quote}\n2,x\n", "y".repeat(length));
    for quote in ["", "\""] {
        assert_eq!(table(text(1 << 20, quote)).expect("the limit itself").rows, 2);
        let message = "t.csv:2: column \"b\": the cell has more than 1048576 bytes; is a closing quote missing?";
        problem(text((1 << 20) + 1, quote), message);
        problem(text(3 << 20, quote), message);
    }
}

#[test]
fn quotes_that_stay_open() {
    problem("a,b\n1,x\n2,\"y\n3,z\n", "t.csv:3: column \"b\": a quote opens here and is never closed");
    problem("a,\"b\n1,x\n", "t.csv:1: column \"number 2\": a quote opens here and is never closed");
    // The next quote closes it, so that text follows a closing quote.
    problem(
        "a,b\n1,\"x\n2,\"y\"\n",
        "t.csv:3: column \"b\": text after the closing quote; a quote inside of a text is written twice (\"\")",
    );
}

#[test]
fn line_ends() {
    let table = table("a,b\r1,\"x\ry\"\r2,z\r").expect("reads");
    assert_eq!((column(&table, "a"), column(&table, "b")), (Values::Integers(vec![1, 2]), Values::texts(["x\ry", "z"])));
    problem("a,b\r1,2\r\r3\r", "t.csv:4: 1 cell where the header has 2");
}

#[test]
fn bytes_of_zero() {
    problem("a,b\n1,2\n3,x\0y\n", "t.csv:3: column \"b\": a byte of zero; this is no text, or it was not written to its end");
    problem("a,b\n1,2\n\0\0\0\0", "t.csv:3: column \"a\": a byte of zero; this is no text, or it was not written to its end");
    problem("a\0,b\n1,2\n", "t.csv:1: column \"number 1\": a byte of zero; this is no text, or it was not written to its end");
}

#[test]
fn decimal_commas() {
    let check = |text: &str, expected: Values, notes: &[&str]| {
        let table = table(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!((column(&table, "x"), table.notes), (expected, notes.iter().map(|note| (*note).to_owned()).collect()), "{text:?}");
    };
    let said = &[r#"column "x" is taken for numbers with a decimal comma"#];
    let numbers = Values::Numbers(vec![1.5, -0.25]);
    check("x;y\n1,5;a\n-0,25;b\n", numbers.clone(), said);
    check("x\ty\n\"1,5\"\ta\n -0,25 \tb\n", numbers.clone(), said);
    check("x;y\n2;a\n0,5;b\n", Values::Numbers(vec![2.0, 0.5]), said);
    check("x;y\n1,5;a\n1,5,2;b\n", Values::texts(["1,5", "1,5,2"]), &[]);
    check("x;y\n1,5;a\nabc;b\n", Values::texts(["1,5", "abc"]), &[]);
    check("x;y\n,5;a\n5,;b\n", Values::texts([",5", "5,"]), &[]);
    // Between commas it is a text that somebody put in quotes.
    check("x,y\n\"1,5\",a\n\"0,25\",b\n", Values::texts(["1,5", "0,25"]), &[]);
    let gaps = table("x;y\n1,5;a\n;b\nNA;c\n").expect("reads");
    assert!(matches!(column(&gaps, "x"), Values::Numbers(cells) if cells[0] == 1.5 && cells[1].is_nan() && cells[2].is_nan()));
}
