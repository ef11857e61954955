//! Grafana's dashboards as far as checks ask: panels, their queries, variables. Classic, wrapped, V1 and V2.
//!
//! In:    a file's JSON. Out: `Dashboard` with the way to each value, so that a finding can name its line.
//! Never: draws or changes anything; a panel that is not understood has no queries.

mod fill;
mod read;

use bellbuoy_promql::Expr;

use crate::finding::{Anchor, Step};

pub(crate) use self::fill::stands_for_any;
pub use self::fill::{read_query, variables_in};
pub use self::read::read;

#[derive(Clone, Debug, Default)]
pub struct Dashboard {
    /// As the person named it.
    pub file: String,
    pub title: String,
    pub panels: Vec<Panel>,
    pub variables: Vec<Variable>,
    /// `uid` or name of data sources that the provisioning files make. `None`: nothing is known of them.
    pub datasources: Option<Vec<String>>,
    /// All texts in which a variable can stand, in one.
    pub texts: String,
}

#[derive(Clone, Debug, Default)]
pub struct Panel {
    pub title: String,
    /// `timeseries`, `stat`, `graph`, ...
    pub kind: String,
    /// Grafana's word: `s`, `ms`, `percent`, `percentunit`, `bytes`; empty is none.
    pub unit: String,
    pub path: Vec<Step>,
    pub queries: Vec<PanelQuery>,
    pub datasource: Option<DatasourceRef>,
    /// It takes its data from another panel, or needs none.
    pub needs_query: bool,
}

#[derive(Clone, Debug, Default)]
pub struct PanelQuery {
    pub text: String,
    /// `None`: it is not PromQL, or can not be read.
    pub expr: Option<Expr>,
    /// Why it can not be read; nothing is said of texts with variables.
    pub error: Option<String>,
    /// Macros and variables were filled in before it was read.
    pub filled_in: bool,
    pub legend: String,
    pub path: Vec<Step>,
    pub datasource: Option<DatasourceRef>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasourceRef {
    /// Its uid, or its name in old files.
    pub uid: String,
    /// `prometheus`; empty when it is not said.
    pub kind: String,
    pub path: Vec<Step>,
}

#[derive(Clone, Debug, Default)]
pub struct Variable {
    pub name: String,
    /// `query`, `custom`, `interval`, `datasource`, ...
    pub kind: String,
    pub query: String,
    pub path: Vec<Step>,
    /// The way to the query's text.
    pub query_path: Vec<Step>,
}

impl Dashboard {
    pub fn query_at(&self, at: &Anchor) -> Option<&PanelQuery> {
        self.panels.iter().flat_map(|panel| &panel.queries).find(|query| query.path == at.path)
    }
}

#[cfg(test)]
mod tests;
