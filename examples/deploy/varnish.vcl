vcl 4.1;
# Varnish 7 in front of embedkit, with these settings:
#   EMBEDKIT_CHANGE_FEED=on
#   EMBEDKIT_PURGE_URLS=http://127.0.0.1:6081
#   EMBEDKIT_TRUSTED_HOPS=1
# TLS is terminated in front of it (hitch, or nginx.conf in this folder without its cache).

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

# Clients that may purge pictures: embedkit itself.
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
        # Only values like "getty-74917285 getty-840894796" may become part of a regular expression.
        if (req.http.Surrogate-Key !~ "^[0-9a-z-]+( [0-9a-z-]+)*$") {
            return (synth(400));
        }
        # Test only the stored object, so that the ban lurker can work. A space would end the expression.
        if (!std.ban("obj.http.Surrogate-Key ~ (^|[[:space:]])("
            + regsuball(req.http.Surrogate-Key, " ", "|") + ")([[:space:]]|$)")) {
            return (synth(500, std.ban_error()));
        }
        return (synth(200));
    }
    # Set this header, never append to it: the client's value must not get through.
    set req.http.X-Forwarded-For = client.ip;
    set req.backend_hint = service.backend();
    if ((req.method == "GET" || req.method == "HEAD") && !req.http.Authorization) {
        unset req.http.Cookie;  # the service uses no cookies
        return (hash);
    }
    return (pass);
}

sub vcl_backend_response {
    # The TTL comes from s-maxage. No object is served after it while a new one is fetched.
    set beresp.grace = 0s;
    set beresp.keep = 0s;
    if (beresp.http.Cache-Control ~ "no-store|private") {
        set beresp.uncacheable = true;
        set beresp.ttl = 0s;
    }
}

sub vcl_deliver {
    # The browser's minute starts now. Only this cache needs to know which pictures are in a response.
    unset resp.http.Age;
    unset resp.http.Surrogate-Key;
    # This is the ID of the request that the response was first generated for.
    unset resp.http.X-Request-ID;
    set resp.http.X-Cache = "MISS";
    if (obj.hits > 0) {
        set resp.http.X-Cache = "HIT";
    }
}
