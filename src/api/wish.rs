//! What a request says of the form of its answer: the content coding, and what it has already.

use std::cell::RefCell;

use actix_web::HttpMessage;
use actix_web::http::Method;
use actix_web::http::header::{
    self, AcceptEncoding, ContentEncoding, Encoding, Header, HeaderMap, HeaderValue,
};

/// A content coding that we speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    Identity,
    Gzip,
    Brotli,
    Zstd,
}

impl Coding {
    pub const ALL: [Self; 4] = [Self::Identity, Self::Gzip, Self::Brotli, Self::Zstd];
    pub const COMPRESSED: [Self; 3] = [Self::Gzip, Self::Brotli, Self::Zstd];

    /// As `Content-Encoding` names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }
}

/// What a request wishes.
#[derive(Clone, Debug)]
pub struct Wish {
    coding: Coding,
    if_none_match: Vec<HeaderValue>,
}

impl Wish {
    pub fn of(method: &Method, message: &impl HttpMessage) -> Self {
        let headers = message.headers();
        let safe = matches!(*method, Method::GET | Method::HEAD);
        let known = headers.get_all(header::IF_NONE_MATCH).filter(|_| safe);
        Self {
            coding: coding(headers, message),
            if_none_match: known.cloned().collect(),
        }
    }

    pub fn coding(&self) -> Coding {
        self.coding
    }

    /// Whether the caller has anything.
    pub fn knows_any(&self) -> bool {
        !self.if_none_match.is_empty()
    }

    /// Whether the caller has what this strong entity tag names (RFC 9110 section 13.1.2). Only a tag tells: a
    /// translation or a tag can change what an article shows and leave its date alone, so `If-Modified-Since` is not
    /// looked at.
    pub fn knows(&self, tag: &HeaderValue) -> bool {
        self.if_none_match.iter().any(|known| {
            // A quotation mark stands nowhere within a tag: where the whole is found, weak or strong, it is one of
            // the list.
            let known = known.as_bytes();
            known == tag.as_bytes() || known == b"*" || contains(known, tag.as_bytes())
        })
    }
}

fn contains(list: &[u8], tag: &[u8]) -> bool {
    list.len() > tag.len() && list.windows(tag.len()).any(|part| part == tag)
}

thread_local! {
    /// What was negotiated last: most requests to a thread say the same.
    static LAST: RefCell<(Vec<u8>, Coding)> = const { RefCell::new((Vec::new(), Coding::Identity)) };
}

/// Longer wishes are not remembered.
const MEMORABLE: usize = 200;

fn coding(headers: &HeaderMap, message: &impl HttpMessage) -> Coding {
    let mut wishes = headers.get_all(header::ACCEPT_ENCODING);
    let (first, second) = (wishes.next(), wishes.next());
    match (first, second) {
        (None, _) => Coding::Identity,
        (Some(wish), None) if wish.len() <= MEMORABLE => LAST.with_borrow_mut(|(text, coding)| {
            if text != wish.as_bytes() {
                *coding = negotiated(message);
                text.clear();
                text.extend_from_slice(wish.as_bytes());
            }
            *coding
        }),
        _ => negotiated(message),
    }
}

fn negotiated(message: &impl HttpMessage) -> Coding {
    let supported = [
        Encoding::brotli(),
        Encoding::zstd(),
        Encoding::gzip(),
        Encoding::identity(),
    ];
    let accepted = AcceptEncoding::parse(message).ok();
    match accepted.and_then(|accepted| accepted.negotiate(supported.iter())) {
        Some(Encoding::Known(ContentEncoding::Brotli)) => Coding::Brotli,
        Some(Encoding::Known(ContentEncoding::Zstd)) => Coding::Zstd,
        Some(Encoding::Known(ContentEncoding::Gzip)) => Coding::Gzip,
        _ => Coding::Identity,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn wish(headers: &[(&str, &str)]) -> Wish {
        let mut request = TestRequest::get();
        for header in headers {
            request = request.append_header(*header);
        }
        Wish::of(&Method::GET, &request.to_http_request())
    }

    #[test]
    fn the_best_coding_is_chosen_also_when_it_was_just_asked_otherwise() {
        for (accepted, coding) in [
            ("gzip, deflate, br, zstd", Coding::Brotli),
            ("gzip", Coding::Gzip),
            ("gzip", Coding::Gzip),
            ("zstd;q=1, br;q=0.2", Coding::Zstd),
            ("gzip;q=0", Coding::Identity),
            ("", Coding::Identity),
            ("br;q=nonsense", Coding::Identity),
        ] {
            assert_eq!(
                wish(&[("accept-encoding", accepted)]).coding,
                coding,
                "{accepted}"
            );
        }
        assert_eq!(wish(&[]).coding, Coding::Identity);
        let twice = wish(&[
            ("accept-encoding", "identity;q=0.5"),
            ("accept-encoding", "gzip"),
        ]);
        assert_eq!(twice.coding, Coding::Gzip);
    }

    #[test]
    fn a_known_tag_is_found_in_any_list() {
        let tag = HeaderValue::from_static("\"a.b\"");
        let knows = |known: &str| wish(&[("if-none-match", known)]).knows(&tag);
        for known in [
            "\"a.b\"",
            "W/\"a.b\"",
            "\"x\", \"a.b\"",
            "\"a.b\",\"x\"",
            "*",
        ] {
            assert!(knows(known), "{known}");
        }
        for known in ["\"a\"", "a.b", "\"xa.b\"", "\"a.b-gzip\"", ""] {
            assert!(!knows(known), "{known}");
        }
        let twice = wish(&[("if-none-match", "\"x\""), ("if-none-match", "\"a.b\"")]);
        assert!(twice.knows(&tag));
        assert!(!wish(&[]).knows(&tag));
    }
}
