//! A moment of a run, as a person names it.

use std::fmt;
use std::str::FromStr;
use trace::{EventId, Record, english};

/// A moment of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// After all that had happened by then, in microseconds.
    At(u64),
    /// Just after this event: there may be many at one time.
    After(EventId),
    /// After this number of records.
    Position(usize),
}

impl Moment {
    /// The number of records that have happened; `None` if the event is not among them, or there are fewer.
    pub(crate) fn position_in(self, records: &[&Record]) -> Option<usize> {
        match self {
            Moment::At(time) => {
                let last = records.iter().rposition(|record| record.t <= time);
                Some(last.map_or(0, |last| last + 1))
            }
            Moment::After(id) => {
                records.iter().position(|record| record.id() == Some(id)).map(|place| place + 1)
            }
            Moment::Position(position) => Some(position).filter(|&position| position <= records.len()),
        }
    }

    /// The moment at this number of seconds after the beginning.
    pub(crate) fn of_seconds(seconds: &str) -> Option<Moment> {
        let micros = seconds.parse::<f64>().ok()? * 1e6;
        (0.0..1e18).contains(&micros).then(|| Moment::At(micros.round() as u64))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moment::At(time) => english::seconds(*time).fmt(f),
            Moment::After(event) => write!(f, "event {event}"),
            Moment::Position(position) => write!(f, "position {position}"),
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Moment, String> {
        let event = text.parse().map(Moment::After).ok();
        let moment = event.or_else(|| Moment::of_seconds(text.strip_suffix('s')?));
        moment.ok_or_else(|| "write seconds, such as 1.250s, or an event, such as n2:117".to_owned())
    }
}
