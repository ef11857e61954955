//! label_replace and label_join.

use bellbuoy_vocabulary::{AnchoredRegex, METRIC_NAME};

use crate::ast::Expr;
use crate::engine::{Evaluation, Result};
use crate::error::EvalError;
use crate::table::{Grid, Table, unify};

impl Evaluation<'_> {
    /// label_replace(v, dst, replacement, src, regex)
    pub(super) fn label_replace(&mut self, args: &[Expr], grid: Grid) -> Result<Table> {
        let mut table = self.table(&args[0], grid)?;
        let target = self.text(&args[1], grid)?;
        let replacement = self.text(&args[2], grid)?;
        let source = self.text(&args[3], grid)?;
        let pattern = self.text(&args[4], grid)?;
        let regex = AnchoredRegex::new(&pattern)
            .map_err(|error| EvalError::Execution(format!("invalid regular expression in label_replace(): {pattern}: {error}")))?;
        check_target(&target, "label_replace")?;
        for row in &mut table.rows {
            let Some(captures) = regex.regex().captures(row.labels.get(&source)) else {
                continue;
            };
            let mut value = String::new();
            captures.expand(&replacement, &mut value);
            row.labels = row.labels.builder().set(&target, &value).labels();
            row.drop_name &= target != METRIC_NAME;
        }
        table.rows = unify(table.rows)?;
        Ok(table)
    }

    /// label_join(v, dst, separator, src...)
    pub(super) fn label_join(&mut self, args: &[Expr], grid: Grid) -> Result<Table> {
        let mut table = self.table(&args[0], grid)?;
        let target = self.text(&args[1], grid)?;
        let separator = self.text(&args[2], grid)?;
        let sources = args[3..].iter().map(|arg| self.text(arg, grid)).collect::<Result<Vec<String>>>()?;
        check_target(&target, "label_join")?;
        for row in &mut table.rows {
            let parts: Vec<&str> = sources.iter().map(|source| row.labels.get(source)).collect();
            row.labels = row.labels.builder().set(&target, &parts.join(&separator)).labels();
            row.drop_name &= target != METRIC_NAME;
        }
        table.rows = unify(table.rows)?;
        Ok(table)
    }
}

fn check_target(target: &str, function: &str) -> Result<()> {
    if target.is_empty() {
        return Err(EvalError::Execution(format!("invalid destination label name in {function}(): {target}")));
    }
    Ok(())
}
