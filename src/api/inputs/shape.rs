//! Which members of an article an answer has.

use crate::api::params::Params;
use crate::api::views::FIELDS;
use crate::content::sight::Sight;
use crate::store::shown::Parts;

/// Which members of an article an answer has, and what must be looked up for them.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// `None`: all that were looked up.
    pub members: Option<Vec<&'static str>>,
    pub body: bool,
    pub related: bool,
    pub related_tags: bool,
    pub translations: bool,
    pub json_ld: bool,
    /// Whose eyes it is for: those who may edit an article see more of it, and partners may see less.
    pub sight: Sight,
}

/// The members that `include=body` brings.
const BODY: [&str; 4] = ["body_html", "body_text", "word_count", "reading_minutes"];

/// Lists leave the long members out until they are asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ShapeOf {
    List,
    One,
}

impl Shape {
    /// Everything that a read of one article has by itself.
    pub fn whole(sight: Sight) -> Self {
        Self {
            body: true,
            translations: true,
            sight,
            ..Self::default()
        }
    }

    /// The same for all requests that ask the same.
    pub fn question(&self) -> String {
        let mut members = self.members.clone();
        if let Some(members) = &mut members {
            members.sort_unstable();
            members.dedup();
        }
        let looked_up = (
            self.body,
            self.related,
            self.related_tags,
            self.translations,
            self.json_ld,
        );
        format!("{members:?} {looked_up:?}")
    }

    /// What comes with the rows.
    pub fn parts(&self) -> Parts {
        Parts {
            body: self.body,
            translations: self.translations,
            shift: self
                .sight
                .rights()
                .map(|rights| rights.shift)
                .unwrap_or_default(),
        }
    }

    /// Whether all of it comes with the rows.
    pub fn is_plain(&self) -> bool {
        let by_rows_alone = match &self.sight {
            Sight::Public => true,
            // The tags of translations would be asked for.
            Sight::Partner(rights) => rights.tags.is_none(),
            Sight::Own(_) | Sight::All => false,
        };
        !self.related && !self.related_tags && by_rows_alone
    }

    /// Whether it is what a read of one article has by itself, for the public.
    pub fn is_whole(&self) -> bool {
        self.is_usual() && self.body && self.translations
    }

    /// Whether it is what lists show of an article to the public, no more and no less.
    pub fn is_listed(&self) -> bool {
        self.is_usual() && !(self.body || self.translations)
    }

    /// Whether it is for the public, with nothing left out and nothing that has to be derived.
    fn is_usual(&self) -> bool {
        self.sight == Sight::Public
            && self.members.is_none()
            && !(self.related || self.related_tags || self.json_ld)
    }

    pub(super) fn read(params: &mut Params, of: ShapeOf) -> Self {
        let known = ["body", "related", "related_tags", "translations", "json_ld"];
        let include = params.words("include", &known).unwrap_or_default();
        let members = params.words("fields", FIELDS).map(|mut members| {
            for included in &include {
                match *included {
                    "body" => members.extend(BODY),
                    other => members.push(other),
                }
            }
            members
        });
        let wanted = |member: &str| match &members {
            Some(members) => members.contains(&member),
            None => of == ShapeOf::One,
        };
        Self {
            body: include.contains(&"body") || BODY.into_iter().any(wanted),
            translations: include.contains(&"translations") || wanted("translations"),
            related: include.contains(&"related"),
            related_tags: include.contains(&"related_tags"),
            json_ld: include.contains(&"json_ld"),
            members,
            sight: Sight::Public,
        }
    }
}
