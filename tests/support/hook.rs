//! Someone else's server that takes webhooks: well or badly, as the test says.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use standardwebhooks::Webhook;

pub const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// What it does with a request.
#[derive(Clone, Debug)]
pub enum Manner {
    Answer(u16),
    /// With a header.
    With(u16, &'static str, String),
    /// Takes it and never answers.
    Stall,
    /// Ends the connection without an answer.
    Close,
    /// Says that more comes than does.
    BreakOff,
    Huge,
    /// A byte now and then, of headers.
    Drip,
    /// No HTTP.
    Noise,
}

/// A request, in the order of arrival.
#[derive(Clone, Debug)]
pub struct Heard {
    pub headers: HashMap<String, String>,
    pub text: String,
    pub body: Value,
    /// Whether it was answered with success.
    pub is_taken: bool,
    pub at: Instant,
}

impl Heard {
    pub fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    pub fn seq(&self) -> i64 {
        self.body["data"]["seq"].as_i64().unwrap_or(0)
    }

    pub fn event(&self) -> &str {
        self.body["type"].as_str().expect("a type")
    }

    /// Whether someone with this secret takes it, after an implementation that is not ours.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let timestamp = self.headers["webhook-timestamp"].parse().expect("seconds");
        let webhook = Webhook::new(secret).expect("a secret");
        let signature = webhook.sign(self.id(), timestamp, self.text.as_bytes());
        let signature = signature.expect("a signature");
        let mut given = self.headers["webhook-signature"].split(' ');
        given.any(|given| given == signature)
    }

    /// The whole of what a receiver does, the clock included.
    pub fn verify(&self, secret: &str) {
        let mut headers = ureq::http::HeaderMap::new();
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            headers.insert(name, self.headers[name].parse().expect("a value"));
        }
        let webhook = Webhook::new(secret).expect("a secret");
        let verified = webhook.verify(self.text.as_bytes(), &headers);
        verified.unwrap_or_else(|error| panic!("{error}: {self:?}"));
    }
}

type Choose = Box<dyn FnMut(&Value) -> Manner + Send>;

#[derive(Clone)]
pub struct Hook {
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    heard: Mutex<Vec<Heard>>,
    came: Condvar,
    choose: Mutex<Choose>,
}

impl Hook {
    /// One that takes everything.
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let hook = Self {
            url: format!("http://{}/hook", listener.local_addr().expect("an address")),
            shared: Arc::new(Shared {
                heard: Mutex::default(),
                came: Condvar::new(),
                choose: Mutex::new(Box::new(|_| Manner::Answer(204))),
            }),
        };
        let shared = Arc::clone(&hook.shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || serve(&stream, &shared));
            }
        });
        hook
    }

    pub fn always(&self, manner: Manner) {
        self.choose(move |_| manner.clone());
    }

    /// Decides by the body.
    pub fn choose(&self, choose: impl FnMut(&Value) -> Manner + Send + 'static) {
        *self.shared.choose.lock().expect("a lock") = Box::new(choose);
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.shared.heard.lock().expect("a lock").clone()
    }

    /// Looks at what was heard, without copying it.
    pub fn look<T>(&self, look: impl FnOnce(&[Heard]) -> T) -> T {
        look(&self.shared.heard.lock().expect("a lock"))
    }

    pub fn count(&self) -> usize {
        self.shared.heard.lock().expect("a lock").len()
    }

    pub fn forget(&self) {
        self.shared.heard.lock().expect("a lock").clear();
    }

    /// Waits until what was heard is as it should be.
    pub fn until(
        &self,
        within: Duration,
        what: &str,
        done: impl Fn(&[Heard]) -> bool,
    ) -> Vec<Heard> {
        let deadline = Instant::now() + within;
        let mut heard = self.shared.heard.lock().expect("a lock");
        while !done(&heard) {
            let left = deadline.checked_duration_since(Instant::now());
            let Some(left) = left else {
                let events: Vec<_> = heard.iter().map(|one| (one.event(), one.seq())).collect();
                panic!("not {what}: {} heard, {events:?}", heard.len());
            };
            heard = self
                .shared
                .came
                .wait_timeout(heard, left)
                .expect("a lock")
                .0;
        }
        heard.clone()
    }
}

/// Takes the requests of a connection.
fn serve(stream: &TcpStream, shared: &Shared) -> Option<()> {
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut headers = HashMap::new();
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
            match line.trim_end().split_once(": ") {
                Some((name, value)) => {
                    headers.insert(name.to_ascii_lowercase(), value.to_owned());
                }
                None => break,
            }
        }
        let length = headers.get("content-length")?.parse().ok()?;
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let text = String::from_utf8(body).ok()?;
        let body: Value = serde_json::from_str(&text).unwrap_or_else(|_| text.as_str().into());
        let manner = (shared.choose.lock().expect("a lock"))(&body);
        let is_taken = match &manner {
            Manner::Answer(status) | Manner::With(status, ..) => (200..300).contains(status),
            Manner::BreakOff | Manner::Huge => true,
            _ => false,
        };
        shared.heard.lock().expect("a lock").push(Heard {
            headers,
            text,
            body,
            is_taken,
            at: Instant::now(),
        });
        shared.came.notify_all();
        answer(stream, &manner)?;
    }
}

/// `None` ends the connection.
fn answer(mut stream: &TcpStream, manner: &Manner) -> Option<()> {
    let mut write = |text: &str| stream.write_all(text.as_bytes()).ok();
    match manner {
        Manner::Answer(status) => {
            let length = if *status == 204 {
                ""
            } else {
                "content-length: 2\r\n"
            };
            let body = if *status == 204 { "" } else { "ok" };
            write(&format!("HTTP/1.1 {status} X\r\n{length}\r\n{body}"))
        }
        Manner::With(status, name, value) => write(&format!(
            "HTTP/1.1 {status} X\r\n{name}: {value}\r\ncontent-length: 0\r\n\r\n"
        )),
        Manner::Stall => {
            thread::sleep(Duration::from_secs(60));
            None
        }
        Manner::Close => None,
        Manner::BreakOff => {
            write("HTTP/1.1 200 X\r\ncontent-length: 1000\r\n\r\nok")?;
            None
        }
        Manner::Huge => {
            write("HTTP/1.1 200 X\r\ncontent-length: 1000000000\r\n\r\n")?;
            let part = "x".repeat(1 << 16);
            while write(&part).is_some() {}
            None
        }
        Manner::Drip => {
            write("HTTP/1.1 200 X\r\n")?;
            for _ in 0..600 {
                write("x: y\r\n")?;
                thread::sleep(Duration::from_millis(100));
            }
            None
        }
        Manner::Noise => {
            write("220 mail.example ESMTP\r\n")?;
            None
        }
    }
}
