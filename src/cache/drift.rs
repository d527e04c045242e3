//! How far a ranking is from what it would be now.

/// A ranking that has drifted is given for so many times the lag at the most: one that what moved is near to, and any.
const LAGS_NEAR: i64 = 10;
pub const LAGS_FAR: i64 = 600;

/// How much what an answer ranks has moved since it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Drift {
    None,
    /// Something has moved somewhere: scores may differ in the last decimals, and rarely a rank.
    Far,
    /// Something near has: it may belong into the list.
    Near,
}

impl Drift {
    pub(super) fn of(number: u8) -> Self {
        match number {
            0 => Self::None,
            1 => Self::Far,
            _ => Self::Near,
        }
    }

    /// For how many times the lag it is given; `None`: it need not end.
    pub(super) fn lags(self) -> Option<i64> {
        match self {
            Self::None => None,
            Self::Far => Some(LAGS_FAR),
            Self::Near => Some(LAGS_NEAR),
        }
    }
}
