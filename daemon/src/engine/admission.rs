//! Admission: budgets of pending work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::error::EngineError;

/// Amount of something that may be pending at a time.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    /// Plural noun for the error message, such as "texts".
    what: &'static str,
    limit: usize,
    pending: Arc<AtomicUsize>,
}

/// Reserved amount of a budget. Dropping the reservation releases the amount.
#[derive(Debug)]
pub(super) struct Reservation {
    budget: Budget,
    count: usize,
}

impl Budget {
    pub(super) fn new(what: &'static str, limit: usize) -> Self {
        Self {
            what,
            limit,
            pending: Arc::default(),
        }
    }

    /// Amount that is pending now.
    pub(super) fn pending(&self) -> usize {
        self.pending.load(Ordering::Relaxed)
    }

    /// Reserves `count` more, if the sum is within the limit.
    pub(super) fn reserve(&self, count: usize) -> Result<Reservation, EngineError> {
        let within = |pending: usize| {
            let sum = pending.checked_add(count);
            sum.filter(|sum| *sum <= self.limit)
        };
        self.pending
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, within)
            .map_err(|pending| EngineError::Overloaded {
                what: self.what,
                pending,
                limit: self.limit,
            })?;
        Ok(Reservation {
            budget: self.clone(),
            count,
        })
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.pending.fetch_sub(self.count, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_inclusive_and_given_back() {
        let budget = Budget::new("texts", 3);
        let two = budget.reserve(2).unwrap();
        let one = budget.reserve(1).unwrap();
        assert!(budget.reserve(1).is_err());
        assert!(budget.reserve(usize::MAX).is_err());
        drop(two);
        assert_eq!(budget.pending(), 1);
        let error = budget.reserve(3).unwrap_err();
        assert_eq!(error.to_string(), "too much work pending: 1 of 3 texts");
        drop(one);
        assert!(budget.reserve(3).is_ok());
    }
}
