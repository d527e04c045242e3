//! An article with everything, for the tests of the formats.

use crate::config::Config;
use crate::content::article::{Image, Rights, Source};
use crate::syndication::item::{Body, Item, Tag};
use crate::syndication::publication::Publication;

pub fn publication() -> Publication {
    Publication::new(&Config::from_variables(&Default::default()).unwrap())
}

pub fn item() -> Item {
    Item {
        id: "01921c5e-7a1a-7000-8000-000000000001".to_owned(),
        slug: "crue".to_owned(),
        address: "https://news.example/crue".to_owned(),
        language: "fr".to_owned(),
        headline: "La crue".to_owned(),
        standfirst: Some("Trois villages.".to_owned()),
        summary: Some("Eau & boue".to_owned()),
        byline: Some("Salma Idrissi".to_owned()),
        body: Some(Body {
            html: "<p>Texte.</p>".to_owned(),
            text: "Texte.".to_owned(),
            word_count: 1,
        }),
        image: Some(Image {
            url: "https://news.example/crue.jpg".to_owned(),
            alt: Some("Le pont".to_owned()),
            caption: None,
            credit: Some("N. B.".to_owned()),
            width: Some(800),
            height: None,
        }),
        source: Some(Source {
            name: "Agence".to_owned(),
            url: None,
        }),
        canonical_url: None,
        rights: Rights {
            license: Some("CC-BY-4.0".to_owned()),
            attribution: Some("© Agence".to_owned()),
            syndicatable: true,
        },
        tags: vec![Tag {
            slug: "eau".to_owned(),
            name: "Eau".to_owned(),
            kind: "section".to_owned(),
        }],
        translations: Vec::new(),
        published_at: Some("2024-03-01T09:00:00Z".parse().unwrap()),
        first_published_at: Some("2024-03-01T09:00:00Z".parse().unwrap()),
        updated_at: "2024-02-01T09:00:00Z".parse().unwrap(),
        version: 3,
    }
}
