//! What every benchmark needs: what the machine is and takes by itself ([machine]), what processes use of it ([process]),
//! how figures are spread that were measured several times ([spread], [runs]), and how they are told ([progress], [report],
//! [plot]).

pub mod machine;
pub mod plot;
pub mod process;
pub mod progress;
pub mod report;
pub mod runs;
pub mod spread;
