//! `article_count` of tags, through anything that may move it.

use chrono::TimeDelta;
use serde_json::json;

use crate::support::{App, article, at};

/// What every tag counts against a reading of the articles that bear it, through edits and time.
#[test]
fn a_tag_counts_its_public_articles_whatever_happens() {
    let app = App::new();
    let editor = app.key("editor");
    let mut random = Random(11);
    let mut hour = at("2025-06-01T12:00:00Z");
    let named = |number: usize| format!("theme {number}");
    for step in 0..120 {
        let mut one = article(&format!("a{}", random.below(30)));
        for _ in 0..random.below(4) {
            one = one.tagged(&named(random.below(7)));
        }
        match random.below(12) {
            0 => one = one.status("draft"),
            1 => one = one.status("withdrawn"),
            2 => {
                let later = hour + TimeDelta::hours(2);
                one = one.status("scheduled").published(later);
            }
            3 => one = one.with("expires_at", (hour + TimeDelta::hours(3)).to_rfc3339()),
            4 => one = one.with("embargoed_until", (hour + TimeDelta::hours(1)).to_rfc3339()),
            5 => {
                hour += TimeDelta::minutes(50);
                app.clock.set(hour);
            }
            6 => {
                let path = format!("/v1/articles/a{}", random.below(30));
                app.write("DELETE", &path, &editor, &[], None);
            }
            7 if step % 3 == 0 => {
                let (from, into) = (random.below(7), random.below(7));
                let body = json!({"into": format!("theme-{into}")});
                let path = format!("/v1/tags/theme-{from}/merger");
                app.write("PUT", &path, &editor, &[], Some(body));
            }
            8 => {
                let path = format!("/v1/tags/theme-{}", random.below(7));
                let body = json!({"name": format!("theme {}", random.below(9)), "listed": true});
                app.write("PATCH", &path, &editor, &[], Some(body));
            }
            _ => {}
        }
        if random.below(3) > 0 {
            // What was deleted stays so.
            app.import_text(&one.0.to_string());
        }
        assert_counts(&app, step);
    }
}

fn assert_counts(app: &App, step: usize) {
    let by_count = app.json("/v1/tags?order_by=count&limit=100&count=exact");
    let tags = by_count["data"].as_array().unwrap();
    assert_eq!(by_count["page"]["count"], tags.len(), "{step}");
    let counts = tags.iter().map(|tag| tag["article_count"].as_i64());
    assert!(counts.is_sorted_by(|a, b| a >= b), "{step}: {by_count}");
    for tag in tags {
        let slug = tag["slug"].as_str().unwrap();
        let list = app.json(&format!("/v1/articles?tag={slug}&count=exact&limit=1"));
        assert_eq!(list["page"]["count"], tag["article_count"], "{step} {slug}");
    }
    let mut by_name = app.get("/v1/tags?limit=100").slugs();
    let mut all = app.get("/v1/tags?order_by=count&limit=100").slugs();
    by_name.sort_unstable();
    all.sort_unstable();
    assert_eq!(by_name, all, "{step}");
}

/// A linear congruential generator: the same edits in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % end
    }
}
