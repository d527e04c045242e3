//! The address of a PostgreSQL database, taken apart.

use percent_encoding::percent_decode_str;

/// The database's address without its password, and that, for programs that are given them apart.
pub fn parted(url: &str) -> (String, Option<String>) {
    let (url, query) = match url.split_once('?') {
        Some((url, query)) => (url, Some(query)),
        None => (url, None),
    };
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let mut password = None;
    let mut parted = url.to_owned();
    if let Some((scheme, rest)) = url.split_once("://")
        && let Some((user, host)) = rest.rsplit_once('@')
        && let Some((user, secret)) = user.split_once(':')
    {
        password = Some(decoded(secret));
        parted = format!("{scheme}://{user}@{host}");
    }
    let mut kept = Vec::new();
    for parameter in query.into_iter().flat_map(|query| query.split('&')) {
        match parameter.split_once('=') {
            Some(("password", secret)) => password = Some(decoded(secret)),
            _ => kept.push(parameter),
        }
    }
    if !kept.is_empty() {
        parted += &format!("?{}", kept.join("&"));
    }
    (parted, password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_nowhere_in_the_address() {
        for (url, expected, password) in [
            (
                "postgres://a:s%40e:c@h:1/d",
                "postgres://a@h:1/d",
                Some("s@e:c"),
            ),
            ("postgres://a@h/d", "postgres://a@h/d", None),
            (
                "postgres://h/d?password=x%26&sslmode=require",
                "postgres://h/d?sslmode=require",
                Some("x&"),
            ),
            (
                "postgres:///d?host=/run&user=u",
                "postgres:///d?host=/run&user=u",
                None,
            ),
            (
                "postgresql://a:b@c@h/d?password=x",
                "postgresql://a@h/d",
                Some("x"),
            ),
        ] {
            let found = parted(url);
            assert_eq!(
                found,
                (expected.to_owned(), password.map(str::to_owned)),
                "{url}"
            );
        }
    }
}
