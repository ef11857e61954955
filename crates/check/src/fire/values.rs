//! Values over time: which are tried for a series, and how they run.

use bellbuoy_vocabulary::{BUCKET_LABEL, Labels, Millis, Sample, Timestamp, format_float};

use super::leaves::{Leaf, Leaves, Role, Want};

/// What a series does: a gauge keeps `level`, a counter rises by `level` a second, a ramp passes `level` with `slope` a second, buckets
/// have their observations just below `level`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Course {
    pub level: f64,
    pub slope: f64,
    pub shape: Shape,
}

/// How the course is of another kind in a part of the time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    Steady,
    /// Up to this long before the condition has to hold the level was another one.
    Since(Millis, f64),
    /// There is nothing before that.
    Late(Millis),
    /// There is nothing after that.
    Ended(Millis),
    /// High and low in turn, low at evaluations: the resets of a counter, a gauge that somebody reads as one.
    Saw,
    /// Of buckets: most observations are far below the level.
    Tail,
}

impl Course {
    fn steady(level: f64) -> Course {
        Course { level, slope: 0.0, shape: Shape::Steady }
    }

    /// What another series of the same selector does when series have to differ.
    pub fn contrast(self) -> Course {
        Course { level: if self.level == 0.0 { 1.0 } else { 0.0 }, slope: -self.slope, ..self }
    }
}

/// Tried for a leaf, `None`: there is no such series.
pub type Choice = Option<Course>;

/// The times of a proof: when the data begin, how far apart they are, when they end.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    pub from: Timestamp,
    pub to: Timestamp,
    pub step: Millis,
    /// The time at which the condition has to hold first.
    pub at: Timestamp,
}

/// Choices for one leaf, gentle ones first; from `moved` on those that differ over time.
pub struct Pool {
    pub choices: Vec<Choice>,
    pub moved: usize,
}

impl Pool {
    pub fn of(leaf: &Leaf, leaves: &Leaves, times: Times) -> Pool {
        let mut choices = steady(leaf, leaves, times.at);
        // What such a metric really says comes first; what else it could say is tried too.
        choices.sort_by_key(|choice| choice.is_some_and(|course| !is_natural(leaf, course)));
        let moved = choices.len();
        for course in shaped(leaf, leaves, times) {
            if !choices.contains(&Some(course)) {
                choices.push(Some(course));
            }
        }
        Pool { choices, moved }
    }
}

/// Whether a metric of this name has such values: `up` is 0 or 1, a ratio between them.
fn is_natural(leaf: &Leaf, course: Course) -> bool {
    match leaf.metric.as_str() {
        "up" => course.level == 0.0 || course.level == 1.0,
        name if is_part(name) => (0.0..=1.0).contains(&course.level),
        _ => true,
    }
}

/// Whether its values are parts of a whole, going by its name.
fn is_part(name: &str) -> bool {
    ["_ratio", "_probability", "_share", "_accuracy", "_precision", "_recall", "_f1", "_auc", "_r2"].iter().any(|end| name.ends_with(end))
}

fn steady(leaf: &Leaf, leaves: &Leaves, at: Timestamp) -> Vec<Choice> {
    let mut out: Vec<Choice> = Vec::new();
    let mut push = |choice: Choice| {
        if !out.contains(&choice) {
            out.push(choice);
        }
    };
    if leaf.want == Want::Gone {
        push(None);
    }
    for level in levels(leaf, leaves, at) {
        match leaf.role {
            Role::Counter if level < 0.0 => {}
            Role::Saw if level <= 0.0 => {}
            Role::Saw => push(Some(Course { shape: Shape::Saw, ..Course::steady(level) })),
            Role::Buckets if level <= 0.0 => {}
            Role::Ramp => {
                let slopes: [f64; 7] = match leaf.want {
                    Want::Down => [-1e-3, -1.0, -1e3, -1e6, 0.0, 1.0, 1e3],
                    _ => [1e-3, 1.0, 1e3, 1e6, 0.0, -1.0, -1e3],
                };
                slopes.into_iter().for_each(|slope| push(Some(Course { slope, ..Course::steady(level) })));
            }
            Role::Swing => {
                let swings = [level.abs().max(1.0), level.abs() * 10.0 + 10.0, 0.0];
                swings.into_iter().for_each(|slope| push(Some(Course { slope, ..Course::steady(level) })))
            }
            _ => push(Some(Course::steady(level))),
        }
    }
    push(None);
    out
}

/// Of an expression's constants so many are tried as what a series comes to.
const CONSTANTS_TRIED: usize = 4;

/// What conditions need that look at other times too: something that began a while ago, that began at all, that comes and goes.
fn shaped(leaf: &Leaf, leaves: &Leaves, times: Times) -> Vec<Course> {
    let most = leaves.constants.iter().copied().fold(1.0, f64::max);
    let high = [most * 1.5, most * 100.0];
    let mut out = Vec::new();
    if leaf.role == Role::Buckets {
        out.extend(high.map(|level| Course { shape: Shape::Tail, ..Course::steady(level) }));
    }
    let saw = Course { shape: Shape::Saw, ..Course::steady(most * 100.0) };
    // One that rises, and whose value is asked for too.
    let asked_twice = leaf.role == Role::Counter && leaf.want == Want::Any;
    if !leaves.remembers && !asked_twice {
        out.extend((leaf.role == Role::Counter).then_some(saw));
        return out;
    }
    let short = leaves.range_min.unwrap_or(times.step * 5);
    let mut since = vec![short, Millis(short.0 / 2 / times.step.0 * times.step.0).max(times.step), times.step, Millis::ZERO];
    since.dedup();
    let levels = [(0.0, high[0]), (high[0], 0.0), (high[1], 0.0), (1.0, high[1]), (high[0], 1e-3)];
    for (before, level) in levels {
        let (before, level) = if leaf.want == Want::Down { (level, before) } else { (before, level) };
        out.extend(since.iter().map(|since| Course { shape: Shape::Since(*since, before), ..Course::steady(level) }));
    }
    // `avg_over_time(up[1h]) < 0.9 and up == 1`: exactly there at last, elsewhere before.
    for level in leaves.constants.iter().filter(|number| **number > 0.0).take(CONSTANTS_TRIED).flat_map(|number| [*number, number * 1.2]) {
        out.extend(since.iter().map(|since| Course { shape: Shape::Since(*since, 0.0), ..Course::steady(level) }));
    }
    out.extend([Millis::ZERO, short].map(|since| Course { shape: Shape::Late(since), ..Course::steady(high[0]) }));
    out.push(saw);
    if leaves.clock {
        // Half a minute longer than that, and its last value is no longer seen.
        out.push(Course { shape: Shape::Ended(Millis::from_seconds(270)), ..Course::steady(1.0) });
    }
    out
}

fn levels(leaf: &Leaf, leaves: &Leaves, at: Timestamp) -> Vec<f64> {
    let constants = &leaves.constants;
    let mut near: Vec<f64> = Vec::new();
    if is_part(&leaf.metric) {
        near.extend(constants.iter().filter(|number| (0.0..1.0).contains(*number)).map(|number| (number + 1.0) / 2.0));
    }
    for pair in constants.windows(2) {
        near.push((pair[0] + pair[1]) / 2.0);
    }
    for constant in constants {
        near.extend([*constant, constant * 1.2, constant * 0.8, constant * 2.0, constant / 2.0, constant + 1.0, constant - 1.0]);
    }
    // The clock's own scale: timestamps of the past and of the time to come.
    let seconds = at.seconds();
    if leaves.clock || leaves.calendar.any() {
        near.extend([seconds, seconds - 60.0, seconds + 60.0, 0.0]);
        for constant in constants {
            near.extend([seconds - constant * 1.5, seconds + constant * 0.5, seconds - constant * 0.5, seconds + constant * 1.5]);
        }
        near.extend([seconds - 86_400.0 * 60.0, seconds + 86_400.0]);
    }
    let mut up: Vec<f64> = near.iter().copied().filter(|value| *value > 0.0).collect();
    let most = constants.iter().copied().fold(1.0, f64::max);
    match leaf.want {
        Want::Down => {
            // As much of what fails as there is in all: nothing at all below a line is no service that anybody has.
            let mut down = if leaf.divides { vec![most * 1.5, 0.0, 1e-3] } else { vec![0.0, 1e-3] };
            let mut below: Vec<f64> = near.iter().copied().filter(|value| value.is_finite()).collect();
            below.sort_by(f64::total_cmp);
            down.extend(below);
            down.extend([1.0, 100.0, 1e6, -1.0, -1e3, -1e6, -1e12]);
            down
        }
        _ => {
            up.sort_by(f64::total_cmp);
            let mut all: Vec<f64> = vec![most * 1.5, most * 3.0 + 1.0];
            if leaf.want == Want::Any {
                all = constants.clone();
            }
            all.extend(up);
            all.extend([1.0, 10.0, 1e3, 1e6, 1e9, 1e12, 0.0, 0.5, 1e-3, -1.0, -1e6]);
            all.extend(near);
            all
        }
    }
}

/// The series of a leaf: one, or several with bounds.
pub fn series(leaf: &Leaf, labels: &Labels, course: Course, times: Times) -> Vec<(Labels, Vec<Sample>)> {
    if leaf.role != Role::Buckets {
        return vec![(labels.clone(), samples(leaf.role, course, times))];
    }
    // All observations lie between 0.9 of the level and the level; of a tail one of ten.
    let bound = rounded(course.level);
    let mut bounds = vec![(format_float(rounded(bound * 0.9)), 0.0), (format_float(bound), 10.0), ("+Inf".to_string(), 10.0)];
    if course.shape == Shape::Tail {
        bounds[0].1 = 9.0;
        bounds.insert(0, (format_float(rounded(bound * 1e-3)), 9.0));
    }
    let one = |(le, rate): (String, f64)| {
        let labels = labels.builder().set(BUCKET_LABEL, &le).labels();
        let shape = if course.shape == Shape::Tail { Shape::Steady } else { course.shape };
        (labels, samples(Role::Counter, Course { level: rate, slope: 0.0, shape }, times))
    };
    bounds.into_iter().map(one).collect()
}

/// Six digits: bounds are labels that people read.
fn rounded(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

fn samples(role: Role, course: Course, times: Times) -> Vec<Sample> {
    let step = times.step.seconds();
    let mut out = Vec::new();
    let level_at = |at: Timestamp| match course.shape {
        Shape::Since(since, before) if at <= times.at - since => before,
        _ => course.level,
    };
    let mut value = match role {
        Role::Counter | Role::Saw => 0.0,
        Role::Ramp => course.level + course.slope * (times.from - times.at).seconds(),
        _ => course.level,
    };
    let mut at = times.from;
    while at <= times.to {
        let odd = ((at - times.at).0 / times.step.0) % 2 != 0;
        match (role, course.shape) {
            (_, Shape::Late(since)) if at < times.at - since => {
                at += times.step;
                continue;
            }
            (_, Shape::Ended(since)) if at > times.at - since => break,
            (_, Shape::Saw) => value = if odd { course.level.max(1.0) } else { course.level.max(1.0) / 1000.0 },
            (Role::Toggle, _) if course.level >= 1.0 => value = level_at(at) - f64::from(u8::from(odd)),
            (Role::Toggle, _) if course.level != 0.0 => value = level_at(at) + f64::from(u8::from(odd)),
            (Role::Swing, Shape::Steady) => value = course.level + if odd { course.slope } else { 0.0 },
            (Role::Counter | Role::Saw | Role::Ramp, _) => {}
            _ => value = level_at(at),
        }
        out.push(Sample::new(at, value));
        // Added up step by step, as the notation of rule tests does.
        match role {
            Role::Counter => value += level_at(at + times.step) * step,
            Role::Ramp => value += course.slope * step,
            _ => {}
        }
        at += times.step;
    }
    out
}
