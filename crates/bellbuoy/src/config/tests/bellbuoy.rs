//! Mistakes in bellbuoy.yml beside its models.

use expect_test::{Expect, expect};

use super::check_files;

fn check(text: &str, expected: Expect) {
    check_files(&[("bellbuoy.yml", text)], expected);
}

#[test]
fn storage() {
    check("storage: {retention: 1s}\n", expect![[r#"bellbuoy.yml:1:11: "retention" must be at least 1m; the usual is 15d"#]]);
    check(
        "storage: {retention: 30d, notifications_retention: 7d, notifications_max: 500, retention_size: 10}\n",
        expect![[r#"bellbuoy.yml:1:96: "retention_size" is not a valid size: "10"; write for example 512KB, 10MB or 1GB"#]],
    );
    check("storage: {retention: 30d, retention_size: 10GB}\n", expect![""]);
    check("model: []\n", expect![[r#"bellbuoy.yml:1:1: unknown field "model" in bellbuoy.yml; did you mean "models"?"#]]);
}
