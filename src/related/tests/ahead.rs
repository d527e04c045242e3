//! Rankings that are kept are what a lookup would find, end when they must, and outlive the process.

use std::path::Path;

use super::super::ranking::RANKED;
use super::edits::{made_up, random};
use super::*;

fn open(dir: &Path, now: i64, lasts: i64) -> (Engine, Option<i64>) {
    let home = Home {
        dir: dir.to_owned(),
        store: "s".to_owned(),
        last: Some(1_000_000),
        lasts,
    };
    Engine::open(Settings::default(), &home, now, 2).unwrap()
}

fn fill(engine: &mut Engine, articles: &[Written]) {
    engine.advance(NOW);
    for article in articles {
        engine.upsert(&article.profile()).unwrap();
    }
    engine.commit(1).unwrap();
    tell(engine);
}

/// As the follower does.
fn tell(engine: &mut Engine) {
    let came = engine.came().to_vec();
    for num in &came {
        let near = engine.near(*num, 50, engine.now());
        engine.forget_rankings(&near);
    }
    engine.told(came.len());
    engine.commit_rankings();
}

/// How many were made.
fn rank_all(engine: &Engine, round: &mut Round) -> usize {
    let now = engine.now();
    let steps = std::iter::from_fn(|| match engine.rank_next(round, now) {
        Step::Nothing => None,
        step => Some(step),
    });
    steps.filter(|step| *step == Step::Made).count()
}

fn many() -> Vec<Written> {
    let mut state = 3;
    (1..=600).map(|num| made_up(num, &mut state)).collect()
}

/// What an engine that keeps nothing finds.
fn fresh(articles: &[Written], now: i64) -> Engine {
    let mut engine = Engine::new(Settings::default());
    engine.advance(now);
    for article in articles {
        engine.upsert(&article.profile()).unwrap();
    }
    engine
}

fn at(now: i64) -> Ask<'static> {
    Ask { now, ..ask() }
}

#[test]
fn rankings_made_ahead_are_what_is_found_and_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let articles = many();
    let plain = fresh(&articles, NOW);
    let (mut engine, _) = open(dir.path(), NOW, 1);
    fill(&mut engine, &articles);
    let mut round = Round::default();
    let made = rank_all(&engine, &mut round);
    assert_eq!((made, engine.ranked()), (plain.len(), plain.len()));
    assert_eq!(rank_all(&engine, &mut round), 0, "nothing is missing");
    let same = |engine: &Engine| {
        for article in &articles {
            for limit in [1, 5, 12, 13] {
                let ask = Ask { limit, ..ask() };
                let found = engine.related(article.num, &ask);
                assert_eq!(found, plain.related(article.num, &ask), "{}", article.num);
            }
        }
    };
    same(&engine);
    engine.commit_rankings();
    drop(engine);

    let (engine, position) = open(dir.path(), NOW, 1);
    assert_eq!((position, engine.ranked()), (Some(1), made));
    assert!(engine.came().is_empty());
    assert_eq!(rank_all(&engine, &mut Round::default()), 0);
    same(&engine);
    drop(engine);

    // They are of these settings.
    let home = Home {
        dir: dir.path().to_owned(),
        store: "s".to_owned(),
        last: Some(9),
        lasts: 1,
    };
    let other = Settings {
        floor: 0.2,
        ..Settings::default()
    };
    let (engine, position) = Engine::open(other, &home, NOW, 1).unwrap();
    assert_eq!((position, engine.ranked()), (Some(1), 0));
}

#[test]
fn while_articles_are_edited_a_ranking_names_none_that_is_not_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let mut articles = many();
    let (mut engine, _) = open(dir.path(), NOW, 1);
    fill(&mut engine, &articles);
    let mut round = Round::default();
    rank_all(&engine, &mut round);
    let (mut state, mut shared, mut all) = (9, 0, 0);
    let (mut new, mut missed) = (0, 0);
    for step in 1..=8 {
        let place = random(&mut state, 600) as usize;
        let num = articles[place].num;
        match random(&mut state, 5) {
            0 => {
                articles[place].sensitive = true;
                engine.upsert(&articles[place].profile()).unwrap();
            }
            1 => {
                articles[place].visible = Window { from: 0, until: 0 };
                engine.remove(num).unwrap();
            }
            _ => {
                articles[place] = made_up(num, &mut state);
                engine.upsert(&articles[place].profile()).unwrap();
            }
        }
        let now = NOW + 70 * step;
        engine.advance(now);
        engine.commit(1 + step).unwrap();
        tell(&mut engine);
        let kept = engine.ranked();
        assert!(kept > 100, "step {step} left {kept}");
        let plain = fresh(&articles, now);
        for article in &articles {
            let found = engine.related(article.num, &at(now));
            let exact = plain.related(article.num, &at(now));
            let (found, exact) = (found.unwrap_or_default(), exact.unwrap_or_default());
            assert_eq!(found.hidden, exact.hidden, "{step} {}", article.num);
            for num in found.named() {
                assert!(plain.slot(num).is_some(), "{step} {num} is not to be seen");
            }
            all += exact.neighbours.len();
            let exact = nums(&exact);
            let found = nums(&found);
            shared += found.iter().filter(|num| exact.contains(num)).count();
            // At the top, so that it is near the other way, too.
            if exact.iter().take(3).any(|found| *found == num) {
                new += 1;
                missed += usize::from(!found.contains(&num));
            }
        }
        rank_all(&engine, &mut round);
    }
    assert!(
        new > 8 && missed * 20 <= new,
        "{missed} of {new} lists lack what came"
    );
    let share = shared as f64 / all as f64;
    println!("{share:.4} of the neighbours are the same");
    assert!(share > 0.98, "{share}");
}

#[test]
fn a_slight_edit_ends_no_ranking_and_is_in_those_made_later() {
    const LASTS: i64 = 1_000;
    let dir = tempfile::tempdir().unwrap();
    let mut articles = many();
    for article in &mut articles {
        (article.visible, article.sensitive) = (Window::ALWAYS, false);
    }
    let (mut engine, _) = open(dir.path(), NOW, LASTS);
    fill(&mut engine, &articles);
    let mut round = Round::default();
    let all = rank_all(&engine, &mut round);
    let length = |article: &Written| article.body.split(' ').count();
    let place = (0..600).max_by_key(|place| length(&articles[*place]));
    let place = place.unwrap();
    let num = articles[place].num;
    let kept = |engine: &Engine, now| -> Vec<_> {
        let kept = (1..=600).filter_map(|num| engine.kept(num, RANKED, now));
        kept.map(|kept| kept.related).collect()
    };
    let before = kept(&engine, NOW);
    assert_eq!(before.len(), all);

    articles[place].body.push_str(" nouveau");
    engine.upsert(&articles[place].profile()).unwrap();
    engine.commit(2).unwrap();
    tell(&mut engine);
    assert_eq!(kept(&engine, NOW), before);
    assert_eq!(rank_all(&engine, &mut round), 0, "it can wait");
    let last = NOW + LASTS - 1;
    assert_eq!(engine.kept(num, RANKED, last).unwrap().until, last + 1);
    assert_eq!(kept(&engine, last), before);

    let naming = |related: &&Related| related.named().any(|named| named == num);
    let naming = before.iter().filter(naming).count();
    assert!(naming > 3, "{naming}");
    let now = NOW + LASTS;
    assert_eq!(kept(&engine, now).len(), all - 1 - naming);
    engine.advance(now);
    assert_eq!(rank_all(&engine, &mut round), 1 + naming);
    let plain = fresh(&articles, now);
    let mut differ = 0;
    for (article, before) in articles.iter().zip(before) {
        let found = engine.kept(article.num, RANKED, now).unwrap().related;
        if article.num == num || found.named().any(|named| named == num) {
            assert_eq!(Some(&found), plain.related(article.num, &at(now)).as_ref());
            differ += usize::from(found != before);
        }
    }
    assert!(differ > 3, "{differ}");

    // What is slight each time adds up.
    for step in 0..9 {
        articles[place].body.push_str(&format!(" encore{step}"));
        engine.upsert(&articles[place].profile()).unwrap();
    }
    assert_eq!(engine.came(), [num]);
    tell(&mut engine);
    assert!(engine.kept(num, RANKED, now).is_none());
}

#[test]
fn among_few_articles_and_where_rankings_do_not_last_each_change_ends_all() {
    for (lasts, articles) in [(1, corpus()), (0, many())] {
        let dir = tempfile::tempdir().unwrap();
        let (mut engine, _) = open(dir.path(), NOW, lasts);
        fill(&mut engine, &articles);
        let mut round = Round::default();
        let made = rank_all(&engine, &mut round);
        assert!(made >= articles.len() / 2);
        engine.advance(NOW + 1);
        engine.commit(2).unwrap();
        assert_eq!(rank_all(&engine, &mut round), made);
        assert_eq!(rank_all(&engine, &mut round), 0);
    }
}

#[test]
fn what_opens_or_ends_by_itself_is_seen_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut articles = corpus();
    articles[1].visible.from = NOW + 10;
    articles[2].visible.until = NOW + 20;
    let (mut engine, _) = open(dir.path(), NOW, 1);
    fill(&mut engine, &articles);
    let found = |engine: &Engine, now| nums(&engine.related(1, &at(now)).unwrap());
    assert_eq!(found(&engine, NOW), [3]);
    engine.advance(NOW + 10);
    assert!(
        engine.kept(1, RANKED, NOW + 10).is_none(),
        "before it was told"
    );
    tell(&mut engine);
    assert!(engine.kept(1, RANKED, NOW + 10).is_none(), "afterwards");
    assert_eq!(found(&engine, NOW + 10), [2, 3]);
    engine.advance(NOW + 20);
    assert_eq!(found(&engine, NOW + 20), [2]);
}

#[test]
fn a_restart_finds_what_came_before_it_was_told_and_what_opened_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let always = |mut article: Written| {
        (article.visible, article.sensitive) = (Window::ALWAYS, false);
        article
    };
    let mut articles: Vec<Written> = many().into_iter().map(always).collect();
    articles[3].visible.from = NOW + 50_000;
    let (mut engine, _) = open(dir.path(), NOW, 1);
    fill(&mut engine, &articles);
    rank_all(&engine, &mut Round::default());
    engine.commit_rankings();
    let new = always(made_up(700, &mut 5));
    engine.upsert(&new.profile()).unwrap();
    engine.commit(2).unwrap();
    // Killed here: it was not told.
    drop(engine);
    let (engine, _) = open(dir.path(), NOW + 60_000, 1);
    let mut came = engine.came().to_vec();
    came.sort_unstable();
    assert_eq!(came, [4, 700]);
    assert_eq!(
        rank_all(&engine, &mut Round::default()),
        0,
        "not before it is told"
    );
}

#[test]
fn pins_are_looked_up_each_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut articles = corpus();
    articles[0].pins = vec![pin(6)];
    articles[5].visible.from = NOW + 10;
    let (mut engine, _) = open(dir.path(), NOW, 1);
    fill(&mut engine, &articles);
    rank_all(&engine, &mut Round::default());
    assert_eq!(engine.ranked(), 4);
    engine.advance(NOW + 10);
    tell(&mut engine);
    assert_eq!(nums(&engine.related(1, &at(NOW + 10)).unwrap())[0], 6);
}

#[test]
fn after_a_kill_no_ranking_comes_back_that_was_taken_out() {
    let dir = tempfile::tempdir().unwrap();
    let articles = corpus();
    let (mut engine, _) = open(dir.path(), NOW, i64::MAX);
    let others: Vec<Written> = corpus().into_iter().filter(|one| one.num != 2).collect();
    fill(&mut engine, &others);
    rank_all(&engine, &mut Round::default());
    assert!(engine.kept(1, RANKED, NOW).is_some());
    engine.commit_rankings();
    // Edited, and edited back.
    let mut edited = corpus().remove(0);
    edited.tags = vec![9];
    engine.upsert(&edited.profile()).unwrap();
    engine.upsert(&articles[0].profile()).unwrap();
    engine.commit(2).unwrap();
    tell(&mut engine);
    engine.upsert(&articles[1].profile()).unwrap();
    engine.commit(3).unwrap();
    tell(&mut engine);
    drop(engine);
    let (engine, _) = open(dir.path(), NOW, i64::MAX);
    assert!(engine.came().is_empty());
    assert_eq!(nums(&engine.related(1, &ask()).unwrap())[0], 2);
}

#[test]
fn an_old_ranking_ends_by_the_clock_once_enough_has_changed() {
    const LASTS: i64 = 1_000;
    let dir = tempfile::tempdir().unwrap();
    let (mut engine, _) = open(dir.path(), NOW, LASTS);
    fill(&mut engine, &corpus());
    let mut round = Round::default();
    assert_eq!(rank_all(&engine, &mut round), 6);
    assert!(
        engine.kept(1, RANKED, NOW + 2 * LASTS).is_some(),
        "nothing has changed"
    );
    engine.commit(2).unwrap();
    assert!(engine.kept(1, RANKED, NOW + LASTS - 1).is_some());
    assert!(engine.kept(1, RANKED, NOW + LASTS).is_none());
    // Made again without anyone asking, though nothing is written any more.
    assert_eq!(engine.rank_next(&mut round, NOW + 1), Step::Nothing);
    assert_eq!(engine.rank_next(&mut round, NOW + LASTS), Step::Made);
}
