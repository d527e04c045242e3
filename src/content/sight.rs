//! Which articles and tags a caller may know of.

use crate::content::role::Role;

/// What is hidden from a caller is not there: in no list, no count and no answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sight {
    /// What is published, as everyone sees it.
    #[default]
    Public,
    /// That, and what this author made.
    Own(String),
    /// Everything that is not deleted.
    All,
}

impl Sight {
    /// What someone of this name and role sees.
    pub fn of(name: &str, role: Role) -> Self {
        match role {
            Role::Reader | Role::Partner => Self::Public,
            Role::Author => Self::Own(name.to_owned()),
            Role::Editor | Role::Admin => Self::All,
        }
    }

    /// Whether what `maker` made is seen even while it is not public.
    pub fn reaches(&self, maker: Option<&str>) -> bool {
        match self {
            Self::Public => false,
            Self::Own(name) => maker == Some(name),
            Self::All => true,
        }
    }

    /// Whether this is what everyone sees.
    pub fn is_public(&self) -> bool {
        *self == Self::Public
    }
}
