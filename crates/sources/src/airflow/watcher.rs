//! A poll of an Airflow server, call by call.
//!
//! In:    `begin`, then for each `next` call its `answer`. Out: calls; after the last one `families` and `kept` are of one moment.
//! Never: knows addresses, waits, or sends anything.
//! Order: which API it is, a token, health, import errors, pools, what is running, some DAGs and how many runs they have; then pages of runs and of attempts, earlier tries, XComs and history by
//!        turns, so that none of them starves while another one catches up.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bellbuoy_vocabulary::{Millis, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ledger::Ledger;
use super::listing::{Listing, PAGE_ROWS};
use super::memory::{self, Memory, name_of};
use super::settings::AirflowSettings;
use super::wire::{self, Api, Attempt, Part, Pool, Running};
use super::xcom::{XcomRead, Xcoms};
use crate::call::{self, Answer, Call, Credentials, encoded};

/// Pages of DAGs in one poll: a round over 1,000 DAGs takes five polls.
const DAG_PAGES_PER_POLL: usize = 2;
const HISTORY_PAGES_PER_POLL: usize = 5;
/// 10,000 runs are enough to find the last run of most DAGs.
const HISTORY_PAGES_MAX: usize = 100;
/// Task instances whose earlier tries are to be looked up; above it the oldest are dropped and counted.
const TRIES_MAX: usize = 2_000;
/// The row of a task instance and its history tell the end of one try by two clocks.
const SAME_TRY: Millis = Millis::from_seconds(10);
const PROBLEMS_MAX: usize = 20;
/// Version 1 wants the DAGs of `dagStats` in the query, and its server takes some 4 kB of it.
const STATS_QUERY_BYTES_MAX: usize = 3_000;
/// Looked up by name up to here; a task with more tries is looked up in any case.
const TRY_NUMBERS_MAX: u64 = 50;

pub struct Airflow {
    pub(super) settings: AirflowSettings,
    api: Option<Api>,
    token: Option<Secret>,
    pub(super) known: Option<Known>,
    pub(super) facts: Facts,
    poll: Option<Poll>,
    problems: Vec<String>,
    /// How many calls, by endpoint and what came of it.
    pub(super) requests: BTreeMap<(&'static str, String), u64>,
}

/// What a restart must know. Counters and the memory of what was counted are written together.
pub(super) struct Known {
    /// Of tasks: a try of its history that ended before is history, although `overlap` reaches further back.
    contact_ms: i64,
    runs: Listing,
    tasks: Option<Listing>,
    run_memory: Memory,
    task_memory: Memory,
    pub ledger: Ledger,
    pub xcoms: Xcoms,
    tries: VecDeque<Instance>,
    /// Attempts that could not be looked up.
    pub attempts_missed: u64,
    /// `None` when it is read.
    history: Option<History>,
}

#[derive(Serialize, Deserialize)]
struct KnownKept {
    #[serde(default)]
    contact_ms: i64,
    runs: Listing,
    tasks: Option<Listing>,
    run_memory: memory::Kept,
    task_memory: memory::Kept,
    ledger: Ledger,
    xcoms: Xcoms,
    tries: VecDeque<Instance>,
    attempts_missed: u64,
    history: Option<History>,
}

/// Runs of before the first contact are read backwards, once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct History {
    until_ms: i64,
    /// Among rows of one moment.
    offset: usize,
    pages: usize,
}

/// A task instance that was tried more than once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Instance {
    dag: String,
    run: String,
    task: String,
    map_index: i64,
}

/// What the last poll saw; nothing of it outlives a poll that fails.
#[derive(Default)]
pub(super) struct Facts {
    pub version: Option<String>,
    pub parts: Vec<Part>,
    pub pools: Vec<Pool>,
    pub import_errors: Option<usize>,
    /// Runs that go on, those that began first, and how many there are in all.
    pub running: Option<(Vec<Running>, usize)>,
    /// Runs that are in the database, by DAG and state.
    pub stats: Vec<(String, String, f64)>,
    /// Whether it is paused, by DAG; of the last whole round over the list.
    pub dags: Option<BTreeMap<String, bool>>,
    dag_round: BTreeMap<String, bool>,
    dag_offset: usize,
    /// `None` before the first poll.
    pub up: Option<bool>,
    pub last_good: Option<Timestamp>,
    pub last_seconds: f64,
}

struct Poll {
    began: Timestamp,
    calls: u64,
    first: VecDeque<Step>,
    current: Option<Step>,
    turn: usize,
    runs_done: bool,
    tasks_done: bool,
    dag_pages: usize,
    history_pages: usize,
    token_renewed: bool,
    /// By the last answer's `Date`.
    server_now: Option<Timestamp>,
    lists_begun: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Version(Api),
    Token,
    Health,
    Imports,
    Pools,
    Running,
    Dags,
    Stats,
    Runs,
    Tasks,
    Tries(Instance),
    Xcom(XcomRead),
    History,
}

impl Airflow {
    /// `kept`: what `kept` gave before the restart. What can not be read of it is said, and history begins anew.
    pub fn new(settings: AirflowSettings, kept: Option<Value>) -> (Airflow, Option<String>) {
        let read = kept
            .map(|kept| serde_json::from_value::<KnownKept>(kept).map_err(|error| format!("what was kept of it can not be read: {error}")));
        let (known, problem) = match read {
            Some(Ok(kept)) => (Some(Known::restore(kept)), None),
            Some(Err(problem)) => (None, Some(problem)),
            None => (None, None),
        };
        let airflow = Airflow {
            settings,
            api: None,
            token: None,
            known,
            facts: Facts::default(),
            poll: None,
            problems: Vec::new(),
            requests: BTreeMap::new(),
        };
        (airflow, problem)
    }

    pub fn begin(&mut self, now: Timestamp) {
        let first = match self.api {
            None => vec![Step::Version(Api::V2), Step::Health, Step::Imports, Step::Pools, Step::Running, Step::Dags],
            Some(_) => vec![Step::Health, Step::Imports, Step::Pools, Step::Running, Step::Dags],
        };
        self.problems.clear();
        self.poll = Some(Poll {
            began: now,
            calls: 0,
            first: first.into(),
            current: None,
            turn: 0,
            runs_done: false,
            tasks_done: !self.settings.tasks,
            dag_pages: 0,
            history_pages: 0,
            token_renewed: false,
            server_now: None,
            lists_begun: false,
        });
    }

    /// The next call; `None` when the poll is over: all was read, a bound was met, or it failed.
    pub fn next(&mut self, now: Timestamp) -> Option<Call> {
        if self.poll.as_ref()?.first.is_empty() && !self.poll.as_ref()?.lists_begun {
            self.contact(now);
        }
        let poll = self.poll.as_mut()?;
        let over = poll.calls >= self.settings.calls_max || now - poll.began >= self.settings.time_max;
        // What was already learned must be counted first: the pages of runs and tasks go on where they are.
        let step = if over { None } else { poll.first.pop_front().or_else(|| turn(poll, self.known.as_ref())) };
        let Some(step) = step else {
            if over && self.facts.version.is_none() {
                self.fail("the time or number of calls of a poll is too small to reach it".into(), now);
                return None;
            }
            self.end(true, now);
            return None;
        };
        let api = self.api.unwrap_or(Api::V2);
        let needs_token = !matches!(step, Step::Version(_) | Step::Token | Step::Health) && api == Api::V2 && self.settings.login.is_some();
        let step = if needs_token && self.token.is_none() {
            poll.first.push_front(step);
            Step::Token
        } else {
            step
        };
        poll.calls += 1;
        poll.current = Some(step.clone());
        self.call(step, api, now)
    }

    /// What the last call of `next` was answered with, or why there is no answer.
    pub fn answer(&mut self, answer: Result<Answer, String>, now: Timestamp) {
        let Some(step) = self.poll.as_mut().and_then(|poll| poll.current.take()) else { return };
        let endpoint = endpoint_of(&step);
        let code = answer.as_ref().map_or_else(|_| "none".to_string(), |answer| answer.status.to_string());
        *self.requests.entry((endpoint, code)).or_default() += 1;
        let answer = match answer {
            Err(reason) => return self.fail(format!("{endpoint}: {reason}"), now),
            Ok(answer) if answer.cut => return self.fail(format!("{endpoint}: the answer is too long"), now),
            Ok(answer) => answer,
        };
        if let (Some(poll), Some(time)) = (&mut self.poll, answer.server_time) {
            poll.server_now = Some(time);
        }
        if let Step::Version(api) = step {
            return self.version(api, &answer, now);
        }
        match answer.status {
            200 | 201 => self.take(step, &answer, now),
            status => self.refused(step, status, &answer, now),
        }
    }

    /// What went wrong in this poll, in words.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    pub fn is_up(&self) -> bool {
        self.facts.up == Some(true)
    }

    /// What a restart must know; nothing before the first contact.
    pub fn kept(&self) -> Option<Value> {
        self.known.as_ref().map(|known| json!(known.keep()))
    }

    fn call(&self, step: Step, api: Api, now: Timestamp) -> Option<Call> {
        let root = if api == Api::V1 { "/api/v1" } else { "/api/v2" };
        let known = self.known.as_ref();
        let path = match &step {
            Step::Version(api) => format!("/api/{}/version", if *api == Api::V1 { "v1" } else { "v2" }),
            Step::Token => "/auth/token".into(),
            Step::Health if api == Api::V1 => format!("{root}/health"),
            Step::Health => format!("{root}/monitor/health"),
            Step::Imports => format!("{root}/importErrors?limit=1"),
            Step::Pools => format!("{root}/pools?limit={PAGE_ROWS}"),
            Step::Running => format!("{root}/dags/~/dagRuns?limit={PAGE_ROWS}&state=running&order_by=start_date"),
            Step::Stats if api == Api::V1 => format!("{root}/dagStats?dag_ids={}", self.stats_query()?),
            Step::Stats => format!("{root}/dagStats"),
            Step::Dags => {
                let active = if api == Api::V1 { "&only_active=true" } else { "" };
                format!("{root}/dags?limit={PAGE_ROWS}&offset={}&order_by=dag_id{active}", self.facts.dag_offset)
            }
            Step::Runs => format!("{root}/dags/~/dagRuns?{}&order_by=end_date", known?.runs.query()),
            // Version 1 has no `order_by` here, and refuses what it does not know.
            Step::Tasks => {
                let order = if api == Api::V1 { "" } else { "&order_by=end_date" };
                format!("{root}/dags/~/dagRuns/~/taskInstances?{}{order}", known?.tasks.as_ref()?.query())
            }
            Step::Tries(one) => {
                let mapped = if one.map_index < 0 { String::new() } else { format!("/{}", one.map_index) };
                format!("{root}{}{mapped}/tries", instance_path(&one.dag, &one.run, &one.task))
            }
            Step::Xcom(read) => {
                let index = read.map_index.map(|index| format!("?map_index={index}")).unwrap_or_default();
                format!("{root}{}/xcomEntries/{}{index}", instance_path(&read.dag, &read.run, &read.task), encoded(&read.key))
            }
            Step::History => {
                let history = known?.history.as_ref()?;
                let until = Timestamp(history.until_ms).rfc3339();
                let from = now.saturating_sub(self.settings.look_back).rfc3339();
                let offset = history.offset;
                format!(
                    "{root}/dags/~/dagRuns?limit={PAGE_ROWS}&offset={offset}&end_date_gte={from}&end_date_lte={until}&order_by=-end_date"
                )
            }
        };
        let credentials = match (&step, &self.token) {
            (Step::Version(_) | Step::Token | Step::Health, _) => Credentials::None,
            (_, Some(token)) if api == Api::V2 => Credentials::Bearer(token.clone()),
            _ => Credentials::Configured,
        };
        let body = self.settings.login.as_ref().filter(|_| step == Step::Token);
        let body = body.map(|(user, password)| Secret::new(json!({"username": user, "password": password.expose()}).to_string()));
        let method = if step == Step::Token { "POST" } else { "GET" };
        Some(Call { endpoint: endpoint_of(&step), method, path, body, credentials })
    }

    /// The DAGs for `dagStats` of version 1, when there are not too many.
    fn stats_query(&self) -> Option<String> {
        let names: Vec<String> = self.facts.dags.iter().flatten().map(|(dag, _)| encoded(dag)).collect();
        let query = names.join(",");
        (!query.is_empty() && query.len() <= STATS_QUERY_BYTES_MAX).then_some(query)
    }

    fn version(&mut self, api: Api, answer: &Answer, now: Timestamp) {
        match (answer.status, wire::version(&answer.body)) {
            (200, Ok(version)) => {
                self.api = Some(api);
                self.facts.version = Some(version);
            }
            (404, _) if api == Api::V2 => {
                if let Some(poll) = &mut self.poll {
                    poll.first.push_front(Step::Version(Api::V1));
                }
            }
            (200, Err(reason)) => self.fail(format!("version: {reason}"), now),
            (404, _) => {
                self.fail("neither /api/v2/version nor /api/v1/version is there; is the address right, with its base path?".into(), now)
            }
            (status, _) => self.fail(format!("version: HTTP status {status}"), now),
        }
    }

    fn refused(&mut self, step: Step, status: u16, answer: &Answer, now: Timestamp) {
        let endpoint = endpoint_of(&step);
        let detail = wire::detail(&answer.body);
        let said = if detail.is_empty() { format!("HTTP status {status}") } else { format!("HTTP status {status}: {detail}") };
        let stale = status == 401 || (status == 403 && detail == "Invalid JWT token");
        if step == Step::Token {
            return self.fail(format!("user or password is refused: {said}"), now);
        }
        if let Some(poll) = self.poll.as_mut().filter(|poll| stale && self.token.is_some() && !poll.token_renewed) {
            poll.token_renewed = true;
            poll.first.push_front(step);
            self.token = None;
            return;
        }
        match step {
            // A missing XCom is normal: the branch was not taken.
            Step::Xcom(_) if status == 404 => {
                if let Some(known) = &mut self.known {
                    known.xcoms.missing += 1;
                    known.xcoms.reads.pop_front();
                }
            }
            // 500: a value of a class that the server can not read.
            Step::Xcom(_) if matches!(status, 400 | 403 | 422 | 500) => {
                if let Some(known) = &mut self.known {
                    known.xcoms.unusable += 1;
                    known.xcoms.reads.pop_front();
                }
                self.problem(format!("{endpoint}: {said}"));
            }
            Step::Tries(_) if matches!(status, 400 | 403 | 404 | 422 | 500) => {
                if let Some(known) = &mut self.known {
                    known.attempts_missed += 1;
                    known.tries.pop_front();
                }
            }
            Step::Stats => self.facts.stats.clear(),
            Step::Imports | Step::Pools | Step::Running | Step::Dags if status < 500 => {
                match step {
                    Step::Imports => self.facts.import_errors = None,
                    Step::Pools => self.facts.pools.clear(),
                    Step::Running => self.facts.running = None,
                    _ => self.facts.dags = None,
                }
                self.problem(format!("{endpoint}: {said}"));
            }
            Step::Tasks | Step::History if status < 500 && status != 401 => {
                if let Some(poll) = &mut self.poll {
                    match step {
                        Step::Tasks => poll.tasks_done = true,
                        _ => poll.history_pages = HISTORY_PAGES_PER_POLL,
                    }
                }
                self.problem(format!("{endpoint}: {said}"));
            }
            _ => {
                // An update of the server may have changed the API.
                if status == 404 {
                    self.api = None;
                }
                self.fail(format!("{endpoint}: {said}"), now);
            }
        }
    }

    fn take(&mut self, step: Step, answer: &Answer, now: Timestamp) {
        let body = &answer.body;
        let endpoint = endpoint_of(&step);
        // Nothing that is counted depends on these.
        let aside = matches!(step, Step::Imports | Step::Pools | Step::Running | Step::Stats);
        let taken = match step {
            Step::Version(_) => Ok(()),
            Step::Token => wire::token(body).map(|token| self.token = Some(Secret::new(token))),
            Step::Health => wire::health(body).map(|parts| self.facts.parts = parts),
            Step::Imports => wire::total(body).map(|total| self.facts.import_errors = Some(total)),
            Step::Pools => wire::pools(body).map(|page| self.facts.pools = page.rows),
            Step::Running => wire::running(body).map(|mut page| {
                page.rows.retain(|run| self.settings.counts(&run.dag));
                // Of all DAGs the server knows the number; of some only those of the page are known.
                let count = if self.settings.dags.is_empty() { page.total } else { page.rows.len() };
                self.facts.running = Some((page.rows, count));
            }),
            Step::Stats => wire::stats(body).map(|mut stats| {
                stats.retain(|(dag, ..)| self.settings.counts(dag));
                self.facts.stats = stats;
            }),
            Step::Dags => self.dags(body, now),
            Step::Runs => self.runs(body),
            Step::Tasks => self.tasks(body),
            Step::Tries(one) => self.tries(&one, body),
            Step::Xcom(read) => self.xcom(&read, body),
            Step::History => self.history(body),
        };
        match taken {
            Ok(()) => {}
            Err(reason) if aside && !reason.contains("HTML") => self.problem(format!("{endpoint}: {reason}")),
            Err(reason) => self.fail(format!("{endpoint}: {reason}"), now),
        }
    }

    fn dags(&mut self, body: &[u8], now: Timestamp) -> Result<(), String> {
        let page = wire::dags(body)?;
        let facts = &mut self.facts;
        let wanted = page.rows.into_iter().filter(|dag| dag.is_active != Some(false) && self.settings.counts(&dag.dag_id));
        facts.dag_round.extend(wanted.map(|dag| (dag.dag_id, dag.is_paused)));
        facts.dag_offset += page.came;
        let done = page.came == 0 || facts.dag_offset >= page.total;
        if done {
            let round = std::mem::take(&mut facts.dag_round);
            facts.dag_offset = 0;
            let before = now.saturating_sub(self.settings.look_back);
            if let Some(known) = &mut self.known {
                let there: BTreeSet<String> = round.keys().cloned().collect();
                known.ledger.forget_gone(&there, before);
            }
            facts.dags = Some(round);
        }
        let stats = done && (self.api == Some(Api::V2) || self.stats_query().is_some());
        if let Some(poll) = &mut self.poll {
            poll.dag_pages += 1;
            if !done && poll.dag_pages < DAG_PAGES_PER_POLL {
                poll.first.push_front(Step::Dags);
            }
            if stats {
                poll.first.push_back(Step::Stats);
            }
        }
        Ok(())
    }

    /// Passes over the lists begin. At the first contact, what ended before is history.
    fn contact(&mut self, now: Timestamp) {
        let Some(poll) = &mut self.poll else { return };
        poll.lists_begun = true;
        let server_now = poll.server_now.unwrap_or(now);
        let from = server_now.saturating_sub(self.settings.overlap);
        let known = self.known.get_or_insert_with(|| Known {
            contact_ms: server_now.0,
            runs: Listing::new(from),
            tasks: None,
            run_memory: Memory::new(from),
            task_memory: Memory::new(from),
            ledger: Ledger::default(),
            xcoms: Xcoms::default(),
            tries: VecDeque::new(),
            attempts_missed: 0,
            history: Some(History { until_ms: server_now.0, offset: 0, pages: 0 }),
        });
        // Tasks may be asked for later than runs.
        if self.settings.tasks && known.tasks.is_none() {
            known.tasks = Some(Listing::new(from));
            known.task_memory = Memory::new(from);
            known.contact_ms = server_now.0;
        }
        let oldest = server_now.saturating_sub(self.settings.look_back);
        for (listing, memory) in [(Some(&mut known.runs), &mut known.run_memory), (known.tasks.as_mut(), &mut known.task_memory)] {
            let Some(listing) = listing else { continue };
            if listing.from() < oldest {
                listing.forget_before(oldest);
                memory.forget_before(oldest);
            }
            listing.begin(server_now);
        }
    }

    fn runs(&mut self, body: &[u8]) -> Result<(), String> {
        let page = wire::runs(body)?;
        page.problems.into_iter().for_each(|problem| self.problem(problem));
        let (Some(known), Some(poll)) = (&mut self.known, &mut self.poll) else { return Ok(()) };
        for run in page.rows.iter().filter(|run| self.settings.counts(&run.dag)) {
            if known.run_memory.enter(name_of(&[&run.dag, &run.id]), run.end, Millis::ZERO) {
                let news = known.runs.is_news(run.end);
                known.ledger.note(run);
                if news {
                    known.ledger.count_run(run);
                }
                known.xcoms.ended(run, &self.settings.xcoms, news);
            }
        }
        poll.runs_done = known.runs.page(page.came, page.total, page.last_end, true, self.settings.overlap);
        Ok(())
    }

    fn tasks(&mut self, body: &[u8]) -> Result<(), String> {
        let page = wire::attempts(body)?;
        page.problems.into_iter().for_each(|problem| self.problem(problem));
        let (Some(known), Some(poll)) = (&mut self.known, &mut self.poll) else { return Ok(()) };
        let Some(listing) = &mut known.tasks else { return Ok(()) };
        let before = listing.clone();
        let sorted = self.api == Some(Api::V2);
        poll.tasks_done = listing.page(page.came, page.total, page.last_end, sorted, self.settings.overlap);
        for attempt in page.rows.iter().filter(|attempt| self.settings.counts(&attempt.dag)) {
            known.attempt(attempt, before.is_news(attempt.end));
        }
        Ok(())
    }

    fn tries(&mut self, one: &Instance, body: &[u8]) -> Result<(), String> {
        let page = wire::attempts(body)?;
        page.problems.into_iter().for_each(|problem| self.problem(problem));
        let Some(known) = &mut self.known else { return Ok(()) };
        known.tries.retain(|waiting| waiting != one);
        for attempt in &page.rows {
            known.enter_attempt(attempt, attempt.end.0 > known.contact_ms);
        }
        Ok(())
    }

    fn xcom(&mut self, read: &XcomRead, body: &[u8]) -> Result<(), String> {
        let value = call::json(body)?;
        let Some(known) = &mut self.known else { return Ok(()) };
        known.xcoms.reads.pop_front();
        let problems = known.xcoms.value(read, &value["value"], &self.settings.xcoms);
        problems.into_iter().for_each(|problem| self.problem(problem));
        Ok(())
    }

    /// Runs of before the first contact, latest first: for gauges only.
    fn history(&mut self, body: &[u8]) -> Result<(), String> {
        let page = wire::runs(body)?;
        let (Some(known), Some(poll)) = (&mut self.known, &mut self.poll) else { return Ok(()) };
        let Some(history) = &mut known.history else { return Ok(()) };
        for run in page.rows.iter().filter(|run| self.settings.counts(&run.dag)) {
            known.ledger.note(run);
            known.xcoms.ended(run, &self.settings.xcoms, false);
        }
        poll.history_pages += 1;
        history.pages += 1;
        let more = page.came > 0 && history.offset + page.came < page.total && history.pages < HISTORY_PAGES_MAX;
        // The next page begins at the last row's end; the rows of that moment come again, which harms nothing.
        match page.rows.iter().map(|run| run.end.0).min().filter(|oldest| *oldest < history.until_ms) {
            Some(oldest) => (history.until_ms, history.offset) = (oldest, 0),
            None => history.offset += page.came,
        }
        if !more {
            known.history = None;
        }
        Ok(())
    }

    fn problem(&mut self, problem: String) {
        if self.problems.len() < PROBLEMS_MAX && !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    fn fail(&mut self, problem: String, now: Timestamp) {
        self.problem(problem);
        self.end(false, now);
    }

    fn end(&mut self, good: bool, now: Timestamp) {
        let Some(poll) = self.poll.take() else { return };
        self.facts.up = Some(good);
        self.facts.last_seconds = (now - poll.began).seconds().max(0.0);
        if good {
            self.facts.last_good = Some(now);
        } else {
            // Nobody knows how it is now.
            self.facts.parts.clear();
            self.facts.pools.clear();
            self.facts.import_errors = None;
            self.facts.running = None;
            self.facts.stats.clear();
        }
    }
}

impl Known {
    /// A try as the list of task instances has it: the last one of its instance. Earlier ones that nobody has seen are looked up.
    fn attempt(&mut self, attempt: &Attempt, news: bool) {
        if !self.enter_attempt(attempt, news) || !news || attempt.try_number < 2 {
            return;
        }
        let all = attempt.try_number <= TRY_NUMBERS_MAX
            && (1..attempt.try_number).all(|number| self.task_memory.knows(try_name(attempt, number)));
        let one = Instance { dag: attempt.dag.clone(), run: attempt.run.clone(), task: attempt.task.clone(), map_index: attempt.map_index };
        if all || self.tries.contains(&one) {
            return;
        }
        self.tries.push_back(one);
        if self.tries.len() > TRIES_MAX {
            self.tries.pop_front();
            self.attempts_missed += 1;
        }
    }

    fn enter_attempt(&mut self, attempt: &Attempt, news: bool) -> bool {
        // A skipped task has no try number; cleared and skipped again it is told apart by its end alone.
        let same = if attempt.try_number == 0 { Millis::ZERO } else { SAME_TRY };
        let new = self.task_memory.enter(try_name(attempt, attempt.try_number), attempt.end, same);
        if new && news {
            self.ledger.count_attempt(attempt);
        }
        new
    }

    fn keep(&self) -> KnownKept {
        KnownKept {
            contact_ms: self.contact_ms,
            runs: self.runs.clone(),
            tasks: self.tasks.clone(),
            run_memory: self.run_memory.keep(),
            task_memory: self.task_memory.keep(),
            ledger: self.ledger.clone(),
            xcoms: self.xcoms.clone(),
            tries: self.tries.clone(),
            attempts_missed: self.attempts_missed,
            history: self.history.clone(),
        }
    }

    fn restore(kept: KnownKept) -> Known {
        Known {
            contact_ms: kept.contact_ms,
            runs: kept.runs,
            tasks: kept.tasks,
            run_memory: Memory::restore(kept.run_memory),
            task_memory: Memory::restore(kept.task_memory),
            ledger: kept.ledger,
            xcoms: kept.xcoms,
            tries: kept.tries,
            attempts_missed: kept.attempts_missed,
            history: kept.history,
        }
    }
}

/// What can be done next, by turns.
fn turn(poll: &mut Poll, known: Option<&Known>) -> Option<Step> {
    let known = known?;
    for _ in 0..5 {
        let at = poll.turn;
        poll.turn = (poll.turn + 1) % 5;
        let step = match at {
            0 if !poll.runs_done => Some(Step::Runs),
            1 if !poll.tasks_done => Some(Step::Tasks),
            2 => known.tries.front().cloned().map(Step::Tries),
            3 => known.xcoms.reads.front().cloned().map(Step::Xcom),
            4 if known.history.is_some() && poll.history_pages < HISTORY_PAGES_PER_POLL => Some(Step::History),
            _ => None,
        };
        if step.is_some() {
            return step;
        }
    }
    None
}

fn try_name(attempt: &Attempt, number: u64) -> u64 {
    name_of(&[&attempt.dag, &attempt.run, &attempt.task, &attempt.map_index.to_string(), &number.to_string()])
}

fn instance_path(dag: &str, run: &str, task: &str) -> String {
    format!("/dags/{}/dagRuns/{}/taskInstances/{}", encoded(dag), encoded(run), encoded(task))
}

fn endpoint_of(step: &Step) -> &'static str {
    match step {
        Step::Version(_) => "version",
        Step::Token => "token",
        Step::Health => "health",
        Step::Imports => "importErrors",
        Step::Pools => "pools",
        Step::Dags => "dags",
        Step::Stats => "dagStats",
        Step::Runs | Step::Running | Step::History => "dagRuns",
        Step::Tasks => "taskInstances",
        Step::Tries(_) => "tries",
        Step::Xcom(_) => "xcomEntries",
    }
}
