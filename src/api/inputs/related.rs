//! What may be asked of related lookups.

use chrono::{DateTime, Utc};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use crate::api::params::Params;
use crate::content::language::Language;
use crate::content::tag_filter::TagFilter;
use crate::content::time::DateMeans;
use crate::error::Result;
use crate::related;

/// Neighbours a related lookup gives at the most.
pub const MAX_RELATED: usize = 50;
pub const DEFAULT_RELATED: usize = 12;
/// Articles that a related lookup leaves out at the most.
pub const MAX_EXCLUDED: usize = 100;
/// Articles whose common neighbours are looked up at the most.
const MAX_SEVERAL: usize = 20;

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)]
pub struct RelatedParams {
    /// Neighbours to give.
    #[param(minimum = 1, maximum = 50, default = 12)]
    limit: Option<u32>,
    /// Articles to leave out, by slug or id, parted by commas; at most 100.
    exclude: Option<String>,
    /// Published not before: an RFC 3339 time or a date.
    from: Option<String>,
    /// BCP 47, or `any`; each article's own where it is not given.
    #[param(example = "any")]
    language: Option<String>,
    /// Only neighbours with these tags, as in `/v1/articles`.
    tag: Option<String>,
}

/// How neighbours are to be chosen; names are still names.
#[derive(Debug)]
pub struct RelatedInput {
    pub limit: usize,
    pub exclude: Vec<String>,
    pub from: Option<DateTime<Utc>>,
    pub language: related::Language,
    pub tags: Option<TagFilter<String>>,
}

impl Default for RelatedInput {
    fn default() -> Self {
        Self {
            limit: DEFAULT_RELATED,
            exclude: Vec::new(),
            from: None,
            language: related::Language::Own,
            tags: None,
        }
    }
}

impl RelatedInput {
    /// # Errors
    /// 400, naming every parameter that is not as documented.
    pub fn parse(query: &str) -> Result<Self> {
        let mut params = Params::of::<RelatedParams>(query);
        let input = Self::read(&mut params);
        params.finish()?;
        Ok(input)
    }

    /// Whether the nearest of all are asked for, and no more than are kept.
    pub fn is_plain(&self) -> bool {
        self.exclude.is_empty()
            && self.from.is_none()
            && self.tags.is_none()
            && self.language == related::Language::Own
            && self.limit <= related::RANKED
    }

    fn read(params: &mut Params) -> Self {
        let limit = params.number("limit", 1..=MAX_RELATED);
        let exclude = params.parsed("exclude", |text| names(text, MAX_EXCLUDED));
        let from = params.time("from", DateMeans::ItsStart);
        let language = params.parsed("language", |text| match text {
            "any" => Ok(related::Language::Any),
            text => Language::parse(text)
                .map(|language| related::Language::Is(language.as_str().to_owned())),
        });
        let tags = params.parsed("tag", TagFilter::parse);
        Self {
            limit: limit.unwrap_or(DEFAULT_RELATED),
            exclude: exclude.unwrap_or_default(),
            from,
            language: language.unwrap_or(related::Language::Own),
            tags,
        }
    }
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)]
struct IdsParam {
    /// The articles, by slug or id, parted by commas; 1 to 20. Those that are not public are passed over.
    #[param(example = "khettaras-jorf-nettoyage,dessalement-agadir-eau-agricole")]
    ids: String,
}

/// `ids`, and whatever the lookup for one article takes.
pub struct SeveralParams;

impl IntoParams for SeveralParams {
    fn into_params(parameter_in: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut params = IdsParam::into_params(&parameter_in);
        params.extend(RelatedParams::into_params(&parameter_in));
        params
    }
}

#[derive(Debug)]
pub struct SeveralInput {
    /// Slugs and ids.
    pub names: Vec<String>,
    pub related: RelatedInput,
}

impl SeveralInput {
    /// # Errors
    /// 400, naming every parameter that is not as documented.
    pub fn parse(query: &str) -> Result<Self> {
        let mut params = Params::of::<SeveralParams>(query);
        let names = params.parsed("ids", |text| match names(text, MAX_SEVERAL)? {
            names if names.is_empty() => Err("names no article".to_owned()),
            names => Ok(names),
        });
        let names = params.required("ids", names);
        let related = RelatedInput::read(&mut params);
        params.finish()?;
        Ok(Self {
            names: names.unwrap_or_default(),
            related,
        })
    }
}

/// Names of articles parted by commas, of which there may be `max`.
fn names(text: &str, max: usize) -> Result<Vec<String>, String> {
    let names: Vec<String> = text
        .split(',')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    match names.len() <= max {
        true => Ok(names),
        false => Err(format!("has more than {max} articles")),
    }
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)]
pub struct RelatedTagParams {
    /// Tags to give.
    #[param(minimum = 1, maximum = 50, default = 12)]
    limit: Option<u32>,
}

/// # Errors
/// 400, naming every parameter that is not as documented.
pub fn parse_related_tags(query: &str) -> Result<usize> {
    let mut params = Params::of::<RelatedTagParams>(query);
    let limit = params.number("limit", 1..=MAX_RELATED);
    params.finish()?;
    Ok(limit.unwrap_or(DEFAULT_RELATED))
}
