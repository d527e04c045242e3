//! What a partner is given rests on what it may read alone.

use super::*;
use crate::content::rights::Facts;

/// Articles with tags at random, some of them in no partner's scope, or not yet.
fn made_up(count: i64) -> Vec<Written> {
    let sources = [None, Some("MAP"), Some("Autre")];
    (1..=count)
        .map(|num| {
            let mut article = written(num, "Un titre", "barrage oued pluie saison");
            let random = |salt: u64, end: u64| hashing::mix(num as u64 * 31 + salt) % end;
            article.tags = (0..5)
                .map(|place| random(place, 12) as i64)
                .collect::<std::collections::BTreeSet<_>>()
                .into_iter()
                .collect();
            article.source = sources[random(20, 3) as usize];
            article.language = ["fr", "ar"][random(21, 2) as usize];
            article.syndicatable = random(22, 5) > 0;
            article.visible.from = NOW + random(23, 4) as i64 - 2;
            article
        })
        .collect()
}

#[test]
fn tags_related_for_a_partner_are_those_of_a_store_with_its_articles_alone() {
    let articles = made_up(400);
    let all = engine(&articles);
    let rights = [
        Rights::default(),
        Rights {
            tags: Some(TagFilter::Any(vec![
                TagFilter::Is(3),
                TagFilter::Not(Box::new(TagFilter::Is(5))),
            ])),
            ..Rights::default()
        },
        Rights {
            languages: Some(vec!["fr".to_owned()]),
            sources: Some(vec!["MAP".to_owned()]),
            ..Rights::default()
        },
        Rights {
            shift: chrono::TimeDelta::microseconds(1),
            ..Rights::default()
        },
        Rights {
            shift: chrono::TimeDelta::microseconds(-1),
            ..Rights::default()
        },
    ];
    let mut others = 0;
    for rights in &rights {
        let opened = NOW - rights.shift.num_microseconds().unwrap();
        let is_within = |article: &Written| {
            let facts = Facts {
                language: article.language,
                source: article.source,
                syndicatable: article.syndicatable,
            };
            // What only an early partner reads is in no count.
            article.visible.from <= opened.min(NOW) && rights.admit(facts, &article.tags)
        };
        let within: Vec<Written> = made_up(400)
            .into_iter()
            .filter(is_within)
            .map(|mut article| {
                article.visible.from = 0;
                article
            })
            .collect();
        assert!((20..380).contains(&within.len()), "{}", within.len());
        let alone = engine(&within);
        for tag in 0..12 {
            let theirs = all.related_tags(tag, 20, NOW, Some(rights));
            assert_eq!(
                theirs,
                alone.related_tags(tag, 20, NOW, None),
                "{rights:?} {tag}"
            );
            others += usize::from(theirs != all.related_tags(tag, 20, NOW, None));
        }
    }
    assert!(others > 30, "{others}");
}
