//! Which articles and tags a caller may know of.

use std::sync::Arc;

use crate::content::rights::{Rights, TextRight};
use crate::content::role::Role;

/// What is hidden from a caller is not there: in no list, no count and no answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sight {
    /// What is published, as everyone sees it.
    #[default]
    Public,
    /// What of that may be syndicated, as far and as soon as the partner's rights go.
    Partner(Arc<Rights>),
    /// What is published, and what this author made.
    Own(String),
    /// Everything that is not deleted.
    All,
}

impl Sight {
    /// What someone of this name and role sees; a partner with these rights.
    pub fn of(name: &str, role: Role, rights: &Arc<Rights>) -> Self {
        match role {
            Role::Reader => Self::Public,
            Role::Partner => Self::Partner(Arc::clone(rights)),
            Role::Author => Self::Own(name.to_owned()),
            Role::Editor | Role::Admin => Self::All,
        }
    }

    /// Whether what `maker` made is seen even while it is not public.
    pub fn reaches(&self, maker: Option<&str>) -> bool {
        match self {
            Self::Public | Self::Partner(_) => false,
            Self::Own(name) => maker == Some(name),
            Self::All => true,
        }
    }

    /// What is published, as this caller may read it: the public's, but for a partner.
    pub fn of_published(self) -> Self {
        match self {
            Self::Partner(rights) => Self::Partner(rights),
            Self::Public | Self::Own(_) | Self::All => Self::Public,
        }
    }

    /// Whether this is what everyone sees.
    pub fn is_public(&self) -> bool {
        *self == Self::Public
    }

    /// A partner's rights.
    pub fn rights(&self) -> Option<&Rights> {
        match self {
            Self::Partner(rights) => Some(rights),
            Self::Public | Self::Own(_) | Self::All => None,
        }
    }

    /// How much of an article is shown.
    pub fn text(&self) -> TextRight {
        self.rights().map(|rights| rights.text).unwrap_or_default()
    }
}
