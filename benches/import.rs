//! Import speed as a ratio: `cargo bench --bench import -- [ARTICLES]` imports a made-up corpus into SQLite, and
//! then inserts the very rows that came of it into another file by a bare loop.

use std::fmt::Write;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use kiosque::config::DatabaseUrl;
use kiosque::content::time::Clock;
use kiosque::db::Database;
use kiosque::db::schema::{article_tags, articles, bodies, changes, tags};
use kiosque::store::articles::{ArticleRow, BodyRow};
use kiosque::transfer::import::{self, Complaint, Options, Summary, Watcher};

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Articles in one transaction of the bare loop.
const TRANSACTION: usize = 1_000;

fn main() {
    // Cargo passes --bench, too.
    let wanted = std::env::args().skip(1).find_map(|word| word.parse().ok());
    let count = wanted.unwrap_or(50_000);
    let folder = tempfile::tempdir().expect("a folder");
    let corpus = corpus(count);
    println!(
        "{count} articles, {:.1} MB of NDJSON",
        corpus.len() as f64 / 1e6
    );

    let imported = open(&folder.path().join("imported.db"));
    let first = timed("import", count, || import(&imported, &corpus));
    let again = timed("import again (nothing changes)", count, || {
        import(&imported, &corpus)
    });
    let rows = Rows::of(&imported);
    let bare = open(&folder.path().join("bare.db"));
    let raw = timed("bare insert loop of the same rows", count, || {
        rows.insert(&bare)
    });
    println!(
        "import / bare loop: {:.2}",
        raw.as_secs_f64() / first.as_secs_f64()
    );
    println!(
        "second import / bare loop: {:.2}",
        raw.as_secs_f64() / again.as_secs_f64()
    );
}

fn timed(what: &str, count: usize, work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    let took = started.elapsed();
    println!(
        "{what}: {:.2} s, {:.0} articles/s",
        took.as_secs_f64(),
        count as f64 / took.as_secs_f64()
    );
    took
}

fn open(path: &std::path::Path) -> Database {
    let url = DatabaseUrl::Sqlite(path.to_path_buf());
    Database::open(&url, 1, Duration::from_secs(30)).expect("a database")
}

fn import(database: &Database, corpus: &str) {
    struct Strict;
    impl Watcher for Strict {
        fn progress(&mut self, _: u64, _: &Summary) {}
        fn complain(&mut self, complaint: &Complaint) {
            panic!("{complaint:?}");
        }
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let options = Options {
        dry_run: false,
        threads,
        clock: Clock::default(),
        by: None,
        permit: None,
    };
    import::run(database, corpus.as_bytes(), &options, &mut Strict).expect("it imports");
}

/// What an import of the corpus leaves behind.
struct Rows {
    tags: Vec<kiosque::store::tags::TagRow>,
    articles: Vec<(ArticleRow, BodyRow)>,
    taggings: Vec<Vec<(i64, i32)>>,
}

impl Rows {
    fn of(database: &Database) -> Self {
        database
            .read(|conn| {
                let articles: Vec<(ArticleRow, BodyRow)> = articles::table
                    .inner_join(bodies::table)
                    .order(articles::num)
                    .select((articles::all_columns, bodies::all_columns))
                    .load(conn)?;
                let of_all: Vec<(i64, i64, i32)> = article_tags::table
                    .order((article_tags::article_num, article_tags::position))
                    .select((
                        article_tags::article_num,
                        article_tags::tag_num,
                        article_tags::position,
                    ))
                    .load(conn)?;
                let mut taggings: Vec<Vec<(i64, i32)>> = vec![Vec::new(); articles.len()];
                for (article, tag, position) in of_all {
                    taggings[article as usize - 1].push((tag, position));
                }
                Ok(Self {
                    tags: tags::table.load(conn)?,
                    articles,
                    taggings,
                })
            })
            .expect("it is read")
    }

    fn insert(&self, database: &Database) {
        database
            .write(|conn| {
                for tag in &self.tags {
                    diesel::insert_into(tags::table)
                        .values((
                            (
                                tags::num.eq(tag.num),
                                tags::id.eq(&tag.id),
                                tags::slug.eq(&tag.slug),
                                tags::name.eq(&tag.name),
                            ),
                            (
                                tags::folded_name.eq(&tag.folded_name),
                                tags::kind.eq(&tag.kind),
                                tags::listed.eq(tag.listed),
                            ),
                            (
                                tags::created_at.eq(tag.created_at),
                                tags::updated_at.eq(tag.updated_at),
                                tags::version.eq(1_i64),
                            ),
                        ))
                        .execute(conn)?;
                }
                Ok(())
            })
            .expect("it is written");
        let all: Vec<_> = self.articles.iter().zip(&self.taggings).collect();
        for part in all.chunks(TRANSACTION) {
            database
                .write(|conn| {
                    for ((article, body), taggings) in part {
                        diesel::insert_into(articles::table)
                            .values(article)
                            .execute(conn)?;
                        diesel::insert_into(bodies::table)
                            .values(body)
                            .execute(conn)?;
                        for (tag, position) in *taggings {
                            diesel::insert_into(article_tags::table)
                                .values((
                                    article_tags::article_num.eq(article.num),
                                    article_tags::tag_num.eq(tag),
                                    article_tags::position.eq(position),
                                    article_tags::published_at.eq(article.published_at),
                                ))
                                .execute(conn)?;
                        }
                        diesel::insert_into(changes::table)
                            .values((
                                (
                                    changes::kind.eq("article"),
                                    changes::num.eq(article.num),
                                    changes::id.eq(&article.id),
                                ),
                                (
                                    changes::slug.eq(&article.slug),
                                    changes::action.eq("published"),
                                ),
                                (
                                    changes::at.eq(article.updated_at),
                                    changes::version.eq(1_i64),
                                ),
                            ))
                            .execute(conn)?;
                    }
                    Ok(())
                })
                .expect("it is written");
        }
    }
}

/// A corpus with a news site's proportions: 3.5 kB of HTML, five tags of two thousand, ten years.
fn corpus(count: usize) -> String {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let words: Vec<String> = (0..20_000).map(|_| random.word()).collect();
    let start: DateTime<Utc> = "2015-01-01T06:00:00Z".parse().expect("a time");
    let mut corpus = String::with_capacity(count * 4_600);
    for number in 0..count {
        let headline = random.sentence(&words, 9);
        let body: String = (0..8)
            .map(|_| format!("<p>{}</p>", random.sentence(&words, 55)))
            .collect();
        let tags: Vec<String> = (0..5)
            .map(|_| format!("\"tag {}\"", random.skewed(2_000)))
            .collect();
        let published = start + TimeDelta::minutes(number as i64 * 100);
        writeln!(
            corpus,
            r#"{{"external_id":"bench-{number}","language":"fr","headline":"{headline}","body":"{body}","body_format":"html","published_at":"{}","tags":[{}],"source":{{"name":"Agence","url":null}}}}"#,
            published.to_rfc3339(),
            tags.join(",")
        )
        .expect("a string takes everything");
    }
    corpus
}

/// xorshift64*: the same corpus every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Small numbers far more often than large ones, as words and tags are used.
    fn skewed(&mut self, below: usize) -> usize {
        let unit = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        ((below as f64).powf(unit) - 1.0) as usize
    }

    fn word(&mut self) -> String {
        const SYLLABLES: [&str; 16] = [
            "ma", "ro", "té", "li", "sou", "ca", "na", "vi", "do", "re", "pé", "tion", "ba", "ge",
            "lu", "qui",
        ];
        (0..2 + self.next() % 3)
            .map(|_| SYLLABLES[(self.next() % 16) as usize])
            .collect()
    }

    fn sentence(&mut self, words: &[String], length: usize) -> String {
        let chosen: Vec<&str> = (0..length)
            .map(|_| words[self.skewed(words.len())].as_str())
            .collect();
        chosen.join(" ")
    }
}
