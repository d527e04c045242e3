//! What a reader sees of related lookups, on a corpus of a few invented articles.

use super::*;

mod ahead;
mod edits;
mod partners;

const NOW: i64 = 1_700_000_000_000_000;

struct Written {
    num: i64,
    headline: &'static str,
    body: String,
    tags: Vec<i64>,
    visible: Window,
    group: Option<&'static str>,
    pins: Vec<Pin>,
    bans: Vec<i64>,
    sensitive: bool,
    source: Option<&'static str>,
    syndicatable: bool,
    language: &'static str,
}

fn written(num: i64, headline: &'static str, body: &str) -> Written {
    Written {
        num,
        headline,
        body: body.to_owned(),
        tags: Vec::new(),
        visible: Window::ALWAYS,
        group: None,
        pins: Vec::new(),
        bans: Vec::new(),
        sensitive: false,
        source: None,
        syndicatable: true,
        language: "fr",
    }
}

/// As the first article says it.
fn pin(num: i64) -> Pin {
    Pin { num, by: 1 }
}

impl Written {
    fn profile(&self) -> Profile {
        Profile::of(&Article {
            num: self.num,
            language: self.language,
            headline: self.headline,
            standfirst: None,
            body: &self.body,
            tags: &self.tags,
            published_at: 1_700_000_000 + self.num,
            visible: self.visible,
            translation_group: self.group,
            pins: &self.pins,
            bans: &self.bans,
            sensitive: self.sensitive,
            source: self.source,
            syndicatable: self.syndicatable,
        })
    }
}

/// Three about security, two about the sea, one about a film.
fn corpus() -> Vec<Written> {
    vec![
        written(
            1,
            "Laftit reçoit Darmanin à Rabat",
            "Les ministres de l'Intérieur marocain et français, Abdelouafi Laftit et Gérald Darmanin, ont parlé de sécurité, de terrorisme et d'immigration clandestine.",
        ),
        written(
            2,
            "Sécurité : Rabat et Paris coopèrent",
            "Le ministre de l'Intérieur Abdelouafi Laftit salue la coopération avec la France contre le terrorisme.",
        ),
        written(
            3,
            "Immigration clandestine : un réseau démantelé",
            "La sûreté nationale annonce l'arrestation d'un réseau d'immigration clandestine, avec la coopération de la France.",
        ),
        written(
            4,
            "Kitesurf : Dakhla accueille le championnat",
            "Le vent et la lagune attirent les champions de kitesurf et de planche à voile.",
        ),
        written(
            5,
            "Planche à voile à Essaouira",
            "Le vent d'Essaouira attire la planche à voile et le kitesurf dans la baie.",
        ),
        written(
            6,
            "Un film primé à Marrakech",
            "Le jury du festival de Marrakech prime un film sur la mémoire.",
        ),
    ]
}

fn engine(articles: &[Written]) -> Engine {
    let mut engine = Engine::new(Settings::default());
    engine.advance(NOW);
    for article in articles {
        engine.upsert(&article.profile()).unwrap();
    }
    engine
}

fn ask() -> Ask<'static> {
    Ask {
        limit: 12,
        exclude: &[],
        from: None,
        language: Language::Own,
        tag: None,
        now: NOW,
        rights: None,
    }
}

fn nums(related: &Related) -> Vec<i64> {
    related
        .neighbours
        .iter()
        .map(|neighbour| neighbour.num)
        .collect()
}

#[test]
fn a_ministers_meeting_brings_security_not_kitesurfing() {
    let related = engine(&corpus()).related(1, &ask()).unwrap();
    assert_eq!(nums(&related)[..2], [2, 3]);
    let named =
        |term: &Reason| matches!(term, Reason::Term { term, .. } if term.contains("Laftit"));
    assert!(
        related.neighbours[0].reasons.iter().any(named),
        "{:?}",
        related.neighbours[0]
    );
}

#[test]
fn scores_fall_and_reasons_add_up_to_them() {
    let mut articles = corpus();
    articles[0].tags = vec![7, 8];
    articles[1].tags = vec![8];
    for num in 1..=6 {
        let related = engine(&articles).related(num, &ask()).unwrap();
        let mut ceiling = 1.0;
        for neighbour in related.neighbours {
            assert!(neighbour.score > 0.0 && neighbour.score <= ceiling);
            ceiling = neighbour.score;
            let sum: f32 = neighbour
                .reasons
                .iter()
                .map(|reason| match reason {
                    Reason::Tag { weight, .. }
                    | Reason::Term { weight, .. }
                    | Reason::Wording { weight } => *weight,
                    Reason::Pin => 0.0,
                })
                .sum();
            assert!((sum - neighbour.score).abs() < 1e-4);
        }
    }
}

#[test]
fn what_may_not_be_seen_is_not_shown() {
    let mut articles = corpus();
    articles[1].visible = Window {
        from: NOW + 1,
        until: NOW + 2,
    };
    articles[2].sensitive = true;
    let mut engine = engine(&articles);
    let shown = |engine: &Engine, now: i64| {
        let ask = Ask { now, ..ask() };
        nums(&engine.related(1, &ask).unwrap())
    };
    let before = shown(&engine, NOW);
    assert!(
        before.iter().all(|num| ![1, 2, 3].contains(num)),
        "{before:?}"
    );
    assert!(!engine.is_behind(NOW) && engine.is_behind(NOW + 1));
    engine.advance(NOW + 1);
    assert_eq!(shown(&engine, NOW + 1)[0], 2);
    assert!(
        !shown(&engine, NOW + 2).contains(&2),
        "before the engine is told the time"
    );
    engine.advance(NOW + 2);
    assert_eq!(shown(&engine, NOW + 2), before);
    assert_eq!(
        engine.related(3, &ask()).unwrap().hidden,
        Some(Hidden::Sensitive)
    );
    assert!(engine.related(99, &ask()).is_none());
}

/// What is not public yet weighs nothing, so that no score tells of it.
#[test]
fn what_may_not_be_seen_changes_no_score() {
    let without = engine(&corpus());
    let mut more = corpus();
    for (num, from, until) in [(50, NOW + 1, i64::MAX), (51, 0, NOW)] {
        let mut hidden = written(
            num,
            "Laftit à Rabat : sécurité",
            "Abdelouafi Laftit parle de terrorisme.",
        );
        hidden.visible = Window { from, until };
        hidden.tags = vec![1];
        more.push(hidden);
    }
    let with = engine(&more);
    for num in 1..=6 {
        assert_eq!(without.related(num, &ask()), with.related(num, &ask()));
    }
    assert_eq!(with.related_tags(1, 5, NOW, None), []);
}

#[test]
fn pins_come_first_and_bans_hold_both_ways() {
    let mut articles = corpus();
    articles[0].pins = vec![pin(6)];
    articles[0].bans = vec![2];
    let engine = engine(&articles);
    let related = engine.related(1, &ask()).unwrap();
    assert_eq!(nums(&related)[..2], [6, 3]);
    assert_eq!(related.neighbours[0].reasons[0], Reason::Pin);
    assert!(!nums(&related).contains(&2));
    assert!(!nums(&engine.related(2, &ask()).unwrap()).contains(&1));
}

#[test]
fn translations_and_other_languages_are_left_out() {
    let mut articles = corpus();
    articles[1].group = Some("a");
    articles[0].group = Some("a");
    articles[2].language = "fr-MA";
    let engine = engine(&articles);
    assert_eq!(nums(&engine.related(1, &ask()).unwrap())[0], 3);
    let english = Ask {
        language: Language::Is("en".to_owned()),
        ..ask()
    };
    assert!(engine.related(1, &english).unwrap().neighbours.is_empty());
}

#[test]
fn names_and_numbers_are_found_across_languages_when_asked_for() {
    let mut articles = corpus();
    let mut arabic = written(
        30,
        "لفتيت يستقبل دارمانان",
        "استقبل وزير الداخلية عبد الوافي لفتيت نظيره جيرالد دارمانان في الرباط وناقشا الأمن.",
    );
    let mut foreign = written(
        31,
        "Film festival",
        "A jury in Marrakech gives a prize to a film.",
    );
    (arabic.language, foreign.language) = ("ar", "en");
    articles.extend([arabic, foreign]);
    let engine = engine(&articles);
    let asked = |language: Language| {
        let ask = Ask { language, ..ask() };
        engine.related(1, &ask).unwrap()
    };
    assert!(!nums(&asked(Language::Own)).contains(&30));
    let any = asked(Language::Any);
    assert!(
        nums(&any).contains(&30) && nums(&any).contains(&2),
        "{any:?}"
    );
    let arabic = asked(Language::Is("ar".to_owned()));
    assert_eq!(nums(&arabic), [30]);
    let named = |name: &str| {
        let reasons = arabic.neighbours[0].reasons.iter();
        let mut terms =
            reasons.filter(|reason| matches!(reason, Reason::Term { term, .. } if term == name));
        terms.next().is_some()
    };
    assert!(named("Laftit") && named("Darmanin"), "{arabic:?}");
}

#[test]
fn two_copies_of_a_text_name_each_other() {
    let mut articles = corpus();
    let text = "La sûreté nationale annonce avec la coopération de la France et du ministre de l'Intérieur le démantèlement d'un réseau de terrorisme qui préparait plusieurs actions";
    articles.push(written(7, "Réseau démantelé", text));
    articles.push(written(8, "Un réseau tombe", &format!("{text} MAP")));
    let engine = engine(&articles);
    for (one, other) in [(7, 8), (8, 7)] {
        let related = engine.related(one, &ask()).unwrap();
        assert_eq!(related.copies, [other]);
        assert!(!nums(&related).contains(&other));
    }
    let several = engine.related_to_many(&[7, 1], &ask());
    assert!(!nums(&several).contains(&8) && !nums(&several).is_empty());
}

#[test]
fn filters_and_limits_hold() {
    let mut articles = corpus();
    articles[2].tags = vec![5];
    let engine = engine(&articles);
    let tagged = TagFilter::Is(5);
    assert_eq!(
        nums(
            &engine
                .related(
                    1,
                    &Ask {
                        tag: Some(&tagged),
                        ..ask()
                    }
                )
                .unwrap()
        ),
        [3]
    );
    assert!(
        !nums(
            &engine
                .related(
                    1,
                    &Ask {
                        exclude: &[2],
                        ..ask()
                    }
                )
                .unwrap()
        )
        .contains(&2)
    );
    assert_eq!(
        nums(&engine.related(1, &Ask { limit: 1, ..ask() }).unwrap()).len(),
        1
    );
    let recent = Ask {
        from: Some(1_700_000_003),
        ..ask()
    };
    assert_eq!(nums(&engine.related(1, &recent).unwrap())[0], 3);
}

#[test]
fn an_agency_text_stands_once_with_its_copies() {
    let mut articles = corpus();
    let long = "La sûreté nationale annonce avec la coopération de la France et du ministre de l'Intérieur le démantèlement d'un réseau de terrorisme qui préparait plusieurs actions";
    articles.push(written(7, "Réseau démantelé", long));
    articles.push(written(8, "Réseau démantelé", &format!("{long} MAP")));
    let engine = engine(&articles);
    let related = engine.related(1, &ask()).unwrap();
    let entry = related
        .neighbours
        .iter()
        .find(|neighbour| !neighbour.copies.is_empty())
        .unwrap();
    assert!(matches!(
        (entry.num, entry.copies[..].first()),
        (7, Some(8)) | (8, Some(7))
    ));
    assert!(!nums(&engine.related(7, &ask()).unwrap()).contains(&8));
}

#[test]
fn a_draft_is_answered_as_if_it_were_stored() {
    let articles = corpus();
    let whole = engine(&articles);
    let without = engine(&articles[1..]);
    let related = without.related_to_text(&articles[0].profile(), &ask());
    let stored = nums(&whole.related(1, &ask()).unwrap());
    assert_eq!(nums(&related)[..stored.len()], stored);
}

#[test]
fn several_articles_bring_what_is_near_to_any_of_them() {
    let related = engine(&corpus()).related_to_many(&[1, 4], &ask());
    let nums = nums(&related);
    assert!(nums.contains(&2) && nums.contains(&5) && !nums.contains(&1) && !nums.contains(&4));
}

#[test]
fn a_profile_tells_what_was_put_into_it_and_half_of_it_nothing() {
    let mut article = corpus().remove(0);
    (article.tags, article.pins, article.bans) = (vec![3, 1, 3], vec![pin(9), pin(9)], vec![-4]);
    let profile = article.profile();
    let record = profile.record().unwrap();
    assert_eq!(record.tags().collect::<Vec<_>>(), [3, 1]);
    assert_eq!(record.pins().collect::<Vec<_>>(), [pin(9)]);
    assert_eq!(record.bans().collect::<Vec<_>>(), [-4]);
    assert_eq!((record.num(), record.visible()), (1, Window::ALWAYS));
    assert_eq!(record.title().count(), 4);
    assert_eq!(record.pairs().len(), record.parts().count());
    let names: Vec<&str> = record.names().map(|(_, name)| name).collect();
    assert!(names.contains(&"Laftit"), "{names:?}");
    let bytes = profile.bytes();
    assert!((0..80).all(|length| record::Record::parse(&bytes[..length]).is_none()));
}

#[test]
fn tags_that_meet_more_than_chance_are_related() {
    let mut articles = corpus();
    for (i, article) in articles.iter_mut().enumerate() {
        article.tags = if i < 3 { vec![100, 1, 2] } else { vec![100, 3] };
    }
    articles[3].visible = Window {
        from: NOW + 1,
        until: i64::MAX,
    };
    let engine = engine(&articles);
    let near = engine.related_tags(1, 5, NOW, None);
    assert_eq!((near[0].tag, near[0].shared), (2, 3));
    assert!(
        near.iter()
            .all(|near| near.tag != 3 && near.score > 0.0 && near.score <= 1.0)
    );
    assert_eq!(
        engine.related_tags(100, 5, NOW, None),
        [],
        "borne by all, so with everything by chance"
    );
    articles[0].visible = Window {
        from: 0,
        until: NOW,
    };
    assert_eq!(
        self::engine(&articles).related_tags(1, 5, NOW, None)[0].shared,
        2
    );
    let mut bare = corpus().remove(1);
    bare.num = 50;
    assert!(
        engine
            .suggest_tags(&bare.profile(), 3, NOW, None)
            .iter()
            .any(|found| found.tag == 1)
    );
}

#[test]
fn a_partner_gets_neighbours_of_its_scope_at_its_hour() {
    let mut articles = corpus();
    articles[1].syndicatable = false;
    articles[2].source = Some("MAP");
    let all = engine(&articles);
    let asked = |engine: &Engine, rights: &Rights| {
        let ask = Ask {
            rights: Some(rights),
            ..ask()
        };
        nums(&engine.related(1, &ask).unwrap())
    };
    let everyone = nums(&all.related(1, &ask()).unwrap());
    assert!(
        everyone.contains(&2) && everyone.contains(&3),
        "{everyone:?}"
    );
    let plain = Rights::default();
    let found = asked(&all, &plain);
    assert!(!found.contains(&2) && found.contains(&3), "{found:?}");
    let of_source = Rights {
        sources: Some(vec!["MAP".to_owned()]),
        ..plain.clone()
    };
    assert_eq!(asked(&all, &of_source), [3]);
    let english = Rights {
        languages: Some(vec!["en".to_owned()]),
        ..plain.clone()
    };
    assert_eq!(asked(&all, &english), [0; 0]);

    articles[2].visible.from = NOW + 60_000_000;
    let later = engine(&articles);
    let lead = |seconds: i64| Rights {
        shift: chrono::TimeDelta::seconds(-seconds),
        ..Rights::default()
    };
    assert!(!asked(&later, &plain).contains(&3));
    assert!(!asked(&later, &lead(59)).contains(&3));
    assert!(asked(&later, &lead(60)).contains(&3));
    articles[0].pins = vec![pin(3)];
    let pinned = engine(&articles);
    assert_eq!(asked(&pinned, &lead(60))[0], 3);
    assert!(!asked(&pinned, &plain).contains(&3));
}
