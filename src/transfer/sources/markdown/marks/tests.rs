//! What becomes of marks.

use super::*;
use crate::transfer::sources::markdown::pages::{Pages, Place};

fn pages() -> Pages {
    let mut pages = Pages::default();
    for (language, path, address) in [
        ("fr", "/actu/c", "actu/c/"),
        ("ar", "/actu/c", "ar/actu/c/"),
        ("fr", "/_posts/2024-01-02-d", "d/"),
    ] {
        let address = format!("https://x.example/b/{address}");
        pages.add(language, path, Some(&address));
    }
    pages
}

fn with(text: &str, read: fn(&str, &Around, &mut Tally, &str) -> String) -> String {
    let site = Url::parse("https://x.example/b/").ok();
    let around = Around {
        pages: &pages(),
        place: Place {
            language: "fr",
            folder: "/actu",
        },
        site: site.as_ref(),
    };
    read(text, &around, &mut Tally::default(), "x")
}

fn hugo(text: &str) -> String {
    with(text, without_shortcodes)
}

fn jekyll(text: &str) -> String {
    with(text, without_liquid)
}

#[test]
fn references_to_pages() {
    for (text, expected) in [
        ("{{< ref \"c.md\" >}}", "https://x.example/b/actu/c/"),
        (
            "{{% relref \"/actu/c#h\" %}}",
            "https://x.example/b/actu/c/#h",
        ),
        (
            "{{< ref path=\"c\" lang=\"ar\" >}}",
            "https://x.example/b/ar/actu/c/",
        ),
        ("{{< ref \"#h\" >}}", "#h"),
        ("{{< ref \"e/index.md\" >}}", "e"),
    ] {
        assert_eq!(hugo(text), expected, "{text}");
    }
    for text in [
        "{% post_url 2024-01-02-d %}",
        "{% link _posts/2024-01-02-d.md %}",
        "{{ site.baseurl }}{% post_url 2024-01-02-d %}",
        "{{ site.url }}{{ site.baseurl }}{% link _posts/2024-01-02-d.md %}",
    ] {
        assert_eq!(jekyll(text), "https://x.example/b/d/", "{text}");
    }
    assert_eq!(jekyll("{% link about.md %}"), "about");
}

#[test]
fn shortcodes_of_hugo() {
    assert_eq!(hugo("a {{< note >}}b{{< /note >}} {{% c d %}}"), "a b ");
    assert_eq!(hugo("{{</* youtube x */>}}"), "{{< youtube x >}}");
    assert_eq!(hugo("${{ a }} {{ b"), "${{ a }} {{ b");
    assert!(hugo("{{< youtube \"abc\" >}}").contains("watch?v=abc\""));
    assert_eq!(
        hugo("{{< figure src=\"a.png\" alt=\"A\" caption=\"b & c\" >}}").trim(),
        "<figure><img src=\"a.png\" alt=\"A\"><figcaption>b &amp; c</figcaption></figure>"
    );
    assert_eq!(hugo("[a]({{< ref \"b.md\" >}})"), "[a](b)");
    assert_eq!(
        hugo("{{< highlight go >}}\nx\n{{< /highlight >}}").trim(),
        "```go\nx\n```"
    );
}

#[test]
fn liquid_of_jekyll() {
    assert_eq!(jekyll("a{% include b.html %}{{ page.title }} {c}"), "a {c}");
    assert_eq!(
        jekyll("{{ site.url }}{{ site.baseurl }}/a.png"),
        "https://x.example/b/a.png"
    );
    assert_eq!(jekyll("{{ '/a.png' | relative_url }}"), "/b/a.png");
    assert_eq!(
        jekyll("{% raw %}{{ a }}{% endraw %}{% comment %}b{% endcomment %}"),
        "{{ a }}"
    );
    assert_eq!(
        jekyll("{% highlight c %}x{% endhighlight %}").trim(),
        "```c\nx\n```"
    );
    assert_eq!(jekyll("![a](b){: .c}\n{:toc}"), "![a](b)\n");
}

#[test]
fn marks_without_an_end_take_no_time() {
    for odd in [
        "{{<",
        "{{% a ",
        "{%",
        "{{ ",
        "{: ",
        "{",
        "{% raw %}a{% endraw %}",
        "{% raw %}{% ",
    ] {
        let long = odd.repeat(100_000);
        hugo(&long);
        jekyll(&long);
    }
}
