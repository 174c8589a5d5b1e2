//! What every benchmark needs: what the machine is and how fast it is by itself ([machine]), what processes
//! use of it ([process]), the spread of repeated measurements ([spread], [runs]), and how they are reported
//! ([progress], [report], [plot]).

pub mod machine;
pub mod plot;
pub mod process;
pub mod progress;
pub mod report;
pub mod runs;
pub mod spread;
