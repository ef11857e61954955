//! Values over time: which are tried for a series, and how they run.

use bellbuoy_vocabulary::{BUCKET_LABEL, Labels, Millis, Sample, Timestamp, format_float};

use super::leaves::{Leaf, Leaves, Role, Want};

/// What a series does: a gauge keeps `level`, a counter rises by `level` a second, a ramp passes `level` with `slope` a second, buckets
/// have their observations just below `level`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Course {
    pub level: f64,
    pub slope: f64,
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

/// Choices in the order in which they are tried: gentle ones first.
pub fn choices(leaf: &Leaf, leaves: &Leaves, at: Timestamp) -> Vec<Choice> {
    let levels = levels(leaf, leaves, at);
    let mut out: Vec<Choice> = Vec::new();
    let mut push = |choice: Choice| {
        if !out.contains(&choice) {
            out.push(choice);
        }
    };
    if leaf.want == Want::Gone {
        push(None);
    }
    for level in levels {
        match leaf.role {
            Role::Counter | Role::Saw if level < 0.0 => {}
            Role::Buckets if level <= 0.0 => {}
            Role::Ramp => {
                let slopes: [f64; 7] = match leaf.want {
                    Want::Down => [-1e-3, -1.0, -1e3, -1e6, 0.0, 1.0, 1e3],
                    _ => [1e-3, 1.0, 1e3, 1e6, 0.0, -1.0, -1e3],
                };
                slopes.into_iter().for_each(|slope| push(Some(Course { level, slope })));
            }
            Role::Swing => {
                [level.abs().max(1.0), level.abs() * 10.0 + 10.0, 0.0].into_iter().for_each(|slope| push(Some(Course { level, slope })))
            }
            _ => push(Some(Course { level, slope: 0.0 })),
        }
    }
    push(None);
    out
}

fn levels(leaf: &Leaf, leaves: &Leaves, at: Timestamp) -> Vec<f64> {
    let constants = &leaves.constants;
    let mut near: Vec<f64> = Vec::new();
    for pair in constants.windows(2) {
        near.push((pair[0] + pair[1]) / 2.0);
    }
    for constant in constants {
        near.extend([*constant, constant * 1.2, constant * 0.8, constant * 2.0, constant / 2.0, constant + 1.0, constant - 1.0]);
    }
    // The clock's own scale: timestamps of the past and of the time to come.
    let seconds = at.seconds();
    if leaves.clock || leaves.calendar {
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
            let mut down = vec![0.0, 1e-3];
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
    if !super::labels::needs_bounds(leaf) {
        return vec![(labels.clone(), samples(leaf.role, course, times))];
    }
    // All observations lie between 0.9 of the level and the level.
    let bound = rounded(course.level);
    let mut out = Vec::new();
    for (le, slope) in [(format_float(rounded(bound * 0.9)), 0.0), (format_float(bound), 10.0), ("+Inf".to_string(), 10.0)] {
        let labels = labels.builder().set(BUCKET_LABEL, &le).labels();
        out.push((labels, samples(Role::Counter, Course { level: slope, slope: 0.0 }, times)));
    }
    out
}

/// Six digits: bounds are labels that people read.
fn rounded(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

fn samples(role: Role, course: Course, times: Times) -> Vec<Sample> {
    let step = times.step.seconds();
    let mut out = Vec::new();
    let mut value = match role {
        Role::Counter | Role::Saw => 0.0,
        Role::Ramp => course.level + course.slope * (times.from - times.at).seconds(),
        _ => course.level,
    };
    let mut at = times.from;
    let mut number = 0u32;
    while at <= times.to {
        out.push(Sample::new(at, value));
        number += 1;
        // Added up step by step, as the notation of rule tests does.
        match role {
            Role::Counter => value += course.level * step,
            Role::Ramp => value += course.slope * step,
            Role::Saw => value = if number.is_multiple_of(2) { 0.0 } else { course.level.max(1.0) },
            Role::Toggle if course.level != 0.0 => value = if value == course.level { course.level + 1.0 } else { course.level },
            Role::Swing => value = if number.is_multiple_of(2) { course.level } else { course.level + course.slope },
            _ => {}
        }
        at += times.step;
    }
    out
}
