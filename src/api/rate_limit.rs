//! How a key stands with what it may ask for, and how an answer says so.
//!
//! The rate is a bucket of tokens in memory, on each server by itself: a minute's worth, filled evenly. The daily quota is
//! counted by `quota`, across servers.

use std::collections::HashMap;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use chrono::{DateTime, Utc};

use crate::error::Error;

/// draft-ietf-httpapi-ratelimit-headers-09.
pub const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

const MINUTE: f64 = 60.0;
pub const DAY: i64 = 86_400;
/// Buckets beyond which the full ones, which are as good as none, are dropped.
const MANY: usize = 1_000;

/// The buckets of the keys that have a rate.
#[derive(Default)]
pub struct Buckets(HashMap<String, Bucket>);

struct Bucket {
    tokens: f64,
    at: DateTime<Utc>,
    rate: f64,
}

impl Buckets {
    /// Takes a token, where there is one.
    pub fn take(&mut self, key: &str, rate: i32, now: DateTime<Utc>) -> Level {
        if self.0.len() > MANY && !self.0.contains_key(key) {
            self.0.retain(|_, bucket| {
                bucket.fill(now);
                bucket.tokens < bucket.rate
            });
        }
        let rate = f64::from(rate);
        let bucket = self.0.entry(key.to_owned()).or_insert(Bucket {
            tokens: rate,
            at: now,
            rate,
        });
        bucket.rate = rate;
        bucket.fill(now);
        let is_refused = bucket.tokens < 1.0;
        let missing = (1.0 - bucket.tokens) * MINUTE / rate;
        if !is_refused {
            bucket.tokens -= 1.0;
        }
        Level {
            name: "minute",
            quota: rate as i64,
            window: MINUTE as i64,
            // Not negative.
            left: bucket.tokens as i64,
            resets_in: seconds((rate - bucket.tokens) * MINUTE / rate),
            refused_for: is_refused.then(|| seconds(missing)),
        }
    }
}

impl Bucket {
    fn fill(&mut self, now: DateTime<Utc>) {
        let passed = (now - self.at).as_seconds_f64();
        // What a clock that is put back goes through again gives nothing, but no one waits longer than a minute for it.
        if (-MINUTE..0.0).contains(&passed) {
            return;
        }
        self.tokens = (self.tokens + passed.max(0.0) * self.rate / MINUTE).min(self.rate);
        self.at = now;
    }
}

fn seconds(seconds: f64) -> i64 {
    seconds.ceil().max(1.0) as i64
}

/// How a key stands with one of its policies.
#[derive(Clone, Debug)]
pub struct Level {
    pub name: &'static str,
    pub quota: i64,
    /// Seconds.
    pub window: i64,
    pub left: i64,
    /// Seconds until all of it is there again.
    pub resets_in: i64,
    /// Seconds until the next request is let through, where this one is not.
    pub refused_for: Option<i64>,
}

/// How a key stands with all of its policies.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    pub minute: Option<Level>,
    pub day: Option<Level>,
}

impl Standing {
    /// Why the request is not let through.
    pub fn refusal(&self) -> Option<Error> {
        let refused = |level: &Option<Level>| {
            let seconds = level.as_ref()?.refused_for?;
            Some(u32::try_from(seconds).unwrap_or(u32::MAX))
        };
        refused(&self.minute)
            .map(Error::RateExceeded)
            .or_else(|| refused(&self.day).map(Error::QuotaExceeded))
    }

    /// Says it in an answer.
    pub fn tell(&self, headers: &mut HeaderMap) {
        let levels = || [&self.minute, &self.day].into_iter().flatten();
        let said = |item: fn(&Level) -> String| levels().map(item).collect::<Vec<_>>().join(", ");
        let policy = said(|it| format!("\"{}\";q={};w={}", it.name, it.quota, it.window));
        let limit = said(|it| format!("\"{}\";r={};t={}", it.name, it.left, it.resets_in));
        for (name, value) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, limit)] {
            if let Ok(value) = HeaderValue::from_str(&value)
                && !value.is_empty()
            {
                headers.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_bucket_gives_a_minutes_worth_and_fills_evenly() {
        let mut buckets = Buckets::default();
        let start = DateTime::from_timestamp(0, 0).unwrap();
        let mut take = |seconds: i64| buckets.take("k", 6, start + TimeDelta::seconds(seconds));
        let left: Vec<i64> = (0..6).map(|_| take(0).left).collect();
        assert_eq!(left, [5, 4, 3, 2, 1, 0]);
        let refused = take(0);
        assert_eq!((refused.refused_for, refused.left), (Some(10), 0));
        assert_eq!(take(9).refused_for, Some(1));
        assert_eq!(take(10).refused_for, None);
        assert_eq!(take(10).refused_for, Some(10));
        assert_eq!(take(-20).refused_for, Some(10), "the clock was put back");
        assert_eq!(take(10).refused_for, Some(10), "and goes through it again");
        assert_eq!(take(20).refused_for, None);
        assert_eq!(take(-3600).refused_for, Some(10), "far back");
        assert_eq!(take(-3590).refused_for, None, "no one waits for hours");
        assert_eq!(take(3600).left, 5);
    }

    #[test]
    fn full_buckets_are_dropped() {
        let mut buckets = Buckets::default();
        let start = DateTime::from_timestamp(0, 0).unwrap();
        for key in 0..=MANY {
            buckets.take(&key.to_string(), 1, start);
        }
        buckets.take("last", 1, start + TimeDelta::minutes(2));
        assert_eq!(buckets.0.len(), 1);
    }

    #[test]
    fn an_answer_says_both_policies() {
        let level = |name, quota, window| Level {
            name,
            quota,
            window,
            left: 7,
            resets_in: 9,
            refused_for: None,
        };
        let standing = Standing {
            minute: Some(level("minute", 60, 60)),
            day: Some(level("day", 1000, DAY)),
        };
        let mut headers = HeaderMap::new();
        standing.tell(&mut headers);
        assert_eq!(
            headers.get("ratelimit-policy").unwrap(),
            "\"minute\";q=60;w=60, \"day\";q=1000;w=86400"
        );
        assert_eq!(
            headers.get("ratelimit").unwrap(),
            "\"minute\";r=7;t=9, \"day\";r=7;t=9"
        );
        let mut headers = HeaderMap::new();
        Standing::default().tell(&mut headers);
        assert!(headers.is_empty());
    }
}
