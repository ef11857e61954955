//! Pages: well formed, harmless whatever the names are, small, worst first, and honest about what is not known.

use std::collections::HashSet;

use bellbuoy_drift::{Column, Expectations, Facts, Options, Preset, TableProfile, Values, drift_report, quality_report};
use bellbuoy_models::{ClassDetails, Evaluation, EvaluationOptions, Figure, Labelled, Pairs, Source, Unknown};
use bellbuoy_vocabulary::Timestamp;

use crate::{Division, DriftPart, Line, ModelReport, PerformancePart, Point, Side};
use bellbuoy_models::{Interval, Metric};

/// Names that somebody may choose to do harm or has by bad luck.
fn hostile() -> Vec<String> {
    let mut names: Vec<String> = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "</style><style>*{display:none}",
        "-->]]>&amp;&lt;",
        "שם עמודה",
        "a\u{202e}gnp.exe",
        "tab\tline\nbreak\0null\u{1b}[31m",
        "naïve 日本語 🚲",
        "",
        "#f1",
    ]
    .map(str::to_owned)
    .to_vec();
    names.push("x".repeat(10_000));
    names
}

fn drift(reference: &[Column], current: &[Column]) -> ModelReport {
    let options = Options { preset: Preset::Default, ..Options::default() };
    let (r, report) = (TableProfile::new(reference, &options), drift_report(reference, current, &options));
    let c = r.alike(current);
    let side = |name: &str, rows| Side { name: name.into(), rows };
    ModelReport {
        title: "<b>bikes</b>".into(),
        at: Some(Timestamp(1_700_000_000_000)),
        drift: Some(DriftPart::new(&report, &options, (side("<r>", r.rows), &r), (side("c&c", c.rows), &c))),
        quality: Some(quality_report(&r, &c, Facts::default(), &Expectations::default())),
        ..ModelReport::default()
    }
}

fn wide(columns: usize, rows: i64, shift: f64) -> Vec<Column> {
    let hostile = hostile();
    let name = |at: usize| hostile.get(at).cloned().unwrap_or_else(|| format!("column {at}"));
    let unit = |at: i64| (at * 2_654_435_761 % 1_000_003) as f64 / 1_000_003.0;
    let values = |at: usize| match at % 3 {
        0 => Values::Numbers((0..rows).map(|row| unit(row + at as i64) + shift).collect()),
        1 => Values::texts(
            (0..rows).map(|row| hostile[((row * row + at as i64) % 11) as usize].clone()).collect::<Vec<_>>().iter().map(String::as_str),
        ),
        _ => Values::Integers((0..rows).map(|row| (unit(row) * 1e10) as i64 + (shift * 1e9) as i64).collect()),
    };
    (0..columns).map(|at| Column::new(name(at), values(at))).collect()
}

fn performance() -> Vec<PerformancePart> {
    let options = EvaluationOptions { rows_min: 10, ..EvaluationOptions::default() };
    let pairs = Pairs::new((0..400).map(|row| (f64::from(row % 37), f64::from(row % 41))));
    let evaluation = Evaluation::of(&pairs, &options);
    let mut part = PerformancePart::of("<champion>", &evaluation);
    let point = |at: i64, value: Result<f64, Unknown>, source: Source| Point {
        from: Timestamp((at - 1) * 86_400_000),
        to: Timestamp(at * 86_400_000),
        figure: Figure {
            metric: Metric::R2,
            interval: value.clone().map(|value| Interval { low: value - 0.1, high: value + 0.1, level: 0.95 }),
            value,
            rows: 24,
            source,
        },
        amended: at == 19_003,
    };
    let mut points: Vec<Point> = (19_000..19_020).map(|at| point(at, Ok(0.8 - (at - 19_000) as f64 * 0.02), Source::Realised)).collect();
    points.push(point(19_020, Err(Unknown::NoRows), Source::Realised));
    points.push(point(19_021, Ok(0.45), Source::EstimatedByLoss));
    points.push(point(19_022, Ok(0.44), Source::EstimatedByLoss));
    part.lines.push(Line { metric: Metric::R2, points });
    part.errors = vec![-3.0, -1.0, 0.0, 0.5, 4.0];
    let names: Vec<&str> = (0..400).map(|row| ["<i>", "", "b"][row % 3]).collect();
    let segments = Evaluation::by_segment(&pairs, &names, &EvaluationOptions { resampling: None, ..options.clone() });
    part.divisions.push(Division { by: "<by>".into(), segments: segments.segments, rows_beyond: 3 });
    let mut labelled = Labelled::new(&["<no>", "yes"], Some("yes"));
    for row in 0..200 {
        labelled.push(if row % 3 == 0 { "yes" } else { "<no>" }, None, &[f64::from(row % 10) / 10.0]).expect("a row");
    }
    let mut classes = PerformancePart::of("classes", &Evaluation::of(&labelled, &options));
    classes.classes = Some(ClassDetails::of(&labelled));
    vec![part, classes]
}

fn everything() -> ModelReport {
    let mut report = drift(&wide(100, 300, 0.0), &wide(99, 300, 0.3));
    report.performance = performance();
    let mark = |day: i64, what: &str| crate::Mark { at: Timestamp(day * 86_400_000), what: what.into(), text: "<why> & how".into() };
    report.marks = vec![mark(19_004, "deployed"), mark(19_010, "<retrain>"), mark(1, "before")];
    report.notes = vec!["a <note>".into()];
    report
}

/// The elements that have no end.
const VOID: [&str; 4] = ["meta", "link", "br", "rect"];

/// Every element ends where it should, ids are there once and are found, attributes are quoted; what a parser would say otherwise.
fn check_markup(page: &str) {
    let body = page.strip_prefix("<!DOCTYPE html>\n").expect("a doctype");
    let (before, after) = body.split_once("<style>").expect("one style element");
    let after = after.split_once("</style>").expect("one style element").1;
    let (mut open, mut ids, mut wanted) = (Vec::new(), HashSet::new(), Vec::new());
    for (at, part) in format!("{before}{after}").split('<').enumerate().skip(1) {
        let (tag, text) = part.split_once('>').unwrap_or_else(|| panic!("part {at} has no end: {part:?}"));
        assert!(!text.contains(['"', '>']) || !text.contains('>'), "a loose > in {text:?}");
        if let Some(end) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(end), "at {part:?}");
            continue;
        }
        let closed = tag.ends_with('/');
        let name = tag.split([' ', '/']).next().unwrap_or_default().to_owned();
        let attributes = tag[name.len()..].trim_end_matches('/').trim();
        for attribute in attributes.split("\" ").filter(|attribute| !attribute.is_empty()) {
            let (key, value) = attribute.split_once("=\"").unwrap_or_else(|| panic!("not quoted: {attribute:?} in {tag:?}"));
            let value = value.trim_end_matches('"');
            assert!(!key.starts_with("on") && key != "style" && key != "src", "{tag:?}");
            match key {
                "id" => assert!(ids.insert(value.to_owned()), "the id {value:?} is there twice"),
                "aria-labelledby" => wanted.extend(value.split(' ').map(str::to_owned)),
                "href" => {
                    assert!(value.starts_with('#') || value == "data:,", "a link to elsewhere: {value:?}");
                    wanted.extend(value.strip_prefix('#').map(str::to_owned));
                }
                _ => {}
            }
        }
        if !closed && !VOID.contains(&name.as_str()) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "still open: {open:?}");
    for id in wanted {
        assert!(ids.contains(&id), "nothing has the id {id:?}");
    }
}

#[test]
fn a_page_of_everything_is_well_formed_and_harmless() {
    let page = everything().html();
    check_markup(&page);
    for bad in
        ["<script", "javascript:", "http://", "https://", "url(", "@import", "<img", "<iframe", " style=", "\u{202e}", "\0", "\u{1b}"]
    {
        assert!(!page.contains(bad), "{bad:?} is in the page");
    }
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && page.contains("שם עמודה") && page.contains("日本語"));
    assert!(!page.contains(&"x".repeat(500)), "very long names are cut");
}

#[test]
fn a_hundred_columns_can_be_mailed() {
    let page = everything().html();
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    assert_eq!(page.matches("<article").count(), 100);
    // A thousand columns are still a page, with pictures of the worst.
    let many = drift(&wide(1000, 60, 0.0), &wide(1000, 60, 0.3)).html();
    assert!(many.len() < 4_000_000, "{} bytes", many.len());
    assert_eq!(many.matches("<article").count(), super::drift::CARDS_MAX);
}

#[test]
fn pictures_speak_and_tables_have_heads() {
    let page = everything().html();
    let pictures = page.matches("<svg").count();
    assert_eq!(
        pictures,
        page.matches("role=\"img\"").count() + page.matches("aria-hidden=\"true\"><rect").count(),
        "a picture without words"
    );
    assert_eq!(page.matches("role=\"img\"").count(), page.matches("<desc").count());
    assert_eq!(page.matches("<table>").count(), page.matches("<caption>").count());
    assert!(page.contains("<th scope=\"col\"") && page.contains("<th scope=\"row\">"));
    assert!(page.contains("lang=\"en\"") && page.contains("<main id=\"main\">"));
}

#[test]
fn the_worst_column_comes_first() {
    let unit = |at: i64| (at * 2_654_435_761 % 1_000_003) as f64 / 1_000_003.0;
    let table = |shifts: [f64; 3]| -> Vec<Column> {
        let columns = ["little", "same", "much"].into_iter().zip(shifts);
        columns.map(|(name, shift)| Column::new(name, Values::Numbers((0..900).map(|row| unit(row) + shift).collect()))).collect()
    };
    let mut reference = table([0.0; 3]);
    reference.push(Column::new("gone", Values::Integers(vec![1; 900])));
    reference.push(Column::new("id", Values::Integers((0..900).collect())));
    let report = drift(&reference, &table([0.15, 0.0, 0.6]));
    let part = report.drift.as_ref().expect("drift");
    let names: Vec<(&str, &str)> = part.features.iter().map(|feature| (feature.row.name.as_str(), feature.verdict().word())).collect();
    expect_test::expect![[
        r#"[("much", "drifted"), ("little", "drifted"), ("gone", "cannot judge"), ("id", "cannot judge"), ("same", "same")]"#
    ]]
    .assert_eq(&format!("{names:?}"));
    let page = report.html();
    let place = |name: &str| page.find(&format!("<bdi>{name}</bdi></h3>")).expect("a card");
    assert!(place("much") < place("little") && place("little") < place("gone") && place("gone") < place("same"));
}

#[test]
fn nothing_known_is_a_page_that_says_so() {
    let empty = ModelReport { title: "nothing".into(), ..ModelReport::default() }.html();
    check_markup(&empty);
    let column = |values: Values| vec![Column::new("x", values)];
    let report = drift(&column(Values::Numbers(vec![f64::NAN; 30])), &column(Values::Numbers(vec![1.0; 30])));
    let page = report.html();
    check_markup(&page);
    assert!(page.contains("Drift unknown") && page.contains("No column could be judged") && page.contains("the reference column is empty"));
    // An unknown figure has a reason where its number would be.
    let evaluation = Evaluation::of(&Pairs::new([]), &EvaluationOptions::default());
    let page = ModelReport { performance: vec![PerformancePart::of("m", &evaluation)], ..ModelReport::default() }.html();
    check_markup(&page);
    assert!(page.contains("unknown: there are no rows") && !page.contains("NaN"));
}

#[test]
fn lines_show_what_was_seen_guessed_and_missing() {
    let report = ModelReport { performance: performance(), marks: everything().marks, ..ModelReport::default() };
    let page = report.html();
    for (class, count) in [("dot hollow", 2), ("class=\"gap\"", 1), ("class=\"mark\"", 2), ("curline guess", 1)] {
        assert_eq!(page.matches(class).count(), count, "{class}");
    }
    assert!(page.contains("amended by late true values") && page.contains("estimated (DLE)"));
    assert!(page.contains("<bdi>&lt;champion&gt; R²</bdi></b> <span>0.8 → 0.42, worse"), "what changed");
}
