//! The pictures that a feed has of an article.

use feed_rs::model::{Link, MediaObject};

use crate::transfer::sources::item::Picture;
use crate::transfer::sources::text;

/// The picture of a media object, or the still of a film.
pub fn picture(media: &MediaObject) -> Option<Picture> {
    let described = media.description.as_ref().or(media.title.as_ref());
    let credits: Vec<&str> = media
        .credits
        .iter()
        .map(|credit| credit.entity.as_str())
        .collect();
    let content = media.content.iter().find_map(|content| {
        let url = content.url.as_ref()?.as_str();
        let kind = content.content_type.as_ref();
        let is_picture = match kind {
            Some(kind) => kind.ty().as_str() == "image",
            None => is_picture(url),
        };
        is_picture.then_some((url, content.width, content.height))
    });
    let still = || {
        let image = &media.thumbnails.first()?.image;
        Some((image.uri.as_str(), image.width, image.height))
    };
    let (url, width, height) = content.or_else(still)?;
    Some(Picture {
        url: text::address(url)?,
        alt: None,
        caption: described.map(|text| text::plain(&text.content)),
        credit: (!credits.is_empty()).then(|| credits.join(", ")),
        width,
        height,
    })
}

/// An enclosure of Atom or an attachment of JSON Feed that is a picture.
pub fn attached(link: &Link) -> Option<Picture> {
    let is_image = link.media_type.as_deref()?.starts_with("image/");
    let url = text::address(&link.href).filter(|_| is_image)?;
    Some(Picture {
        url,
        ..Picture::default()
    })
}

fn is_picture(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let ends = [".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif"];
    ends.iter()
        .any(|end| path.to_ascii_lowercase().ends_with(end))
}
