//! The settings of the cache outside that is told what has changed.

use super::Hidden;
use super::values::Values;

#[derive(Clone, Debug)]
pub struct PurgeConfig {
    pub url: String,
    /// A header of the operator's, which may hold a secret: its name and value.
    pub header: Option<(String, Hidden)>,
}

impl PurgeConfig {
    pub(super) fn read(values: &Values) -> Result<Option<Self>, String> {
        let url = values.text("KIOSQUE_PURGE_URL");
        let header = values.text("KIOSQUE_PURGE_HEADER");
        let header = (!header.is_empty())
            .then(|| parse_header(header))
            .transpose()?;
        match url {
            "" if header.is_some() => {
                Err("KIOSQUE_PURGE_HEADER is set, and KIOSQUE_PURGE_URL is not".to_owned())
            }
            "" => Ok(None),
            url if url.starts_with("http://") || url.starts_with("https://") => Ok(Some(Self {
                url: url.to_owned(),
                header,
            })),
            _ => Err("KIOSQUE_PURGE_URL must start with http:// or https://".to_owned()),
        }
    }
}

fn parse_header(text: &str) -> Result<(String, Hidden), String> {
    let parts = text.split_once(':');
    let parts = parts.map(|(name, value)| (name.trim(), value.trim()));
    let is_sound = |(name, value): &(&str, &str)| {
        let in_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        !name.is_empty()
            && name.bytes().all(in_name)
            && !value.is_empty()
            && value.bytes().all(|byte| (b' '..=b'~').contains(&byte))
    };
    match parts.filter(is_sound) {
        Some((name, value)) => Ok((name.to_owned(), Hidden::new(value))),
        None => Err("KIOSQUE_PURGE_HEADER must be a header, as in Name: value".to_owned()),
    }
}
