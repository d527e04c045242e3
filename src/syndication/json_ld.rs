//! An article as search engines read it: schema.org's NewsArticle in JSON-LD.

use serde_json::{Map, Value, json};

use crate::syndication::item::{Item, rfc3339};
use crate::syndication::publication::Publication;

/// Characters of a headline that search engines show.
const MAX_HEADLINE: usize = 110;

/// Members without a value are left out.
pub fn news_article(item: &Item, publication: &Publication) -> Value {
    let body = item.body.as_ref();
    let sections: Vec<&str> = item
        .tagged("section")
        .map(|tag| tag.name.as_str())
        .collect();
    let keywords: Vec<&str> = item.tags.iter().map(|tag| tag.name.as_str()).collect();
    let image = item.image.as_ref().map(|image| {
        present(json!({
            "@type": "ImageObject",
            "url": image.url,
            "width": image.width,
            "height": image.height,
            "caption": image.caption.as_ref().or(image.alt.as_ref()),
            "creditText": image.credit,
        }))
    });
    present(json!({
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "@id": item.urn(),
        "mainEntityOfPage": {"@type": "WebPage", "@id": item.address},
        "url": item.address,
        "headline": shortened(&item.headline),
        "description": item.summary,
        "image": image.map(|image| vec![image]),
        "datePublished": item.published_at.map(rfc3339),
        "dateModified": rfc3339(item.changed_at()),
        "author": author(item, publication),
        "publisher": publisher(publication),
        "sourceOrganization": item.source.as_ref().map(|source| {
            present(json!({"@type": "Organization", "name": source.name, "url": source.url}))
        }),
        "keywords": (!keywords.is_empty()).then_some(keywords),
        "articleSection": (!sections.is_empty()).then_some(sections),
        "wordCount": body.map(|body| body.word_count),
        "inLanguage": item.language,
        "isAccessibleForFree": true,
        "isBasedOn": item.original(),
        "license": item.rights.license.as_deref().filter(|license| license.starts_with("http")),
        "copyrightNotice": item.rights_line(),
    }))
}

fn author(item: &Item, publication: &Publication) -> Value {
    let is_house = |name: &str| {
        let source = item.source.as_ref().map(|source| source.name.as_str());
        name == publication.publisher || source == Some(name)
    };
    match item.byline.as_deref() {
        Some(name) if !is_house(name) => json!([{"@type": "Person", "name": name}]),
        Some(name) => json!([{"@type": "Organization", "name": name}]),
        None => json!([{"@type": "Organization", "name": publication.publisher}]),
    }
}

fn publisher(publication: &Publication) -> Value {
    let logo = publication.icon.as_ref();
    present(json!({
        "@type": "Organization",
        "name": publication.publisher,
        "url": publication.site_url,
        "logo": logo.map(|url| json!({"@type": "ImageObject", "url": url})),
    }))
}

fn present(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .collect::<Map<_, _>>()
            .into(),
        value => value,
    }
}

/// Whole words, as many as are shown.
fn shortened(headline: &str) -> String {
    if headline.chars().count() <= MAX_HEADLINE {
        return headline.to_owned();
    }
    let cut: String = headline.chars().take(MAX_HEADLINE - 1).collect();
    let whole = cut.rfind(char::is_whitespace).unwrap_or(cut.len());
    format!("{}…", cut[..whole].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syndication::fixture;

    #[test]
    fn a_headline_is_cut_to_what_is_shown() {
        let mut item = fixture::item();
        for headline in ["mot ".repeat(60), "à".repeat(300)] {
            item.headline = headline;
            let found = news_article(&item, &fixture::publication());
            let shown = found["headline"].as_str().unwrap();
            assert!(shown.chars().count() <= MAX_HEADLINE && shown.ends_with('…'));
        }
    }

    #[test]
    fn it_changed_when_it_came_out_and_nothing_is_null() {
        let found = news_article(&fixture::item(), &fixture::publication());
        assert_eq!(found["dateModified"], "2024-03-01T09:00:00Z");
        assert_eq!(found["author"][0]["name"], "Salma Idrissi");
        assert_eq!(found["articleSection"], json!(["Eau"]));
        assert!(
            found
                .as_object()
                .unwrap()
                .values()
                .all(|value| !value.is_null())
        );
        assert!(found["image"][0].get("height").is_none());
    }
}
