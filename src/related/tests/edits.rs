//! An engine that was edited for long, and loaded again, answers like one built afresh.

use std::collections::BTreeMap;

use super::*;

/// A number below `end`, another one at each call. SplitMix64.
pub(super) fn random(state: &mut u64, end: u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    hashing::mix(*state) % end
}

/// With bounds so tight that in so small a corpus, too, some postings and candidates are left out.
fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.formula.postings = 300;
    settings.formula.candidates = (20, 20);
    settings.formula.promising = (9, 9);
    settings
}

pub(super) fn made_up(num: i64, state: &mut u64) -> Written {
    let topic = random(state, 7);
    let words: Vec<String> = (0..20 + random(state, 60))
        .map(|_| match random(state, 3) {
            0 => format!("commun{}", random(state, 400)),
            _ => format!("sujet{topic}mot{}", random(state, 40)),
        })
        .collect();
    let mut article = written(num, "Un titre", &words.join(" "));
    article.tags = vec![topic as i64, 100 + random(state, 5) as i64];
    article.language = ["fr", "fr", "en"][random(state, 3) as usize];
    if random(state, 8) == 0 {
        article.visible.until = NOW + random(state, 3_000) as i64;
    }
    if random(state, 8) == 0 {
        article.visible.from = NOW + random(state, 3_000) as i64;
    }
    article.sensitive = random(state, 30) == 0;
    article
}

#[test]
fn after_any_edits_the_engine_answers_as_one_built_afresh() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home {
        dir: dir.path().to_owned(),
        store: "s".to_owned(),
        last: Some(9),
        lasts: 0,
    };
    let open = |now| Engine::open(settings(), &home, now, 2).unwrap();
    let (mut edited, _) = open(NOW);
    let mut present: BTreeMap<i64, Written> = BTreeMap::new();
    let mut state = 5;
    for round in 0..4 {
        for _ in 0..500 {
            let num = 1 + random(&mut state, 250) as i64;
            if random(&mut state, 4) == 0 {
                assert_eq!(edited.remove(num).unwrap(), present.remove(&num).is_some());
            } else {
                let article = made_up(num, &mut state);
                edited.upsert(&article.profile()).unwrap();
                present.insert(num, article);
            }
        }
        let now = NOW + round * 700;
        edited.advance(now);
        edited.commit(round).unwrap();
        let mut fresh = Engine::new(settings());
        fresh.advance(now);
        for article in present.values() {
            fresh.upsert(&article.profile()).unwrap();
        }
        let (loaded, position) = if round == 3 {
            drop(std::mem::replace(&mut edited, Engine::new(settings())));
            let (mut loaded, position) = open(now);
            // Lookups compute the weights of the others.
            let moved = loaded.take_moved();
            assert_eq!(moved.len(), loaded.len());
            loaded.refresh(&moved[..moved.len() / 2]);
            (Some(loaded), position)
        } else {
            (None, Some(round))
        };
        assert_eq!(position, Some(round));
        let edited = loaded.as_ref().unwrap_or(&edited);
        assert_eq!(edited.len(), fresh.len());
        let mut found = 0;
        for num in present.keys() {
            for language in [Language::Own, Language::Any] {
                let ask = Ask {
                    language,
                    now,
                    ..ask()
                };
                let related = edited.related(*num, &ask);
                found += related
                    .as_ref()
                    .map_or(0, |related| related.neighbours.len());
                assert_eq!(related, fresh.related(*num, &ask), "{round} {num}");
            }
        }
        assert!(found > 1_000);
        for tag in 0..7 {
            assert_eq!(
                edited.related_tags(tag, 9, now, None),
                fresh.related_tags(tag, 9, now, None)
            );
        }
    }
}

#[test]
fn an_edit_moves_an_article_unless_a_few_words_are_all_that_changed() {
    let text = |words: std::ops::Range<u32>| -> String {
        words.map(|word| format!("mot{word} ")).collect()
    };
    let plain = || written(1, "Un titre", &text(0..100));
    let mut engine = Engine::new(settings());
    engine.advance(NOW);
    let mut moves = |article: Written| {
        let before = engine.came().len();
        engine.upsert(&article.profile()).unwrap();
        engine.came().len() > before
    };
    assert!(moves(plain()), "it is new");
    assert!(!moves(plain()), "nothing changed");
    assert!(!moves(written(1, "Un titre", &text(4..104))));
    assert!(!moves(plain()), "and back");
    assert!(moves(written(1, "Un titre", &text(15..115))));
    assert!(moves(plain()), "far from what was told");
    for step in 1..=3 {
        let grown = written(1, "Un titre", &text(0..100 + 4 * step));
        assert_eq!(moves(grown), step == 3, "slight changes add up: {step}");
    }
    assert!(moves(plain()));
    assert!(moves(written(1, "Un autre titre", &text(0..100))));
    let others: [fn(&mut Written); 7] = [
        |one| one.tags = vec![7],
        |one| one.visible.until = NOW + 1,
        |one| one.group = Some("g"),
        |one| one.pins = vec![pin(2)],
        |one| one.bans = vec![2],
        |one| one.source = Some("Agence"),
        |one| one.language = "en",
    ];
    for other in others {
        moves(plain());
        let mut article = plain();
        other(&mut article);
        assert!(moves(article));
    }
}
