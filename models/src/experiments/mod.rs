//! Experiments: which network solves which task, after how many steps, with how many seeds.
//!
//! An [`Experiment`] gives every network of its list the same budget: the same task, the same steps, batch and hidden
//! units. Each is trained at the best of three learning rates, chosen on a seed that is not reported, and then with
//! every reported seed. A run ends when the task is solved. `rnn compare` does it; [`Results`] is what comes out.

mod list;
mod networks;
mod picture;
mod pool;
mod results;
mod table;

pub use list::{ALL, Experiment, find};
pub use networks::{Contender, NETWORKS, network};
pub use picture::picture;
pub use pool::{Plan, TRIAL_SEED, Watcher, run};
pub use results::{Line, Outcome, Profile, Results, Run, Spread};
pub use table::table;
