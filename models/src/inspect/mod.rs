//! Seeing inside: what every gate and state of a network does while it reads one example.
//!
//! [`look`] runs the network once and gathers a [`Record`]: every named quantity of every cell at every step, its
//! gradient, and what each prediction depends on. All else is drawn from the record: [`health`] in words, principal
//! [`components`] in space, CSV files, TensorBoard's histograms, and the page that `rnn inspect` writes.
//!
//! A training that nobody looks into pays nothing for it: quantities have their names anyway, and are read off the tape only
//! when they are asked for.
//!
//! ```
//! use models::{config::Config, inspect, tasks};
//!
//! let config = Config { hidden: 4, ..(tasks::find("sentence").unwrap().config)() };
//! let (task, params) = tasks::find("sentence").unwrap().build(&config, "").unwrap();
//! let record = inspect::look(&params, |p| task.show(p, Some("LSTM"))).unwrap();
//!
//! let cell = &record.cells[0];
//! let names: Vec<&str> = cell.quantities.iter().map(|q| q.name.as_str()).collect();
//! assert_eq!(names, ["z", "i", "f", "g", "o", "c", "h"]);
//! let f = cell.quantity("f").unwrap();
//! assert_eq!((cell.name.as_str(), f.steps(), f.units), ("l0", 4, 4));
//! assert!(f.at(0).iter().all(|gate| (0.0..=1.0).contains(gate)));
//! ```

#[cfg(feature = "report")]
mod components;
mod csv;
mod health;
mod record;
#[cfg(feature = "report")]
mod report;

#[cfg(feature = "report")]
pub use components::{Components, components};
pub use csv::{dependence_csv, parameters_csv, trace_csv};
pub use health::{Finding, health, memory};
pub use record::{CellRecord, ParamNorms, Prediction, Record, Role, Traced, look};
#[cfg(feature = "report")]
pub use report::report;

/// Records of one network at several moments of its training, each with a name: "step 50".
pub type Moments = [(String, Record)];
