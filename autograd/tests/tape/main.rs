//! The tape as a whole: long chains, reused memory, random programs, and what it says when
//! something is wrong.

mod anomaly;
mod chain;
mod contract;
mod lines;
mod memory;
mod mistakes;
mod programs;
mod scalars;
mod trace;
