//! What was measured, as JSON and as text.

use crate::timing::Spread;
use serde::Serialize;
use std::fmt;

/// Everything, and where it was measured.
#[derive(Serialize)]
pub struct Report {
    pub machine: String,
    pub threads: usize,
    pub rounds: usize,
    pub cases: Vec<Case>,
    /// A sequence of many steps.
    pub long: Group,
}

/// All groups at one size of the problem.
#[derive(Serialize)]
pub struct Case {
    pub steps: usize,
    pub batch: usize,
    pub input: usize,
    pub hidden: usize,
    /// Billions of operations a second in a product of two large matrices, on one thread.
    pub peak_gflops: f64,
    pub groups: Vec<Group>,
}

/// Several ways to do the same.
#[derive(Serialize)]
pub struct Group {
    pub name: &'static str,
    /// What is counted, and how many of it each way does.
    pub unit: &'static str,
    pub count: f64,
    pub rows: Vec<Row>,
}

/// One of the ways.
#[derive(Serialize)]
pub struct Row {
    pub name: String,
    pub us: Spread,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub megabytes: Option<f64>,
}

/// The processor's name, where the system tells it.
pub fn machine() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or(std::env::consts::ARCH, |(_, name)| name).into()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}, {} rounds, up to {} threads", self.machine, self.rounds, self.threads)?;
        for Case { steps, batch, input, hidden, peak_gflops, groups } in &self.cases {
            writeln!(f, "\nT{steps} B{batch} I{input} H{hidden}; a large product: {peak_gflops:.0} GF/s")?;
            groups.iter().try_for_each(|group| write!(f, "\n{group}"))?;
        }
        write!(f, "\n{}", self.long)
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = if self.unit == "operation" { "GF/s".into() } else { format!("ns a {}", self.unit) };
        writeln!(f, "{:42} {:>12}  least to most of the rounds   {each:>11}", self.name, "us")?;
        for Row { name, us, megabytes } in &self.rows {
            let each = match self.unit {
                "operation" => self.count / us.median / 1e3,
                _ => us.median * 1e3 / self.count,
            };
            let spread = format!("{:.1} to {:.1}", us.least, us.most);
            let memory = megabytes.map_or(String::new(), |mb| format!("  {mb:8.3} MB"));
            writeln!(f, "{name:42} {:12.1}  {spread:28} {each:11.2}{memory}", us.median)?;
        }
        Ok(())
    }
}
