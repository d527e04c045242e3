//! Which tokens count: every algorithm with every key, and claims of every wrong kind.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use kiosque::config::SigningKeys;
use serde_json::{Value, json};

use crate::support::app::{SECRET, noon};
use crate::support::{App, Place, places};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/support/keys")
        .join(name)
}

pub fn pem(name: &str) -> Vec<u8> {
    std::fs::read(file(name)).unwrap()
}

pub fn encoded(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

/// A token of these very texts.
pub fn token(header: &str, claims: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    let message = format!("{}.{}", encoded(header), encoded(claims));
    let signature = crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

pub fn secret() -> EncodingKey {
    EncodingKey::from_secret(SECRET.as_bytes())
}

pub fn claims() -> Value {
    json!({
        "iss": "kiosque", "aud": "kiosque", "sub": "ada", "jti": "t1", "role": "author",
        "iat": noon().timestamp(), "exp": noon().timestamp() + 900,
    })
}

pub fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

pub fn without(mut claims: Value, name: &str) -> Value {
    claims.as_object_mut().unwrap().remove(name);
    claims
}

const HEADER: &str = r#"{"typ":"at+jwt","alg":"HS256"}"#;

pub fn hs256(claims: &Value) -> String {
    token(HEADER, &claims.to_string(), &secret(), Algorithm::HS256)
}

pub fn status(app: &App, token: &str) -> u16 {
    let bearer = format!("Bearer {token}");
    let reply = app.get_with("/v1/me", &[("authorization", &bearer)]);
    if reply.status == 401 {
        let challenge = reply.header("www-authenticate");
        assert_eq!(
            challenge,
            r#"Bearer realm="kiosque", error="invalid_token""#
        );
    }
    reply.status
}

pub fn with_ada(app: App) -> App {
    app.login("ada", "editor");
    app
}

#[test]
fn a_token_of_our_secret_counts_where_each_claim_is_right() {
    let app = with_ada(App::new());
    let now = noon().timestamp();
    for good in [
        claims(),
        with(claims(), "aud", json!(["other", "kiosque"])),
        with(claims(), "nbf", json!(now)),
        with(claims(), "exp", json!(now as f64 + 0.5)),
        with(claims(), "exp", json!(now - 29)),
        with(claims(), "iat", json!(now + 1)),
        with(claims(), "role", json!("admin")),
        with(claims(), "more", json!({"x": [1]})),
    ] {
        assert_eq!(status(&app, &hs256(&good)), 200, "{good}");
    }
    let me = app.get_with(
        "/v1/me",
        &[(
            "authorization",
            &format!("Bearer {}", hs256(&with(claims(), "role", json!("admin")))),
        )],
    );
    assert_eq!(me.json()["role"], "editor", "no more than the user is");
    for name in ["iss", "aud", "sub", "jti", "role", "iat", "exp"] {
        assert_eq!(
            status(&app, &hs256(&without(claims(), name))),
            401,
            "without {name}"
        );
        for value in [
            json!(null),
            json!(true),
            json!({}),
            json!(""),
            json!(-1),
            json!([7]),
        ] {
            let bad = with(claims(), name, value);
            assert_eq!(status(&app, &hs256(&bad)), 401, "{bad}");
        }
    }
    for (name, value) in [
        ("iss", json!("other")),
        ("aud", json!("other")),
        ("aud", json!(["kiosque", 7])),
        ("sub", json!("bob")),
        ("sub", json!("ADA")),
        ("sub", json!("a\u{0}")),
        ("role", json!("boss")),
        ("role", json!(["author"])),
        ("exp", json!((now + 900).to_string())),
        ("exp", json!(now - 30)),
        ("exp", json!(now - 61)),
        ("exp", json!(1e300)),
        ("nbf", json!(now + 31)),
        ("nbf", json!("0")),
        ("iat", json!(now + 31)),
        ("iat", json!(now - 1)),
        ("sid", json!("none")),
        ("sid", json!(7)),
    ] {
        let bad = with(claims(), name, value);
        assert_eq!(status(&app, &hs256(&bad)), 401, "{bad}");
    }
    let twice = claims()
        .to_string()
        .replacen('{', r#"{"role":"reader","#, 1);
    assert_eq!(
        status(&app, &token(HEADER, &twice, &secret(), Algorithm::HS256)),
        401
    );
}

#[test]
fn a_header_of_another_kind_is_refused() {
    let app = with_ada(App::new());
    let claims = claims().to_string();
    let good = |header: &str| token(header, &claims, &secret(), Algorithm::HS256);
    assert_eq!(status(&app, &good(HEADER)), 200);
    assert_eq!(
        status(&app, &good(r#"{"typ":"application/AT+JWT","alg":"HS256"}"#)),
        200
    );
    for header in [
        r#"{"alg":"HS256"}"#,
        r#"{"typ":"JWT","alg":"HS256"}"#,
        r#"{"typ":7,"alg":"HS256"}"#,
        r#"{"typ":"at+jwt"}"#,
        r#"{"typ":"at+jwt","alg":"none"}"#,
        r#"{"typ":"at+jwt","alg":"None"}"#,
        r#"{"typ":"at+jwt","alg":"HS384"}"#,
        r#"{"typ":"at+jwt","alg":"RS256"}"#,
        r#"{"typ":"at+jwt","alg":["HS256"]}"#,
        r#"{"typ":"at+jwt","alg":"HS256","alg":"HS256"}"#,
        r#"{"typ":"at+jwt","alg":"HS256","kid":"other"}"#,
        r#"{"typ":"at+jwt","alg":"HS256","kid":7}"#,
        r#"{"typ":"at+jwt","alg":"HS256","crit":["b64"],"b64":false}"#,
        r#"{"typ":"at+jwt","alg":"HS256","crit":["x"],"x":1}"#,
        r#"{"typ":"at+jwt","alg":"HS256","crit":[]}"#,
        "[]",
        "",
    ] {
        assert_eq!(status(&app, &good(header)), 401, "{header}");
    }
    let message = format!("{}.{}", encoded(HEADER), encoded(&claims));
    let whole = good(HEADER);
    let signature = whole.rsplit('.').next().unwrap();
    for broken in [
        format!("{message}."),
        message.clone(),
        format!("{message}.{signature}="),
        format!("{message}.{}", &signature[1..]),
        format!("{message}.{signature}.{signature}"),
        format!(
            "{}.{}.",
            encoded(r#"{"typ":"at+jwt","alg":"none"}"#),
            encoded(&claims)
        ),
        format!("{whole}A"),
        "..".to_owned(),
        "x".repeat(7_000),
        token(
            HEADER,
            &claims,
            &EncodingKey::from_secret(b"another"),
            Algorithm::HS256,
        ),
        token(
            r#"{"typ":"at+jwt","alg":"HS384"}"#,
            &claims,
            &secret(),
            Algorithm::HS384,
        ),
    ] {
        assert_eq!(status(&app, &broken), 401, "{broken}");
    }
}

#[test]
fn a_token_without_a_session_ends_alone_or_with_all_of_its_user() {
    for place in places() {
        let app = with_ada(App::on(place));
        let (first, second) = (hs256(&claims()), hs256(&with(claims(), "jti", json!("t2"))));
        let out = app.write(
            "DELETE",
            "/v1/tokens",
            &format!("Bearer {first}"),
            &[],
            None,
        );
        assert_eq!(out.status, 204);
        assert_eq!((status(&app, &first), status(&app, &second)), (401, 200));
        let admin = app.login("root", "admin");
        let change = |body| {
            let any = [("if-match", "*")];
            let reply = app.write("PATCH", "/v1/users/ada", &admin, &any, Some(body));
            assert_eq!(reply.status, 200, "{}", reply.text());
        };
        app.clock.set(noon() + TimeDelta::seconds(1));
        change(json!({"password": "correct horse"}));
        assert_eq!(status(&app, &second), 401, "it was issued before");
        let later = with(claims(), "iat", json!(noon().timestamp() + 1));
        assert_eq!(
            status(&app, &hs256(&with(later.clone(), "jti", json!("t3")))),
            200,
            "in the same second"
        );
        change(json!({"disabled": true}));
        assert_eq!(status(&app, &hs256(&with(later, "jti", json!("t3")))), 401);
    }
}

#[test]
fn of_several_keys_the_first_signs_and_all_verify() {
    let keys = ["ed25519-next.pem", "ed25519.pem"].map(file).to_vec();
    let app = with_ada(App::configured(Place::sqlite(), |config| {
        config.identity.signing = SigningKeys::Files(keys);
    }));
    let set = app.get("/.well-known/jwks.json");
    assert!(set.header("cache-control").contains("public"));
    let set = set.json();
    let kid = |n: usize| set["keys"][n]["kid"].as_str().unwrap().to_owned();
    assert_eq!(set["keys"].as_array().unwrap().len(), 2);
    assert!(
        set["keys"]
            .as_array()
            .unwrap()
            .iter()
            .all(|key| key.get("d").is_none())
    );
    let issued = app.login("bea", "author");
    let header =
        BASE64_URL_SAFE_NO_PAD.decode(issued["Bearer ".len()..].split('.').next().unwrap());
    let header: Value = serde_json::from_slice(&header.unwrap()).unwrap();
    assert_eq!(
        header,
        json!({"typ": "at+jwt", "alg": "EdDSA", "kid": kid(0)})
    );
    assert_eq!(
        app.get_with("/v1/me", &[("authorization", &issued)]).status,
        200
    );

    let claims = claims().to_string();
    let old = EncodingKey::from_ed_pem(&pem("ed25519.pem")).unwrap();
    let signed = |header: Value| token(&header.to_string(), &claims, &old, Algorithm::EdDSA);
    assert_eq!(
        status(
            &app,
            &signed(json!({"typ": "at+jwt", "alg": "EdDSA", "kid": kid(1)}))
        ),
        200
    );
    assert_eq!(
        status(&app, &signed(json!({"typ": "at+jwt", "alg": "EdDSA"}))),
        200
    );
    for header in [
        json!({"typ": "at+jwt", "alg": "EdDSA", "kid": kid(0)}),
        json!({"typ": "at+jwt", "alg": "EdDSA", "kid": "other"}),
        json!({"typ": "at+jwt", "alg": "HS256", "kid": kid(1)}),
        json!({"typ": "at+jwt", "alg": "ES256", "kid": kid(1)}),
    ] {
        assert_eq!(status(&app, &signed(header.clone())), 401, "{header}");
    }
    // The public key, which everyone has, in the place of a secret.
    let x = set["keys"][1]["x"].as_str().unwrap();
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(x).unwrap();
    for public in [
        bytes.as_slice(),
        x.as_bytes(),
        set["keys"][1].to_string().as_bytes(),
    ] {
        let key = EncodingKey::from_secret(public);
        let header = json!({"typ": "at+jwt", "alg": "HS256", "kid": kid(1)}).to_string();
        assert_eq!(
            status(&app, &token(&header, &claims, &key, Algorithm::HS256)),
            401
        );
    }
    let app = App::new();
    assert_eq!(
        app.get("/.well-known/jwks.json").json(),
        json!({"keys": []})
    );
}

#[test]
fn a_token_without_a_session_is_not_from_the_future() {
    let app = with_ada(App::new());
    let at = |seconds: i64| hs256(&with(claims(), "iat", json!(noon().timestamp() + seconds)));
    assert_eq!(status(&app, &at(1)), 200);
    assert_eq!(status(&app, &at(2)), 401);
}
