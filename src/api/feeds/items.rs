//! Articles as feeds have them, with every address absolute.

use crate::api::views::{ArticleView, TranslationView};
use crate::content::absolute::absolute;
use crate::content::article::{Image, Rights, Source};
use crate::syndication::item::{Body, Item, Tag, Translation};
use crate::syndication::json_ld;
use crate::syndication::publication::{Named, Publication, uri};

pub fn items(views: &[ArticleView], publication: &Publication) -> Vec<Item> {
    let item = |view| Item {
        body: body(view, publication),
        ..head(view, publication)
    };
    views.iter().map(item).collect()
}

/// Adds what search engines read.
pub fn include_json_ld(publication: &Publication, views: &mut [ArticleView]) {
    for view in views {
        let item = Item {
            // Of its text only the length is told.
            body: view.word_count.map(|word_count| Body {
                html: String::new(),
                text: String::new(),
                word_count,
            }),
            ..head(view, publication)
        };
        view.json_ld = Some(json_ld::news_article(&item, publication));
    }
}

fn head(view: &ArticleView, publication: &Publication) -> Item {
    let canonical_url = view.canonical_url.as_deref().and_then(uri);
    Item {
        id: view.id.clone(),
        slug: view.slug.clone(),
        address: publication.article(named(view)),
        language: view.language.clone(),
        headline: view.headline.clone(),
        standfirst: view.standfirst.clone(),
        summary: view.trail_text.clone(),
        byline: view.byline.clone(),
        body: None,
        image: image(view),
        source: view.source.as_ref().map(|source| Source {
            name: source.name.clone(),
            url: source.url.as_deref().and_then(uri),
        }),
        canonical_url,
        rights: Rights {
            license: view.rights.license.clone(),
            attribution: view.rights.attribution.clone(),
            syndicatable: view.rights.syndicatable,
        },
        tags: view
            .tags
            .iter()
            .map(|tag| Tag {
                slug: tag.slug.clone(),
                name: tag.name.clone(),
                kind: tag.kind.clone(),
            })
            .collect(),
        translations: view
            .translations
            .iter()
            .flatten()
            .map(|translation| of_translation(translation, publication))
            .collect(),
        published_at: view.published_at,
        first_published_at: view.first_published_at,
        updated_at: view.updated_at,
        version: view.version,
    }
}

fn named(view: &ArticleView) -> Named<'_> {
    Named {
        id: &view.id,
        slug: &view.slug,
        language: &view.language,
        canonical_url: view.canonical_url.as_deref(),
    }
}

fn of_translation(translation: &TranslationView, publication: &Publication) -> Translation {
    Translation {
        language: translation.language.clone(),
        address: publication.article(Named {
            id: &translation.id,
            slug: &translation.slug,
            language: &translation.language,
            canonical_url: translation.canonical_url.as_deref(),
        }),
    }
}

fn body(view: &ArticleView, publication: &Publication) -> Option<Body> {
    let html = view.body_html.as_deref()?;
    let html = match publication.base(named(view)) {
        Some(base) => absolute(html, &base).into_owned(),
        None => html.to_owned(),
    };
    Some(Body {
        html,
        text: view.body_text.clone().unwrap_or_default(),
        word_count: view.word_count.unwrap_or_default(),
    })
}

fn image(view: &ArticleView) -> Option<Image> {
    let image = view.image.as_ref()?;
    Some(Image {
        url: uri(&image.url)?,
        alt: image.alt.clone(),
        caption: image.caption.clone(),
        credit: image.credit.clone(),
        width: image.width,
        height: image.height,
    })
}
