//! The functions' names and argument types; what they do is in `functions`.

use crate::ast::ValueType::{self, Matrix, Scalar, Text, Vector};

/// A function as the parser knows it.
#[derive(Debug, PartialEq)]
pub struct Function {
    pub name: &'static str,
    /// Types of the arguments. When fewer are needed, the last ones are optional.
    pub args: &'static [ValueType],
    /// How many arguments must be there.
    pub args_min: usize,
    /// How many may be there; beyond `args` the last type repeats.
    pub args_max: usize,
    pub returns: ValueType,
    pub(crate) id: FunctionId,
}

/// Looks a function up by its name; names are case-sensitive.
pub fn function(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

macro_rules! functions {
    ($($id:ident $name:literal [$($arg:expr),*] $min:literal..=$max:expr => $returns:ident;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum FunctionId { $($id),* }
        /// All functions.
        pub static FUNCTIONS: &[Function] = &[$(Function {
            name: $name, args: &[$($arg),*], args_min: $min, args_max: $max, returns: $returns, id: FunctionId::$id,
        }),*];
    };
}

const MANY: usize = usize::MAX;

functions! {
    Abs "abs" [Vector] 1..=1 => Vector;
    Absent "absent" [Vector] 1..=1 => Vector;
    AbsentOverTime "absent_over_time" [Matrix] 1..=1 => Vector;
    Acos "acos" [Vector] 1..=1 => Vector;
    Acosh "acosh" [Vector] 1..=1 => Vector;
    Asin "asin" [Vector] 1..=1 => Vector;
    Asinh "asinh" [Vector] 1..=1 => Vector;
    Atan "atan" [Vector] 1..=1 => Vector;
    Atanh "atanh" [Vector] 1..=1 => Vector;
    AvgOverTime "avg_over_time" [Matrix] 1..=1 => Vector;
    Ceil "ceil" [Vector] 1..=1 => Vector;
    Changes "changes" [Matrix] 1..=1 => Vector;
    Clamp "clamp" [Vector, Scalar, Scalar] 3..=3 => Vector;
    ClampMax "clamp_max" [Vector, Scalar] 2..=2 => Vector;
    ClampMin "clamp_min" [Vector, Scalar] 2..=2 => Vector;
    Cos "cos" [Vector] 1..=1 => Vector;
    Cosh "cosh" [Vector] 1..=1 => Vector;
    CountOverTime "count_over_time" [Matrix] 1..=1 => Vector;
    DayOfMonth "day_of_month" [Vector] 0..=1 => Vector;
    DayOfWeek "day_of_week" [Vector] 0..=1 => Vector;
    DayOfYear "day_of_year" [Vector] 0..=1 => Vector;
    DaysInMonth "days_in_month" [Vector] 0..=1 => Vector;
    Deg "deg" [Vector] 1..=1 => Vector;
    Delta "delta" [Matrix] 1..=1 => Vector;
    Deriv "deriv" [Matrix] 1..=1 => Vector;
    DoubleExponentialSmoothing "double_exponential_smoothing" [Matrix, Scalar, Scalar] 3..=3 => Vector;
    Exp "exp" [Vector] 1..=1 => Vector;
    Floor "floor" [Vector] 1..=1 => Vector;
    HistogramAvg "histogram_avg" [Vector] 1..=1 => Vector;
    HistogramCount "histogram_count" [Vector] 1..=1 => Vector;
    HistogramFraction "histogram_fraction" [Scalar, Scalar, Vector] 3..=3 => Vector;
    HistogramQuantile "histogram_quantile" [Scalar, Vector] 2..=2 => Vector;
    HistogramStddev "histogram_stddev" [Vector] 1..=1 => Vector;
    HistogramStdvar "histogram_stdvar" [Vector] 1..=1 => Vector;
    HistogramSum "histogram_sum" [Vector] 1..=1 => Vector;
    Hour "hour" [Vector] 0..=1 => Vector;
    Idelta "idelta" [Matrix] 1..=1 => Vector;
    Increase "increase" [Matrix] 1..=1 => Vector;
    Irate "irate" [Matrix] 1..=1 => Vector;
    LabelJoin "label_join" [Vector, Text, Text, Text] 3..=MANY => Vector;
    LabelReplace "label_replace" [Vector, Text, Text, Text, Text] 5..=5 => Vector;
    LastOverTime "last_over_time" [Matrix] 1..=1 => Vector;
    Ln "ln" [Vector] 1..=1 => Vector;
    Log10 "log10" [Vector] 1..=1 => Vector;
    Log2 "log2" [Vector] 1..=1 => Vector;
    MadOverTime "mad_over_time" [Matrix] 1..=1 => Vector;
    MaxOverTime "max_over_time" [Matrix] 1..=1 => Vector;
    MinOverTime "min_over_time" [Matrix] 1..=1 => Vector;
    Minute "minute" [Vector] 0..=1 => Vector;
    Month "month" [Vector] 0..=1 => Vector;
    Pi "pi" [] 0..=0 => Scalar;
    PredictLinear "predict_linear" [Matrix, Scalar] 2..=2 => Vector;
    PresentOverTime "present_over_time" [Matrix] 1..=1 => Vector;
    QuantileOverTime "quantile_over_time" [Scalar, Matrix] 2..=2 => Vector;
    Rad "rad" [Vector] 1..=1 => Vector;
    Rate "rate" [Matrix] 1..=1 => Vector;
    Resets "resets" [Matrix] 1..=1 => Vector;
    Round "round" [Vector, Scalar] 1..=2 => Vector;
    ScalarOf "scalar" [Vector] 1..=1 => Scalar;
    Sgn "sgn" [Vector] 1..=1 => Vector;
    Sin "sin" [Vector] 1..=1 => Vector;
    Sinh "sinh" [Vector] 1..=1 => Vector;
    Sort "sort" [Vector] 1..=1 => Vector;
    SortByLabel "sort_by_label" [Vector, Text] 2..=MANY => Vector;
    SortByLabelDesc "sort_by_label_desc" [Vector, Text] 2..=MANY => Vector;
    SortDesc "sort_desc" [Vector] 1..=1 => Vector;
    Sqrt "sqrt" [Vector] 1..=1 => Vector;
    StddevOverTime "stddev_over_time" [Matrix] 1..=1 => Vector;
    StdvarOverTime "stdvar_over_time" [Matrix] 1..=1 => Vector;
    SumOverTime "sum_over_time" [Matrix] 1..=1 => Vector;
    Tan "tan" [Vector] 1..=1 => Vector;
    Tanh "tanh" [Vector] 1..=1 => Vector;
    Time "time" [] 0..=0 => Scalar;
    TimestampOf "timestamp" [Vector] 1..=1 => Vector;
    TsOfLastOverTime "ts_of_last_over_time" [Matrix] 1..=1 => Vector;
    TsOfMaxOverTime "ts_of_max_over_time" [Matrix] 1..=1 => Vector;
    TsOfMinOverTime "ts_of_min_over_time" [Matrix] 1..=1 => Vector;
    VectorOf "vector" [Scalar] 1..=1 => Vector;
    Year "year" [Vector] 0..=1 => Vector;
}
