//! A made-up corpus with a news site's proportions, the same every time: 3.5 kB of HTML an article, half from words whose
//! frequency falls with their rank (Zipf), half from the words of one of many topics, so that each has neighbours.

use std::fmt::Write as _;
use std::io::{self, BufWriter, Write as _};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::Outcome;
use crate::random::Random;

const WORDS: usize = 200_000;
/// Words that a topic has of its own.
const TOPIC_WORDS: usize = 400;
const PARAGRAPHS: usize = 7;
const PARAGRAPH_WORDS: usize = 57;
const SECTIONS: usize = 12;
/// Articles about one topic.
const ABOUT_ONE: usize = 50;
/// Every so manieth article is a translation of the one before.
const TRANSLATED: usize = 20;
const FIRST: &str = "2015-01-01T06:00:00Z";
const LAST: &str = "2025-12-31T18:00:00Z";
const SOURCES: [&str; 5] = [
    "Agence du Fleuve",
    "Le Courrier des Oasis",
    "La Tribune du Littoral",
    "Radio Plateau",
    "Correspondances",
];

pub fn write(articles: &str) -> Outcome {
    let count: usize = articles.parse()?;
    let first: DateTime<Utc> = FIRST.parse()?;
    let last: DateTime<Utc> = LAST.parse()?;
    let step = (last - first).num_seconds() / count.max(1) as i64;
    let mut out = BufWriter::new(io::stdout().lock());
    for number in 0..count {
        let at = first + TimeDelta::seconds(step * number as i64);
        writeln!(out, "{}", article(number, count, at)?)?;
    }
    Ok(out.flush()?)
}

fn article(number: usize, count: usize, at: DateTime<Utc>) -> Result<String, std::fmt::Error> {
    let mut random = Random(number as u64 ^ 0x5bd1_e995);
    let topics = (count / ABOUT_ONE).max(SECTIONS);
    let topic = random.below(topics);
    let mut line = String::with_capacity(6_000);
    write!(
        line,
        r#"{{"external_id":"depeche-{number}","slug":"article-{number}","language":"{}","headline":""#,
        if is_translation(number) { "en" } else { "fr" }
    )?;
    words(&mut line, &mut random, topic, 9);
    line.push_str(r#"","standfirst":""#);
    words(&mut line, &mut random, topic, 24);
    line.push_str(r#"","byline":""#);
    name(&mut line, 1 + random.zipf(200));
    line.push_str(r#"","body":""#);
    for _ in 0..PARAGRAPHS {
        line.push_str("<p>");
        words(&mut line, &mut random, topic, PARAGRAPH_WORDS);
        line.push_str(".</p>");
    }
    let source = random.zipf(SOURCES.len());
    write!(
        line,
        r#"","body_format":"html","published_at":"{}","source":{{"name":"{}","url":"https://source-{source}.example/"}},"#,
        at.to_rfc3339_opts(SecondsFormat::Secs, true),
        SOURCES[source]
    )?;
    write!(
        line,
        r#""image":{{"url":"https://images.example/{number}.jpg","alt":"Photo"}},"tags":["#
    )?;
    tags(&mut line, &mut random, topic, count)?;
    line.push(']');
    if is_translation(number) {
        write!(line, r#","translation_of":"depeche-{}""#, number - 1)?;
    }
    line.push('}');
    Ok(line)
}

fn is_translation(number: usize) -> bool {
    number % TRANSLATED == TRANSLATED - 1
}

/// A section, the topic, a place, a person, and an organisation for every other article.
fn tags(line: &mut String, random: &mut Random, topic: usize, count: usize) -> std::fmt::Result {
    let section = topic % SECTIONS;
    write!(
        line,
        r#"{{"slug":"rubrique-{section}","name":"Rubrique {section}","kind":"section"}},"Sujet {topic}""#
    )?;
    let kinds = [
        ("place", "Lieu", 300),
        ("person", "Personne", 50 + count / 20),
        ("organisation", "Organisation", 50 + count / 100),
    ];
    for (kind, name, different) in &kinds[..2 + random.below(2)] {
        let number = random.zipf(*different);
        write!(line, r#",{{"name":"{name} {number}","kind":"{kind}"}}"#)?;
    }
    Ok(())
}

/// Words of the language and of the topic, in sentences.
fn words(line: &mut String, random: &mut Random, topic: usize, count: usize) {
    for i in 0..count {
        let begins = i % 17 == 0;
        if i > 0 {
            line.push_str(if begins { ". " } else { " " });
        }
        let number = match random.below(2) {
            0 => random.zipf(WORDS),
            _ => topic_word(topic, random.zipf(TOPIC_WORDS)),
        };
        match begins {
            true => name(line, number),
            false => push_word(line, number),
        }
    }
}

/// The rank of a topic's word in the language.
fn topic_word(topic: usize, nth: usize) -> usize {
    let mut random = Random((topic * 1_000 + nth) as u64 ^ 0xa5a5);
    200 + random.zipf(WORDS - 200)
}

/// A word with a capital.
fn name(line: &mut String, number: usize) {
    let start = line.len();
    push_word(line, number);
    line[start..start + 1].make_ascii_uppercase();
}

/// A word of its own for each number, longer the rarer it is.
fn push_word(line: &mut String, mut number: usize) {
    const SYLLABLES: [&str; 16] = [
        "ba", "ché", "dou", "fi", "ga", "ju", "lo", "mer", "na", "pi", "que", "ré", "son", "ti",
        "vou", "zel",
    ];
    const ENDINGS: [&str; 8] = ["t", "r", "ment", "s", "que", "l", "tion", "n"];
    let ending = ENDINGS[number % 8];
    number /= 8;
    loop {
        line.push_str(SYLLABLES[number % 16]);
        number /= 16;
        if number == 0 {
            break;
        }
    }
    line.push_str(ending);
}
