//! WordPress exports, also hostile ones.

use super::*;

#[test]
fn an_export_comes_in_whole_and_a_second_time_changes_nothing() {
    for place in places() {
        let imported = Imported::into(place);
        let file = fixture("wordpress.xml");
        let said = imported.run(&[&file]);
        assert_eq!(said.code, Some(0), "{}", said.text);
        said.says(&[
            "6 created, 0 updated, 0 unchanged, 0 failed",
            "left out: 1 articles behind a password: post 16 (Secret)",
            "left out: 1 articles in the trash: post 17 (Jeté)",
            "left out: 1 pages (see --post-types): post 19 (Qui sommes-nous)",
            "left out: 2 comments",
            "left out: 1 descriptions of files",
            "left out: 1 pictures that the file does not describe: post 11",
            "left out: 1 shortcodes [vc_row]",
            "left out: 1 blocks that WordPress fills in, \"latest-posts\": post 12",
            "changed: 1 private articles taken as drafts: post 15",
            "changed: 1 dates without an offset taken for UTC: post 12",
            "changed: 1 headlines made from the first words: post 18",
            "changed: 1 identifiers that came twice: post 18",
        ]);
        imported.again(&[&file]);
        shown(&imported.serve());
    }
}

/// الماء
const ARABIC: &str = "/v1/articles/%D8%A7%D9%84%D9%85%D8%A7%D8%A1";

fn shown(app: &App) {
    let article = app.get("/v1/articles/crue-ziz").json();
    for (member, expected) in [
        ("headline", json!("La crue du Ziz & ses suites")),
        ("standfirst", json!("La circulation est interrompue.")),
        ("byline", json!("Samira Aït Brahim")),
        ("language", json!("fr-FR")),
        ("published_at", json!("2024-03-05T08:30:00Z")),
        ("updated_at", json!("2024-03-06T10:00:00Z")),
        (
            "canonical_url",
            json!("https://echo.example/2024/03/crue-ziz/"),
        ),
        (
            "source",
            json!({"name": "L’Écho d’Errachidia", "url": "https://echo.example/2024/03/crue-ziz/"}),
        ),
    ] {
        assert_eq!(article[member], expected, "{member}: {article}");
    }
    let image = &article["image"];
    assert_eq!(
        (&image["url"], &image["alt"], &image["caption"]),
        (
            &json!("https://echo.example/wp-content/uploads/pont.jpg"),
            &json!("Le pont sur le Ziz"),
            &json!("Le pont de pierre")
        )
    );
    assert_eq!(
        tags(&article),
        [
            ("oasis", "section"),
            ("region", "section"),
            ("crue", "keyword"),
            ("samira-ait-brahim", "contributor")
        ]
    );
    let section = app.get("/v1/tags/oasis").json();
    assert_eq!(section["parent"], "region", "{section}");
    assert_eq!(section["description"], "Eau & palmiers");
    let text = body(app, "crue-ziz");
    for part in [
        "<p>La route est coupée.<br>\nDepuis mardi.</p>",
        "<img src=\"https://echo.example/wp-content/uploads/pont.jpg\" alt=\"Un pont\">",
        "<figcaption>Le pont, <em>hier</em></figcaption>",
        "<p>Un [sic] mot</p>",
        "href=\"https://video.example/watch?v=1\"",
        "<figcaption>Le pont de pierre</figcaption>",
        "<p>Un texte sur ]]&gt; la fin.</p>",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let former = app.get("/v1/articles/la-crue");
    assert_eq!(
        former.status, 301,
        "the slug that it had in WordPress leads to it"
    );
    let arabic = app.get(ARABIC).json();
    assert_eq!(arabic["published_at"], "2024-04-01T12:00:00Z");
    let text = body(app, "%D8%A7%D9%84%D9%85%D8%A7%D8%A1");
    assert!(
        text.contains("<p>نص</p>")
            && text.contains("href=\"https://video.example/2\"")
            && text.contains("href=\"https://map.example/?a=1&amp;b=2\"")
            && !text.contains("wp:"),
        "{text}"
    );
    let untitled = app.get("/v1/articles/crue-ziz-2").json();
    assert_eq!(
        untitled["headline"],
        "Une brève sans titre, et sous le nom d’une autre."
    );
    for hidden in ["a-venir", "interne", "secret", "nous", "brouillon"] {
        let status = app.get(&format!("/v1/articles/{hidden}")).status;
        assert_eq!(status, 404, "{hidden}");
    }
    assert_eq!(app.get("/v1/articles").slugs().len(), 3);
}

#[test]
fn language_types_and_standard_input() {
    let imported = Imported::into(Place::sqlite());
    let file = fixture("wordpress.xml");
    let said = imported.run(&[&file, "--dry-run"]);
    said.says(&["6 created", "dry run"]);
    assert!(
        imported
            .stored()
            .iter()
            .all(|line| !line.starts_with("articles "))
    );
    let said = imported.run(&[&file, "--post-types", "page", "--language", "ar"]);
    said.says(&["1 created", "left out: 8 items of type \"post\""]);
    let app = imported.serve();
    assert_eq!(app.get("/v1/articles/nous").json()["language"], "ar");
}

/// An export with these items.
pub fn export(items: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<rss xmlns:wp=\"http://wordpress.org/export/1.2/\"><channel>\
         <title>T</title><link>https://t.example</link><language>fr</language>\n{items}\n</channel></rss>"
    )
}

pub fn item(id: u32, content: &str) -> String {
    format!(
        "<item><title>Titre {id}</title><guid>g{id}</guid><content:encoded>{content}</content:encoded>\
         <wp:post_id>{id}</wp:post_id><wp:post_date_gmt>2024-01-01 00:00:00</wp:post_date_gmt>\
         <wp:post_name>t{id}</wp:post_name><wp:status>publish</wp:status><wp:post_type>post</wp:post_type></item>\n"
    )
}

#[test]
fn one_article_does_not_have_the_whole_file_looked_up() {
    let picture = item(2, &"x".repeat(4 << 20))
        .replace(">post<", ">attachment<")
        .replace(
            "</item>",
            "<wp:attachment_url>https://t.example/2.jpg</wp:attachment_url></item>",
        );
    let items = [
        picture,
        item(1, &format!("[gallery ids=\"{}\"]", ["2"; 20].join(","))),
    ];
    let imported = Imported::into(Place::sqlite());
    let file = written(&imported.place, "gallery.xml", export(&items.concat()));
    let said = imported.run(&[&file]);
    said.says(&[
        "1 created",
        "1 pictures and shared blocks beyond 32 MB of an article: post 1",
    ]);
    let shown = body(&imported.serve(), "t1");
    assert_eq!(shown.matches("<img").count(), 8, "{shown}");
}

#[test]
fn a_broken_item_costs_itself_alone() {
    let imported = Imported::into(Place::sqlite());
    let deep = "<a>".repeat(100) + &"</a>".repeat(100);
    let long = format!("<![CDATA[{}]]>", "x".repeat(17 << 20));
    let attribute = format!("<b c=\"{}\"/>", "y".repeat(17 << 20));
    let items = [
        item(1, "bon"),
        item(2, "<b>pas fermé"),
        item(3, "<![CDATA[bon]]>"),
        item(4, &deep),
        item(5, &long),
        item(6, &attribute),
        item(7, "a & b &nbsp; &#0;&#x1; &#233;"),
        "<item><title>Rien</title></item>".to_owned(),
        item(8, "bon"),
    ];
    let mut bytes = export(&items.concat()).into_bytes();
    let at = bytes
        .windows(3)
        .rposition(|window| window == b"bon")
        .unwrap();
    bytes[at] = 0xff;
    bytes[at + 1] = 0x02;
    let file = written(&imported.place, "broken.xml", &bytes);
    let said = imported.run(&[&file]);
    assert_eq!(said.code, Some(1));
    said.says(&[
        "4 created, 0 updated, 0 unchanged, 5 failed",
        "item 2: is not well-formed XML",
        "item 4: has elements nested deeper than 64",
        "item 5: a part of it is larger than",
        "item 6: a part of it is larger than",
        "is no item of WordPress",
        "changed: 2 bytes that are no text replaced",
    ]);
    imported.again(&[&file]);
    let app = imported.serve();
    assert!(
        body(&app, "t7").contains("a &amp; b"),
        "{}",
        body(&app, "t7")
    );
    assert_eq!(body(&app, "t8"), "<p>\u{fffd} n</p>\n".replace('\n', ""));
}

#[test]
fn a_file_that_is_cut_short_is_told_of() {
    let imported = Imported::into(Place::sqlite());
    let whole = export(&(item(1, "bon") + &item(2, "bon")));
    let end = whole.rfind("<wp:status>").unwrap();
    for (end, says) in [
        (end, "the file ends inside it"),
        (whole.rfind("</channel>").unwrap(), "the file is cut short"),
    ] {
        let file = written(&imported.place, "cut.xml", &whole[..end]);
        let said = imported.run(&[&file]);
        assert_eq!(said.code, Some(1));
        said.says(&[says, "1 failed"]);
    }
}

#[test]
fn entities_are_refused() {
    let imported = Imported::into(Place::sqlite());
    let bomb = "<!DOCTYPE rss [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\">]>";
    let outside = "<!DOCTYPE rss [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>";
    for declaration in [
        bomb,
        outside,
        "<!DOCTYPE rss SYSTEM \"http://127.0.0.1:1/x.dtd\">",
    ] {
        let text = export(&item(1, "&a;")).replace("<rss", &format!("{declaration}\n<rss"));
        let file = written(&imported.place, "bomb.xml", text);
        let said = imported.run(&[&file]);
        assert_eq!(said.code, Some(1));
        said.says(&["bomb.xml: ", "document type declaration"]);
    }
    assert!(
        imported
            .stored()
            .iter()
            .all(|line| !line.starts_with("articles "))
    );
}

#[test]
fn other_encodings_and_no_language() {
    let imported = Imported::into(Place::sqlite());
    let text = export(&item(1, "été")).replace("?>", " encoding=\"ISO-8859-1\"?>");
    let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
    let file = written(&imported.place, "latin.xml", latin);
    let said = imported.run(&[&file]);
    assert_eq!(said.code, Some(0), "{}", said.text);
    let mute = text
        .replace("<language>fr</language>", "")
        .replace(" encoding=\"ISO-8859-1\"", "");
    let file = written(&imported.place, "mute.xml", mute);
    imported
        .run(&[&file])
        .says(&["1 failed", "nothing says its language; see --language"]);
    let wide = |bytes: fn(u16) -> [u8; 2], id: u32| -> Vec<u8> {
        let text = export(&item(id, "été")).replace("?>", " encoding=\"UTF-16\"?>");
        let marked = format!("\u{feff}{text}");
        marked.encode_utf16().flat_map(bytes).collect()
    };
    let windows: Vec<u8> = export(&item(4, "l\u{92}été"))
        .replace("?>", " encoding=\"windows-1252\"?>")
        .chars()
        .map(|c| c as u8)
        .collect();
    for (name, bytes) in [
        ("little.xml", wide(u16::to_le_bytes, 2)),
        ("big.xml", wide(u16::to_be_bytes, 3)),
        ("windows.xml", windows),
    ] {
        let file = written(&imported.place, name, bytes);
        let said = imported.run(&[&file]);
        assert_eq!(said.code, Some(0), "{name}: {}", said.text);
        imported.again(&[&file]);
    }
    let app = imported.serve();
    for (slug, words) in [
        ("t1", "été"),
        ("t2", "été"),
        ("t3", "été"),
        ("t4", "l\u{2019}été"),
    ] {
        assert!(
            body(&app, slug).contains(words),
            "{slug}: {}",
            body(&app, slug)
        );
    }
}

#[test]
fn what_is_for_subscribers_does_not_become_public() {
    let with = |id: u32, key: &str, value: &str| {
        let meta = format!(
            "<wp:postmeta><wp:meta_key>{key}</wp:meta_key><wp:meta_value>{value}</wp:meta_value></wp:postmeta></item>"
        );
        item(id, "secret").replace("</item>", &meta)
    };
    let items = [
        with(1, "_jetpack_newsletter_access", "paid_subscribers"),
        with(2, "_jetpack_newsletter_access", "everybody"),
        item(
            3,
            "&lt;!-- wp:premium-content/container --&gt;secret&lt;!-- /wp:premium-content/container --&gt;",
        ),
        item(4, "free &lt;!-- wp:jetpack/paywall /--&gt; secret"),
        item(5, "a [members]secret[/members]"),
        item(6, "a [wcm_restrict plans=\"gold\"]secret[/wcm_restrict]"),
        item(7, "a [memberful]secret[/memberful]"),
        item(8, "a [pmpro_member level=\"1\"]secret[/pmpro_member]"),
        item(9, "a [restrict]secret[/restrict]"),
        item(10, "how to write [[members]]"),
        with(11, "_members_access_role", "editor"),
    ];
    for place in places() {
        let imported = Imported::into(place);
        let file = written(&imported.place, "members.xml", export(&items.concat()));
        let said = imported.run(&[&file]);
        assert_eq!(said.code, Some(0), "{}", said.text);
        said.says(&[
            "11 created",
            "changed: 1 articles for \"paid_subscribers\" only taken as drafts: post 1 (Titre 1)",
            "changed: 1 articles with a part for some readers (block jetpack/paywall) taken as drafts: post 4",
            "changed: 1 articles with a part for some readers ([wcm_restrict]) taken as drafts: post 6",
        ]);
        imported.again(&[&file]);
        let app = imported.serve();
        let mut slugs = app.get("/v1/articles").slugs();
        slugs.sort();
        assert_eq!(slugs, ["t10", "t2"]);
    }
}

#[test]
fn what_a_gallery_or_a_section_repeats_is_bounded() {
    let imported = Imported::into(Place::sqlite());
    let picture = format!(
        "<item><title>p</title><excerpt:encoded>{}</excerpt:encoded><wp:post_id>90</wp:post_id>\
         <wp:post_type>attachment</wp:post_type><wp:attachment_url>https://t.example/p.jpg</wp:attachment_url></item>\n",
        "c".repeat(10_000)
    );
    let numbers = "90,".repeat(500);
    let gallery = item(1, &format!("[gallery ids=\"{numbers}\"]").repeat(50));
    let category = "<category domain=\"category\" nicename=\"s\">S</category>".repeat(5_000);
    let tagged = item(2, "x").replace("</item>", &(category + "</item>"));
    let section = format!(
        "<wp:category><wp:category_nicename>s</wp:category_nicename><wp:cat_name>S</wp:cat_name>\
         <wp:category_description>{}</wp:category_description></wp:category>",
        "d".repeat(1_000_000)
    );
    let file = written(
        &imported.place,
        "large.xml",
        export(&[section, gallery, tagged, picture].concat()),
    );
    let said = imported.run(&[&file]);
    said.says(&[
        "1 created, 0 updated, 0 unchanged, 1 failed",
        "makes a line that is longer than",
        "left out: 4800 tags beyond 200 of an article: post 2",
    ]);
}
