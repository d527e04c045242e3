//! Articles that came in and are left out of a later export: they do not stay public.

use super::wordpress::export;
use super::*;

fn post(id: u32, of: &str) -> String {
    format!(
        "<item><title>Titre {id}</title><guid>g{id}</guid><content:encoded>secret</content:encoded>\
         <wp:post_id>{id}</wp:post_id><wp:post_date_gmt>2024-01-01 00:00:00</wp:post_date_gmt>\
         <wp:post_name>t{id}</wp:post_name>{of}</item>"
    )
}

const PUBLIC: &str = "<wp:status>publish</wp:status><wp:post_type>post</wp:post_type>";
const TRASH: &str = "<wp:status>trash</wp:status><wp:post_type>post</wp:post_type>";
const LOCKED: &str = "<wp:status>publish</wp:status><wp:post_type>post</wp:post_type><wp:post_password>x</wp:post_password>";
const PAGE: &str = "<wp:status>publish</wp:status><wp:post_type>page</wp:post_type>";
const PRIVATE: &str = "<wp:status>private</wp:status><wp:post_type>post</wp:post_type>";
const PLANNED: &str = "<wp:status>future</wp:status><wp:post_type>post</wp:post_type>";

fn statuses(app: &App, slugs: &[&str]) -> Vec<u16> {
    let status = |slug: &&str| app.get(&format!("/v1/articles/{slug}")).status;
    slugs.iter().map(status).collect()
}

#[test]
fn what_wordpress_takes_from_the_public_is_withdrawn_once() {
    for place in places() {
        let imported = Imported::into(place);
        let planned = post(6, PLANNED).replace("2024-01-01", "2124-01-01");
        let mut first: Vec<String> = (1..=5).map(|id| post(id, PUBLIC)).collect();
        first.push(planned.clone());
        let file = written(&imported.place, "first.xml", export(&first.concat()));
        let said = imported.run(&[&file]);
        said.says(&["6 created, 0 updated, 0 unchanged, 0 failed in"]);
        let app = App::on(imported.place.shared());
        let slugs = ["t1", "t2", "t3", "t4", "t5", "t6"];
        assert_eq!(statuses(&app, &slugs), [200, 200, 200, 200, 200, 404]);
        let editor = app.key("editor");
        let as_editor = [("authorization", editor.as_str())];
        let read = app.get_with("/v1/articles/t5", &as_editor);
        let version = [("if-match", read.header("etag"))];
        let deleted = app.write("DELETE", "/v1/articles/t5", &editor, &version, None);
        assert_eq!(deleted.status, 204);

        let locked_plan = planned.replace(PLANNED, TRASH);
        let second = [
            post(1, LOCKED),
            post(2, TRASH),
            post(3, TRASH),
            post(4, PRIVATE),
            post(5, TRASH),
            locked_plan,
            post(7, LOCKED),
        ];
        let file = written(&imported.place, "second.xml", export(&second.concat()));
        let before = imported.stored();
        let said = imported.run(&["--dry-run", &file]);
        said.says(&["0 created, 5 updated, 0 unchanged, 0 failed, 4 withdrawn in"]);
        assert!(imported.stored() == before, "{}", imported.place.name);
        let said = imported.run(&[&file]);
        assert_eq!(said.code, Some(0), "{}", said.text);
        said.says(&[
            "0 created, 5 updated, 0 unchanged, 0 failed, 4 withdrawn in",
            "left out: 2 articles behind a password: post 1 (Titre 1), post 7 (Titre 7)",
            "changed: 1 private articles taken as drafts: post 4",
        ]);
        app.wait();
        assert_eq!(statuses(&app, &slugs), [410, 410, 410, 410, 410, 404]);
        assert_eq!(statuses(&app, &["t7"]), [404]);
        let kept = app.get_with("/v1/articles/t1", &as_editor);
        assert_eq!(kept.json()["status"], "withdrawn");
        assert!(kept.text().contains("secret"), "{}", kept.text());
        imported.again(&[&file]);

        // It is for everyone once more.
        let said = imported.run(&[&written(
            &imported.place,
            "third.xml",
            export(&first.concat()),
        )]);
        said.says(&["0 created, 5 updated, 0 unchanged, 1 failed in"]);
        app.wait();
        assert_eq!(statuses(&app, &slugs[..4]), [200, 200, 200, 200]);
    }
}

#[test]
fn a_run_for_some_types_leaves_the_others() {
    let imported = Imported::into(Place::sqlite());
    let items = [post(1, PUBLIC), post(2, PAGE)];
    let file = written(&imported.place, "site.xml", export(&items.concat()));
    imported.run(&[&file]).says(&["1 created"]);
    let said = imported.run(&["--post-types", "page", &file]);
    said.says(&["1 created, 0 updated, 0 unchanged, 0 failed in"]);
    imported.again(&[&file]);
    assert_eq!(statuses(&imported.serve(), &["t1", "t2"]), [200, 200]);
}

/// One article and one trashed item of the same name are two, whichever comes first.
#[test]
fn a_trashed_namesake_withdraws_nothing() {
    let imported = Imported::into(Place::sqlite());
    let namesake = post(2, TRASH).replace("g2", "g1");
    for items in [
        [namesake.clone(), post(1, PUBLIC)],
        [post(1, PUBLIC), namesake],
    ] {
        let file = written(&imported.place, "twice.xml", export(&items.concat()));
        imported.run(&[&file]);
        imported.again(&[&file]);
    }
    assert_eq!(statuses(&imported.serve(), &["t1"]), [200]);
}

#[test]
fn a_post_of_ghost_that_loses_its_text_is_withdrawn_and_one_that_becomes_a_page_is_told_of() {
    let site = |kind: &str, html: Option<&str>, status: &str| {
        let post = |id: u32, kind: &str, html: Option<&str>, status: &str| {
            json!({"id": id.to_string(), "uuid": format!("u{id}"), "title": "T", "slug": format!("t{id}"),
                "html": html, "type": kind, "status": status, "published_at": "2024-01-01T00:00:00.000Z"})
        };
        json!({"db": [{"data": {
            "posts": [
                post(1, kind, Some("<p>x</p>"), "published"),
                post(2, "post", html, "published"),
                post(3, "post", Some("<p>x</p>"), status),
            ],
            "settings": [{"key": "locale", "value": "fr"}],
        }}]})
        .to_string()
    };
    for place in places() {
        let imported = Imported::into(place);
        let first = site("post", Some("<p>x</p>"), "published");
        let file = written(&imported.place, "first.json", first);
        imported.run(&[&file]).says(&["3 created"]);
        let file = written(&imported.place, "second.json", site("page", None, "draft"));
        let said = imported.run(&[&file]);
        said.says(&[
            "0 created, 2 updated, 0 unchanged, 0 failed, 1 withdrawn in",
            "left out: 1 articles without a text: t2",
            "left out: 1 items of type \"page\" (see --post-types): t1",
        ]);
        imported.again(&[&file]);
        let statuses = statuses(&imported.serve(), &["t1", "t2", "t3"]);
        assert_eq!(statuses, [200, 410, 410]);
    }
}

/// Those of a site that its makers left at its first address are called like those of any other such site.
#[test]
fn an_equal_name_of_another_site_withdraws_nothing() {
    let at = |host: &str, of: &str| {
        let link = format!("<link>https://{host}/?p=1</link><guid>");
        let items = post(1, of).replace("<guid>", &link);
        export(&items).replace("https://t.example", &format!("https://{host}"))
    };
    for place in places() {
        let imported = Imported::into(place);
        let file = written(&imported.place, "ours.xml", at("t.example", PUBLIC));
        imported.run(&[&file]).says(&["1 created"]);
        let file = written(&imported.place, "other.xml", at("u.example", TRASH));
        imported.again(&[&file]);
        let file = written(&imported.place, "later.xml", at("www.t.example", TRASH));
        let said = imported.run(&[&file]);
        said.says(&["0 created, 1 updated, 0 unchanged, 0 failed, 1 withdrawn in"]);
    }
}

fn entry(link: &str, guid: &str) -> String {
    format!(
        "<rss version=\"2.0\"><channel><title>R</title><language>fr</language><item><title>Flux</title>\
         <link>{link}</link><guid isPermaLink=\"false\">{guid}</guid><description>Court</description>\
         <pubDate>Wed, 01 May 2024 10:00:00 +0000</pubDate></item></channel></rss>"
    )
}

#[test]
fn what_a_feed_brought_is_withdrawn_when_the_export_leaves_it_out() {
    let guid = "https://t.example/?p=1";
    let trashed = post(1, TRASH).replace("g1", guid);
    let draft = trashed.replace(">trash<", ">draft<");
    for (left_out, withdrawn) in [(trashed, 1), (draft, 0)] {
        let imported = Imported::into(Place::sqlite());
        let feed = written(
            &imported.place,
            "feed.rss",
            entry("https://t.example/t1", guid),
        );
        imported.run(&[&feed]).says(&["1 created"]);
        let file = written(&imported.place, "site.xml", export(&left_out));
        let said = imported.run(&[&file]);
        said.says(&["0 created, 1 updated, 0 unchanged, 0 failed"]);
        assert_eq!(said.text.contains("1 withdrawn"), withdrawn == 1);
        imported.again(&[&file]);
        assert_eq!(statuses(&imported.serve(), &["t1"]), [410]);
    }
}

#[test]
fn what_a_feed_brought_of_ghost_is_not_public_when_it_is_for_members() {
    let ghost = json!({"db": [{"data": {"settings": [{"key": "locale", "value": "fr"}], "posts": [
        {"id": "64a1", "uuid": "u1", "title": "T", "slug": "t1", "html": "<p>Entier</p>", "status": "published",
         "visibility": "members", "published_at": "2024-01-01T00:00:00.000Z"}]}}]});
    let imported = Imported::into(Place::sqlite());
    let feed = written(
        &imported.place,
        "feed.rss",
        entry("https://g.example/t1/", "64a1"),
    );
    imported.run(&[&feed]).says(&["1 created"]);
    let ghost = written(&imported.place, "ghost.json", ghost.to_string());
    let arguments = [ghost.as_str(), "--site-url", "https://g.example"];
    imported.run(&arguments).says(&["0 created, 1 updated"]);
    imported.again(&arguments);
    imported.again(&[&feed]);
    assert_eq!(statuses(&imported.serve(), &["t1", "t1-2"]), [410, 404]);
}

#[test]
fn a_republished_post_leaves_the_first_sites_article_alone() {
    let first = "https://u.example/t1";
    let canonical = format!(
        "{PUBLIC}<wp:postmeta><wp:meta_key>_yoast_wpseo_canonical</wp:meta_key><wp:meta_value>{first}</wp:meta_value></wp:postmeta>"
    );
    let imported = Imported::into(Place::sqlite());
    let feed = written(&imported.place, "feed.rss", entry(first, "7"));
    imported.run(&[&feed]).says(&["1 created"]);
    let file = written(&imported.place, "site.xml", export(&post(1, &canonical)));
    imported.run(&[&file]).says(&["1 created, 0 updated"]);
    imported.again(&[&feed]);
    assert_eq!(statuses(&imported.serve(), &["t1", "t1-2"]), [200, 200]);
}

#[test]
fn names_are_the_same_whatever_types_are_taken() {
    let imported = Imported::into(Place::sqlite());
    let items = [post(2, PAGE).replace("g2", "g1"), post(1, PUBLIC)];
    let file = written(&imported.place, "site.xml", export(&items.concat()));
    imported.run(&[&file]).says(&["1 created"]);
    let said = imported.run(&["--post-types", "post,page", &file]);
    said.says(&["1 created, 0 updated, 1 unchanged"]);
    assert_eq!(statuses(&imported.serve(), &["t1", "t2"]), [200, 200]);
}
