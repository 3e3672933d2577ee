vcl 4.1;
# Varnish 7 in front of embedkit, which has
#   EMBEDKIT_CHANGE_FEED=on
#   EMBEDKIT_PURGE_URLS=http://127.0.0.1:6081
#   EMBEDKIT_TRUSTED_HOPS=1
# TLS ends before it (hitch, or the nginx of this folder without its cache).

import directors;
import std;

probe lives {
    .url = "/healthz";
    .interval = 2s;
    .timeout = 2s;
    .window = 3;
    .threshold = 2;
    .initial = 3;
}
backend one { .host = "127.0.0.1"; .port = "8080"; .first_byte_timeout = 30s; .probe = lives; }
backend two { .host = "127.0.0.1"; .port = "8081"; .first_byte_timeout = 30s; .probe = lives; }

# Who may have pictures forgotten: embedkit itself.
acl embedkit { "127.0.0.1"; "::1"; }

sub vcl_init {
    new service = directors.round_robin();
    service.add_backend(one);
    service.add_backend(two);
}

sub vcl_recv {
    if (req.method == "BAN") {
        if (client.ip !~ embedkit) {
            return (synth(403));
        }
        # "getty-74917285 getty-840894796": nothing else becomes part of a regular expression
        if (req.http.Surrogate-Key !~ "^[0-9a-z-]+( [0-9a-z-]+)*$") {
            return (synth(400));
        }
        # Of the stored answer alone, so that the ban lurker can do its work. A blank would end the expression.
        if (!std.ban("obj.http.Surrogate-Key ~ (^|[[:space:]])("
            + regsuball(req.http.Surrogate-Key, " ", "|") + ")([[:space:]]|$)")) {
            return (synth(500, std.ban_error()));
        }
        return (synth(200));
    }
    # Set, never appended to: what a client sends must not get through.
    set req.http.X-Forwarded-For = client.ip;
    set req.backend_hint = service.backend();
    if ((req.method == "GET" || req.method == "HEAD") && !req.http.Authorization) {
        unset req.http.Cookie;  # the service has none
        return (hash);
    }
    return (pass);
}

sub vcl_backend_response {
    # The time is that of s-maxage. Nothing is shown past it while it is asked for anew.
    set beresp.grace = 0s;
    set beresp.keep = 0s;
    if (beresp.http.Cache-Control ~ "no-store|private") {
        set beresp.uncacheable = true;
        set beresp.ttl = 0s;
    }
}

sub vcl_deliver {
    # A browser counts its minute from now on; which pictures are in an answer is for this cache to know.
    unset resp.http.Age;
    unset resp.http.Surrogate-Key;
    # That of whose request the answer was first made for.
    unset resp.http.X-Request-ID;
    set resp.http.X-Cache = "MISS";
    if (obj.hits > 0) {
        set resp.http.X-Cache = "HIT";
    }
}
