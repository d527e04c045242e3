# Varnish (6.0 or later) before Kiosque: it keeps public answers, and Kiosque tells it which have changed.
#
# The server needs KIOSQUE_PURGE_URL=http://VARNISH:PORT/_purge for that, and an address that the list below allows.

vcl 4.1;

backend kiosque {
    .host = "127.0.0.1";
    .port = "8080";
}

# Who may purge: every Kiosque server, and nobody else.
acl servers {
    "localhost";
}

sub vcl_recv {
    if (req.url == "/_purge") {
        if (client.ip !~ servers) {
            return (synth(403));
        }
        # The names of cache tags are letters, digits and dashes, which mean nothing else in a pattern.
        if (req.method != "POST" || req.http.Surrogate-Key !~ "^[A-Za-z0-9-]+( [A-Za-z0-9-]+)*$") {
            return (synth(400));
        }
        ban("obj.http.Surrogate-Key ~ (?<![A-Za-z0-9-])(?:" + regsuball(req.http.Surrogate-Key, " ", "|") + ")(?![A-Za-z0-9-])");
        return (synth(200, "Purged"));
    }
    # Readers have no cookies here; those of the site around would keep everything from being kept.
    unset req.http.Cookie;
}

sub vcl_backend_response {
    # Readers' browsers keep an answer for its max-age, for nobody can tell them of a change. We are told, and may keep
    # it for longer, unless something in it ends within a day: then it says a shorter stale-if-error.
    if (beresp.http.Cache-Control ~ "stale-if-error=86400") {
        set beresp.ttl = 10m;
    }
}

sub vcl_deliver {
    # How long such an answer lay here does not count against its max-age: it is as good as new.
    if (resp.http.Cache-Control ~ "stale-if-error=86400") {
        unset resp.http.Age;
    }
    unset resp.http.Surrogate-Key;
    unset resp.http.Cache-Tag;
}
