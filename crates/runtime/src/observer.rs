use driver::TraceLevel;
use trace::Record;

/// Gets the records of what happens to a server. It runs in the server's task, and should not keep it waiting.
///
/// ```
/// use raft_for_beginners_runtime::Observer;
///
/// /// Prints each record in JSON, a line each.
/// struct Printer;
///
/// impl Observer for Printer {
///     fn record(&mut self, record: trace::Record) {
///         println!("{}", record.to_json());
///     }
/// }
/// ```
pub trait Observer {
    /// How much it wants to know at the moment, besides what the [settings](crate::Settings::trace_level) say.
    fn level(&self) -> TraceLevel {
        TraceLevel::Essential
    }

    /// Something has happened.
    fn record(&mut self, record: Record);
}

/// Nobody observes.
impl Observer for () {
    fn record(&mut self, _record: Record) {}
}
