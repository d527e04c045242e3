//! What tells that an article of WordPress is not, or not wholly, for everyone. WordPress itself knows only passwords:
//! plug-ins add fields, blocks and shortcodes of their own, and the export has the whole text.

use crate::transfer::sources::wxr::parts::Element;
use crate::transfer::sources::wxr::site;

/// Fields of plug-ins that name who may read.
const FIELDS: [&str; 6] = [
    "_members_access_role",
    "rcp_subscription_level",
    "rcp_access_level",
    "_is_paid",
    "memberful_acl",
    "_leaky_paywall_visibility",
];
/// Blocks around or before what only some may read.
const BLOCKS: [&str; 10] = [
    "premium-content/",
    "jetpack/paywall",
    "pmpro/",
    "memberful/",
    "memberpress/",
    "woocommerce-memberships/",
    "members/",
    "rcp/",
    "restrict-content",
    "leaky-paywall",
];
/// Beginnings of shortcodes that do the same.
const SHORTCODES: [&str; 24] = [
    "members",
    "member",
    "restrict",
    "wcm_",
    "memberful",
    "pmpro",
    "mepr",
    "rcp_",
    "not_logged_in",
    "is_paid",
    "is_free",
    "paywall",
    "leaky",
    "subscriber",
    "swpm",
    "s2if",
    "ihc-",
    "wlm_",
    "wlm-",
    "um_loggedin",
    "loggedin",
    "logged_in",
    "passster",
    "emember",
];

/// What the article of this text is for others than everyone by, or `None`.
pub fn sign(post: &Element, content: &str) -> Option<String> {
    if let Some(readers) = readers(post) {
        return Some(format!("articles for {readers:?} only"));
    }
    let content = content.to_ascii_lowercase();
    let block = after_each(&content, "wp:").find(|rest| begins(rest, &BLOCKS));
    if let Some(block) = block {
        let name = name(block, |c| c == '/');
        return Some(format!(
            "articles with a part for some readers (block {name})"
        ));
    }
    // "[[word]]" is how one writes of shortcodes.
    let mut codes = content.match_indices('[').filter(|(at, _)| {
        !content[..*at].ends_with('[') && begins(&content[at + 1..], &SHORTCODES)
    });
    let (at, _) = codes.next()?;
    let name = name(&content[at + 1..], |_| false);
    Some(format!("articles with a part for some readers ([{name}])"))
}

fn readers(post: &Element) -> Option<String> {
    let newsletter = site::metas(post, "_jetpack_newsletter_access");
    let mut newsletter = newsletter.filter(|readers| !matches!(*readers, "" | "everybody"));
    if let Some(readers) = newsletter.next() {
        return Some(readers.to_owned());
    }
    let is_set = |value: &str| {
        let value = value.trim().to_ascii_lowercase();
        !matches!(
            value.as_str(),
            "" | "0" | "none" | "all" | "false" | "a:0:{}"
        )
    };
    let field = FIELDS
        .into_iter()
        .find(|field| site::metas(post, field).any(is_set))?;
    Some(field.trim_start_matches('_').to_owned())
}

fn after_each<'a>(text: &'a str, mark: &'a str) -> impl Iterator<Item = &'a str> {
    text.match_indices(mark)
        .map(move |(at, _)| &text[at + mark.len()..])
}

fn begins(text: &str, names: &[&str]) -> bool {
    names.iter().any(|name| text.starts_with(name))
}

/// The name that begins a text, short enough for a message.
fn name(text: &str, also: impl Fn(char) -> bool) -> String {
    let is_name = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_') || also(*c);
    text.chars().take_while(is_name).take(40).collect()
}
