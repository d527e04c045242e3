//! When the public may see an article.

use chrono::{DateTime, Utc};
use utoipa::ToSchema;

/// What the newsroom decided about an article.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Status {
    Draft,
    Scheduled,
    Published,
    Withdrawn,
}

impl Status {
    pub const ALL: [Self; 4] = [
        Self::Draft,
        Self::Scheduled,
        Self::Published,
        Self::Withdrawn,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Scheduled => "scheduled",
            Self::Published => "published",
            Self::Withdrawn => "withdrawn",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// Everything that decides whether the public sees an article at a given time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visibility {
    pub status: Status,
    pub published_at: Option<DateTime<Utc>>,
    pub embargoed_until: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// What the public finds under an article's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Visible,
    /// It was public and is no more.
    Gone,
    /// It has not been public yet.
    Hidden,
}

impl Visibility {
    /// The half-open span in which the public sees it: from, and until where it ends.
    /// `None`: never, as it stands.
    pub fn window(&self) -> Option<(DateTime<Utc>, Option<DateTime<Utc>>)> {
        if !matches!(self.status, Status::Scheduled | Status::Published) {
            return None;
        }
        let from = self.opens()?;
        match self.expires_at {
            Some(until) if until <= from => None,
            until => Some((from, until)),
        }
    }

    pub fn is_public(&self, now: DateTime<Utc>) -> bool {
        self.window()
            .is_some_and(|(from, until)| from <= now && until.is_none_or(|until| now < until))
    }

    /// The first moment after `now` at which time alone changes whether the public sees it.
    pub fn next_change(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let (from, until) = self.window()?;
        match now < from {
            true => Some(from),
            false => until.filter(|until| now < *until),
        }
    }

    pub fn standing(&self, now: DateTime<Utc>) -> Standing {
        if self.is_public(now) {
            return Standing::Visible;
        }
        // Withdrawing presupposes publication; a draft was never out.
        let was_out = self.status != Status::Draft && self.opens().is_some_and(|from| from <= now);
        if was_out {
            Standing::Gone
        } else {
            Standing::Hidden
        }
    }

    /// The status as seen at `now`: a scheduled article whose time has come is published.
    pub fn effective_status(&self, now: DateTime<Utc>) -> Status {
        match self.status {
            Status::Scheduled if self.published_at.is_some_and(|at| at <= now) => Status::Published,
            status => status,
        }
    }

    fn opens(&self) -> Option<DateTime<Utc>> {
        self.published_at
            .map(|at| self.embargoed_until.map_or(at, |embargo| at.max(embargo)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(h: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(h * 3600, 0).unwrap()
    }

    fn published(at: i64) -> Visibility {
        Visibility {
            status: Status::Published,
            published_at: Some(hour(at)),
            embargoed_until: None,
            expires_at: None,
        }
    }

    #[test]
    fn the_window_is_half_open() {
        let article = Visibility {
            embargoed_until: Some(hour(3)),
            expires_at: Some(hour(5)),
            ..published(1)
        };
        let seen: Vec<Standing> = [1, 2, 3, 4, 5].map(|h| article.standing(hour(h))).to_vec();
        use Standing::{Gone, Hidden, Visible};
        assert_eq!(seen, [Hidden, Hidden, Visible, Visible, Gone]);
    }

    #[test]
    fn a_scheduled_article_appears_at_its_second() {
        let article = Visibility {
            status: Status::Scheduled,
            ..published(4)
        };
        assert_eq!(article.standing(hour(3)), Standing::Hidden);
        assert_eq!(article.standing(hour(4)), Standing::Visible);
        assert_eq!(article.effective_status(hour(4)), Status::Published);
        assert_eq!(article.effective_status(hour(3)), Status::Scheduled);
    }

    #[test]
    fn time_changes_an_article_when_its_window_opens_and_when_it_ends() {
        let article = Visibility {
            expires_at: Some(hour(5)),
            ..published(2)
        };
        let next: Vec<_> = [1, 2, 4, 5].map(|h| article.next_change(hour(h))).to_vec();
        assert_eq!(next, [Some(hour(2)), Some(hour(5)), Some(hour(5)), None]);
        assert_eq!(published(2).next_change(hour(3)), None);
        let draft = Visibility {
            status: Status::Draft,
            ..article
        };
        assert_eq!(draft.next_change(hour(1)), None);
    }

    #[test]
    fn a_draft_is_hidden_and_a_withdrawn_article_gone() {
        let with = |status| Visibility {
            status,
            ..published(1)
        };
        assert_eq!(with(Status::Draft).standing(hour(9)), Standing::Hidden);
        assert_eq!(with(Status::Withdrawn).standing(hour(9)), Standing::Gone);
        let never_out = Visibility {
            published_at: None,
            ..with(Status::Withdrawn)
        };
        assert_eq!(never_out.standing(hour(9)), Standing::Hidden);
    }

    #[test]
    fn expiry_before_publication_never_shows() {
        let article = Visibility {
            expires_at: Some(hour(1)),
            ..published(2)
        };
        assert_eq!(article.window(), None);
    }
}
