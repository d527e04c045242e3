//! Tokens of an outside issuer.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use kiosque::config::{KeySource, TrustedIssuer};
use serde_json::{Value, json};

use super::token_kinds::{
    claims, encoded, hs256, pem, secret, status, token, with, with_ada, without,
};
use crate::support::app::{SECRET, noon};
use crate::support::{App, Place, places};

/// The public half of a key as JSON.
fn jwk(key: &EncodingKey, algorithm: Algorithm, kid: &str) -> Value {
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(key, algorithm).unwrap()).unwrap();
    jwk["kid"] = json!(kid);
    jwk
}

#[test]
fn tokens_of_an_outside_issuer_count_by_its_published_keys() {
    let rsa = EncodingKey::from_rsa_pem(&pem("rsa.pem")).unwrap();
    let ec = EncodingKey::from_ec_pem(&pem("p256.pem")).unwrap();
    let ed = EncodingKey::from_ed_pem(&pem("ed25519.pem")).unwrap();
    let set = json!({"keys": [
        jwk(&rsa, Algorithm::RS256, "r"),
        jwk(&ec, Algorithm::ES256, "e"),
        jwk(&ed, Algorithm::EdDSA, "d"),
        {"kty": "oct", "kid": "o", "k": encoded(SECRET)},
    ]});
    for place in places() {
        let path = place.folder.path().join("jwks.json");
        std::fs::write(&path, set.to_string()).unwrap();
        let app = with_ada(App::configured(place, |config| {
            config.identity.trusted = Some(TrustedIssuer {
                issuer: "https://login.example/news".to_owned(),
                audience: "kiosque-outside".to_owned(),
                keys: KeySource::File(path),
                role_claim: "roles".to_owned(),
            });
        }));
        let outside = json!({
            "iss": "https://login.example/news", "aud": "kiosque-outside", "sub": "ada",
            "exp": noon().timestamp() + 60, "roles": ["staff", "editor", "reader"],
        });
        let signed = |header: Value, claims: &Value, key: &EncodingKey, algorithm| {
            token(&header.to_string(), &claims.to_string(), key, algorithm)
        };
        let kinds = [
            (&rsa, Algorithm::RS256, "RS256", "r"),
            (&ec, Algorithm::ES256, "ES256", "e"),
            (&ed, Algorithm::EdDSA, "EdDSA", "d"),
        ];
        for (key, algorithm, alg, kid) in kinds {
            for header in [
                json!({"alg": alg, "kid": kid}),
                json!({"alg": alg, "kid": kid, "typ": "JWT"}),
                json!({"alg": alg, "typ": "at+jwt"}),
            ] {
                let token = signed(header.clone(), &outside, key, algorithm);
                let reply =
                    app.get_with("/v1/me", &[("authorization", &format!("Bearer {token}"))]);
                let me = json!({"name": "outside:ada@login.example/news", "role": "editor"});
                assert_eq!((reply.status, reply.json()), (200, me), "{header}");
            }
            for (_, _, other, other_kid) in kinds {
                for header in [
                    json!({"alg": other, "kid": kid}),
                    json!({"alg": alg, "kid": other_kid}),
                ] {
                    let expected = if other == alg { 200 } else { 401 };
                    let token = signed(header.clone(), &outside, key, algorithm);
                    assert_eq!(status(&app, &token), expected, "{header} by {alg}");
                }
            }
            for header in [
                json!({"alg": "none", "kid": kid}),
                json!({"alg": alg, "kid": kid, "typ": "logout+jwt"}),
            ] {
                assert_eq!(status(&app, &signed(header, &outside, key, algorithm)), 401);
            }
            // Signed by a key of the other issuer, in the name of ours.
            let header = json!({"alg": alg, "kid": kid, "typ": "at+jwt"});
            assert_eq!(
                status(&app, &signed(header, &claims(), key, algorithm)),
                401
            );
        }
        let header = || json!({"alg": "RS256", "kid": "r"});
        for bad in [
            with(outside.clone(), "iss", json!("https://login.example/other")),
            with(outside.clone(), "aud", json!("kiosque")),
            with(outside.clone(), "exp", json!(noon().timestamp() - 30)),
            with(outside.clone(), "sub", json!("")),
            with(outside.clone(), "sub", json!("a\nb")),
            with(outside.clone(), "sub", json!("x".repeat(201))),
            without(outside.clone(), "sub"),
            without(outside.clone(), "exp"),
            without(outside.clone(), "aud"),
        ] {
            assert_eq!(
                status(&app, &signed(header(), &bad, &rsa, Algorithm::RS256)),
                401,
                "{bad}"
            );
        }
        // Our own secret says nothing in the name of the other issuer, whatever its set holds.
        for kid in ["o", "r"] {
            let header = json!({"alg": "HS256", "kid": kid});
            assert_eq!(
                status(&app, &signed(header, &outside, &secret(), Algorithm::HS256)),
                401
            );
        }
        assert_eq!(
            status(
                &app,
                &signed(
                    header(),
                    &without(outside.clone(), "roles"),
                    &rsa,
                    Algorithm::RS256
                )
            ),
            200
        );
        assert_eq!(status(&app, &hs256(&claims())), 200, "our own still count");

        let token = signed(header(), &outside, &rsa, Algorithm::RS256);
        let out = app.write(
            "DELETE",
            "/v1/tokens",
            &format!("Bearer {token}"),
            &[],
            None,
        );
        assert_eq!((out.status, status(&app, &token)), (204, 401));
    }
}

/// A server of keys that answers everyone with this, and how often it was asked.
fn serving(answer: String) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            counter.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 4_096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (url, asked)
}

#[test]
fn published_keys_are_fetched_once_and_not_for_every_stranger() {
    let rsa = EncodingKey::from_rsa_pem(&pem("rsa.pem")).unwrap();
    let set = json!({"keys": [jwk(&rsa, Algorithm::RS256, "r")]}).to_string();
    let whole = format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{set}",
        set.len()
    );
    let (elsewhere, followed) = serving(whole.clone());
    let moved = format!("HTTP/1.1 302 Found\r\nlocation: {elsewhere}\r\ncontent-length: 0\r\n\r\n");
    let huge = format!("HTTP/1.1 200 OK\r\n\r\n{}{set}", " ".repeat(2 << 20));
    for (answer, expected) in [(whole, 200), (moved, 401), (huge, 401)] {
        let (url, asked) = serving(answer);
        let app = App::configured(Place::sqlite(), |config| {
            config.identity.trusted = Some(TrustedIssuer {
                issuer: "https://login.example".to_owned(),
                audience: "k".to_owned(),
                keys: KeySource::Url(url),
                role_claim: "role".to_owned(),
            });
        });
        assert_eq!(asked.load(Ordering::SeqCst), 0, "not before it is needed");
        let claims = json!({
            "iss": "https://login.example", "aud": "k", "sub": "ada", "exp": noon().timestamp() + 60,
        });
        let of = |kid: &str| {
            let header = json!({"alg": "RS256", "kid": kid}).to_string();
            token(&header, &claims.to_string(), &rsa, Algorithm::RS256)
        };
        for _ in 0..3 {
            assert_eq!(status(&app, &of("r")), expected);
            assert_eq!(status(&app, &of("unknown")), 401);
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
    assert_eq!(
        followed.load(Ordering::SeqCst),
        0,
        "no redirect is followed"
    );
}

#[test]
fn no_one_waits_for_an_issuer_that_does_not_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    let app = App::configured(Place::sqlite(), |config| {
        config.identity.trusted = Some(TrustedIssuer {
            issuer: "https://login.example".to_owned(),
            audience: "k".to_owned(),
            keys: KeySource::Url(url),
            role_claim: "role".to_owned(),
        });
    });
    let rsa = EncodingKey::from_rsa_pem(&pem("rsa.pem")).unwrap();
    let claims = json!({
        "iss": "https://login.example", "aud": "k", "sub": "ada", "exp": noon().timestamp() + 60,
    });
    let header = json!({"alg": "RS256", "kid": "unknown"}).to_string();
    let token = token(&header, &claims.to_string(), &rsa, Algorithm::RS256);
    std::thread::scope(|scope| {
        scope.spawn(|| status(&app, &token));
        // It is connected to, and says nothing.
        let _silent = listener.accept().unwrap();
        let begun = std::time::Instant::now();
        for _ in 0..50 {
            assert_eq!(status(&app, &token), 401);
        }
        let took = begun.elapsed();
        assert!(took < std::time::Duration::from_secs(3), "{took:?}");
    });
}
