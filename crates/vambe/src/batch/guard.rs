//! When to stop a batch: an answer that every further record would get too. Pure.

use crate::error::{Delivery, Error, ErrorCode};

/// What the server answered to the first records.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    answered: u32,
    /// How often each refusal came, by its status and what its message says apart from numbers.
    refusals: Vec<(u16, String, u32)>,
}

impl Guard {
    /// Learns of one record's end; returns why to stop, if that is so.
    pub(crate) fn saw(&mut self, result: Result<(), &Error>) -> Option<Error> {
        let refused = match result {
            Ok(()) => None,
            Err(error) if error.delivery() == Delivery::Rejected => Some(error),
            Err(error) if error.code() == ErrorCode::Connection && !error.retryable() => {
                return Some(not_sent(error, "no other record would get through either"));
            }
            // Nothing was answered.
            Err(_) => return None,
        };
        self.answered = self.answered.saturating_add(1);
        let error = refused?;
        let status = error.status()?;
        if matches!(status, 401 | 403) {
            let reason = "the server refuses the key, so it would refuse every other record";
            return Some(not_sent(error, reason));
        }
        if self.answered > FIRST_ANSWERS || status == 429 {
            return None;
        }
        let signature: String = error.message().chars().filter(|letter| !letter.is_ascii_digit()).collect();
        let known = self.refusals.iter_mut().find(|(code, message, _)| *code == status && *message == signature);
        let times = match known {
            Some((_, _, times)) => {
                *times += 1;
                *times
            }
            None => {
                self.refusals.push((status, signature, 1));
                1
            }
        };
        let reason = "the server refused so many of the first records for one reason that the others would fare alike";
        (times >= MOST_ALIKE).then(|| not_sent(error, reason))
    }
}

/// Returns the error of records that were not sent because of another's.
pub(crate) fn not_sent(cause: &Error, reason: &str) -> Error {
    let message = format!("the batch was stopped, {reason}: {}", cause.message());
    cause.clone().with(|details| {
        details.message = message;
        details.delivery = Delivery::NotSent;
        details.attempts = 0;
        details.request_id = None;
    })
}

const FIRST_ANSWERS: u32 = 50;
const MOST_ALIKE: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, message: &str) -> Error {
        Error::new(ErrorCode::BadRequest, message).with(|details| {
            details.status = Some(status);
            details.delivery = Delivery::Rejected;
        })
    }

    fn stops_at(errors: impl Iterator<Item = Option<Error>>) -> Option<usize> {
        let mut guard = Guard::default();
        let mut results = errors.map(|error| error.map_or(Ok(()), Err));
        results.position(|result| guard.saw(result.as_ref().map(|&()| ())).is_some())
    }

    #[test]
    fn a_refused_key_stops_at_once() {
        assert_eq!(stops_at([None, Some(refusal(401, "no")), None].into_iter()), Some(1));
        assert_eq!(stops_at([Some(refusal(403, "no"))].into_iter()), Some(0));
    }

    #[test]
    fn a_way_that_stays_closed_stops_at_once_and_one_that_may_open_does_not() {
        let lost = |is_final: bool| {
            let error = Error::new(ErrorCode::Connection, "no way");
            Some(error.with(|details| details.retryable = !is_final))
        };
        assert_eq!(stops_at([None, lost(true)].into_iter()), Some(1));
        assert_eq!(stops_at((0..100).map(|_| lost(false))), None);
    }

    #[test]
    fn one_reason_for_20_of_the_first_50_stops_and_numbers_in_it_do_not_matter() {
        let alike = |index| (index % 2 == 0).then(|| refusal(400, &format!("row {index}: unknown key rut")));
        assert_eq!(stops_at((0..1000).map(alike)), Some(38));
        let rare = |index| (index % 3 == 0).then(|| refusal(400, "unknown key rut"));
        assert_eq!(stops_at((0..1000).map(rare)), None);
        let late = |index| (index >= 40).then(|| refusal(400, "unknown key rut"));
        assert_eq!(stops_at((0..1000).map(late)), None);
        let letters = |index: u32| Some(refusal(400, ["a", "b", "c"][index as usize % 3]));
        assert_eq!(stops_at((0..1000).map(letters)), None);
    }
}
