use super::*;
#[test]
fn defaults_can_be_read() {
    assert_eq!(default_templates().problems(), []);
}
