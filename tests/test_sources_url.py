"""One spelling for every remote address, and a list of allowed ones that nothing slips past."""

from __future__ import annotations

import re

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.sources.url import AllowedSource, canonical_url, check_allowed, parse_url
from transforms.failure import Failure, Kind


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("http://example.com", "http://example.com/"),
        ("HTTP://EXAMPLE.Com/A.jpg", "http://example.com/A.jpg"),
        ("https://example.com:443/a", "https://example.com/a"),
        ("http://example.com:80/a", "http://example.com/a"),
        ("http://example.com:443/a", "http://example.com:443/a"),
        ("http://example.com:/a", "http://example.com/a"),
        ("http://example.com:0080/a", "http://example.com/a"),
        ("http://example.com./a", "http://example.com/a"),
        ("https:/example.com/a", "https://example.com/a"),  # a proxy collapsed the slashes
        ("http://example.com/a#part", "http://example.com/a"),
        ("http://example.com#@evil.com/", "http://example.com/"),
        ("http://example.com?x=1", "http://example.com/?x=1"),
        ("http://example.com/?", "http://example.com/"),
        ("http://example.com/a?b=c&d=e?f/g", "http://example.com/a?b=c&d=e?f/g"),
        ("http://example.com/a b.jpg", "http://example.com/a%20b.jpg"),
        ("http://example.com/é.jpg", "http://example.com/%C3%A9.jpg"),
        ("http://example.com/%c3%a9%2F%6a.jpg", "http://example.com/%C3%A9%2Fj.jpg"),  # escapes that are needed stay
        ("http://example.com/100%.jpg", "http://example.com/100%25.jpg"),
        ("http://example.com/%zz", "http://example.com/%25zz"),
        ("http://example.com/%25zz", "http://example.com/%25zz"),
        ("http://example.com/a/../b/./c", "http://example.com/b/c"),
        ("http://example.com/../../b", "http://example.com/b"),
        ("http://example.com/a/%2e%2E/b/%2e", "http://example.com/b/"),
        ("http://example.com/a/..", "http://example.com/"),
        ("http://example.com//a//b", "http://example.com//a//b"),
        ('http://example.com/<">\\^`{|}[]', "http://example.com/%3C%22%3E%5C%5E%60%7B%7C%7D%5B%5D"),
        ("http://example.com/!$&'()*+,;=:@-._~", "http://example.com/!$&'()*+,;=:@-._~"),
        ("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"),
        ("https://BÜCHER.example/", "https://xn--bcher-kva.example/"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
        ("http://ex。ample.com/", "http://ex.ample.com/"),
        ("http://my_bucket.example.com/", "http://my_bucket.example.com/"),
        ("http://①②⑦.⓪.⓪.①/", "http://127.0.0.1/"),
        ("http://ⓛocalhost/", "http://localhost/"),
        ("http://2130706433/", "http://127.0.0.1/"),
        ("http://0x7f000001/", "http://127.0.0.1/"),
        ("http://0x7F.1/", "http://127.0.0.1/"),
        ("http://0177.0.0.1/", "http://127.0.0.1/"),
        ("http://017700000001/", "http://127.0.0.1/"),
        ("http://127.1/", "http://127.0.0.1/"),
        ("http://0/", "http://0.0.0.0/"),
        ("http://127.0.0.1./", "http://127.0.0.1/"),
        ("http://[::1]:8080/", "http://[::1]:8080/"),
        ("http://[0:0:0::0001]/", "http://[::1]/"),
        ("http://[2001:DB8::A]/", "http://[2001:db8::a]/"),
        ("http://[::ffff:127.0.0.1]/", "http://127.0.0.1/"),
        ("http://[::ffff:7f00:1]/", "http://127.0.0.1/"),
    ],
)
def test_canonical_url(written: str, canonical: str) -> None:
    assert canonical_url(written) == canonical
    assert canonical_url(canonical) == canonical
    assert str(httpx2.URL(canonical)) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "example.com/a.jpg",
        "//127.0.0.1/x.jpg",
        "http:",
        "http://",
        "http:///etc/passwd",
        "http:127.0.0.1/",
        "http:\\\\127.0.0.1\\",
        " http://example.com/",
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "gopher://127.0.0.1:6379/_INFO",
        "dict://127.0.0.1:11211/",
        "jar:http://127.0.0.1!/",
        "data:image/png;base64,AAAA",
        "ftp://example.com/a",
        "https+unix://x/",
        "http://user@example.com/",
        "http://user:password@example.com/",
        "http://example.com@127.0.0.1/",
        "http://example.com\\@127.0.0.1/",
        "http://@example.com/",
        "http://example.com:80%40127.0.0.1/",
        "http://example.com:80:80/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:8o/",
        "http://example.com:-1/",
        "http://example.com:+80/",
        "http://example.com:٣/",
        "http://:80/",
        "http://exa mple.com/",
        "http://exa%20mple.com/",
        "http://%31%32%37.0.0.1/",
        "http://example.com%00.evil.com/",
        "http://evil.com\\.example.com/",
        "http://a..b/",
        "http://.a/",
        "http://a../",
        "http://-a.com/",
        "http://" + "a" * 64 + ".com/",
        "http://" + "a." * 127 + "com/",
        "http://" + "x\u00ad" * 200 + "/",
        "http://\u202eabc.com/",
        "http://256.0.0.1/",
        "http://1.2.3.4.5/",
        "http://08.0.0.1/",
        "http://a.0x/",
        "http://4294967296/",
        "http://[::1/",
        "http://::1/",
        "http://[::1]x/",
        "http://[fe80::1%25eth0]/",
        "http://[fe80::1%eth0]/",
        "http://[127.0.0.1]/",
        "http://[]/",
        "http://[v1.fe]/",
        "http://{host}/",
        "http://example.com/a\r\nHost: evil",
        "http://example.com/a\tb",
        "http://example.com/a\0b",
        "http://exam\nple.com/",
        "http://example.com/\ud800",
        "http://example.com/" + "a" * 9000,
    ],
)
def test_what_is_no_remote_address(text: str) -> None:
    with pytest.raises(Failure) as caught:
        canonical_url(text)
    assert (caught.value.kind, caught.value.code) == (Kind.BAD_REQUEST, "bad-source")


TOKENS = """http https :// :/ : / // .. . %2e % %2 %25 %2f ? # @ [ ] ::1 127.0.0.1 0x7f.1 127.1 example.com a_b xn--
    ü ① 。 ٣ \\ :80 ; * ff A -"""
PARTS = st.sampled_from([*TOKENS.split(), "\u00ad", " ", "\0", "\r\n", "\x85", "\ud800"])


@given(st.one_of(st.text(), st.lists(PARTS).map("".join), st.lists(PARTS).map(lambda some: "http://" + "".join(some))))
@example("http://xn--a/")
@example("http://xn--ⅷ.com")
@example("http://a/.%2e/%2e./b")
def test_a_canonical_url_is_a_fixed_point_and_nothing_else_is_raised(text: str) -> None:
    try:
        canonical = canonical_url(text)
    except Failure as failure:
        canonical, code = "http://x/", failure.code
    else:
        code = "bad-source"
    assert code == "bad-source"
    assert canonical_url(canonical) == canonical
    assert canonical.isascii()
    assert canonical.isprintable()
    assert " " not in canonical
    assert str(httpx2.URL(canonical)) == canonical


@pytest.mark.parametrize(
    ("entry", "url", "allowed"),
    [
        ("https://example.com", "https://example.com/a.jpg", True),
        ("https://example.com/", "https://example.com/a.jpg", True),
        ("HTTPS://Example.COM", "https://example.com/a.jpg", True),
        ("https://example.com", "http://example.com/a.jpg", False),
        ("https://example.com", "https://example.com:8443/a.jpg", True),  # no port: any
        ("https://example.com:443", "https://example.com/a.jpg", True),
        ("https://example.com:443", "https://example.com:8443/a.jpg", False),
        ("https://example.com:8443", "https://example.com/a.jpg", False),
        ("https://example.com", "https://www.example.com/a.jpg", False),
        ("https://example.com", "https://example.com.evil.org/a.jpg", False),
        ("https://example.com", "https://evilexample.com/a.jpg", False),
        ("https://example.com", "https://evil.org/example.com", False),
        ("https://example.com", "https://example.com./a.jpg", True),
        ("https://*.example.com", "https://img.example.com/a.jpg", True),
        ("https://*.example.com", "https://a.b.example.com/a.jpg", True),
        ("https://*.example.com", "https://example.com/a.jpg", False),
        ("https://*.example.com", "https://evilexample.com/a.jpg", False),
        ("https://*.example.com", "https://example.com.evil.org/a.jpg", False),
        ("https://bücher.example", "https://xn--bcher-kva.example/", True),
        ("http://127.0.0.1:9000", "http://2130706433:9000/a", True),
        ("http://[::1]", "http://[0::1]:8000/a", True),
        ("https://example.com/public", "https://example.com/public/a.jpg", True),
        ("https://example.com/public/", "https://example.com/public/a.jpg", True),
        ("https://example.com/public", "https://example.com/public", True),
        ("https://example.com/public", "https://example.com/publication/a.jpg", False),
        ("https://example.com/public", "https://example.com/Public/a.jpg", False),
        ("https://example.com/public", "https://example.com/a/public/x.jpg", False),
        ("https://example.com/public", "https://example.com/", False),
        ("https://example.com/a b", "https://example.com/a%20b/x.jpg", True),
        ("https://example.com/public/x", "https://example.com/public%2Fx/a.jpg", False),
        ("https://example.com/public", "https://example.com/public/../secret", False),
        ("https://example.com/public", "https://example.com/public/%2e%2e/secret", False),
        ("https://example.com/public", "https://example.com/public/..%2fsecret", False),
        ("https://example.com/public", "https://example.com/public/%2e%2e%2fsecret", False),
        ("https://example.com/public", "https://example.com/public/..%5csecret", False),
        ("https://example.com/public", "https://example.com/public/..\\secret", False),
        ("https://example.com/public", "https://example.com/public/%252e%252e/secret", False),
        ("https://example.com/public", "https://example.com/public/%252e%252e%252fsecret", False),
        ("https://example.com/public", "https://example.com/public/%25252525252e%25252525252e/secret", False),
        ("https://example.com/public", "https://example.com/public/..;/secret", False),
        ("https://example.com/public", "https://example.com/public/a..b/x.jpg", True),
        ("https://example.com/public", "https://example.com/public/x.jpg?p=../../y", True),
        ("https://example.com", "https://example.com/x/%2e%2e%2fy", True),  # the whole host is allowed
    ],
)
def test_an_allowed_source_is_compared_part_by_part(entry: str, url: str, allowed: bool) -> None:
    source = AllowedSource.parse(entry)
    assert source.allows(parse_url(url)) is allowed
    assert AllowedSource.parse(str(source)) == source


@pytest.mark.parametrize(
    "entry",
    [
        "example.com",
        "*",
        "https://*",
        "https://*example.com",
        "https://a.*.com",
        "ftp://example.com",
        "https://",
        "https://user@example.com",
        "https://example.com/a?b",
        "https://example.com/a#b",
        "https://example.com:0",
        "https://example.com/*",
    ],
)
def test_an_entry_that_cannot_be_read_says_so(entry: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(entry))):
        AllowedSource.parse(entry)


@pytest.mark.parametrize(("entries", "says"), [((), "nothing is listed"), (("https://a.example",), "is not listed")])
def test_a_refusal_names_the_setting(entries: tuple[str, ...], says: str) -> None:
    with pytest.raises(Failure) as caught:
        check_allowed(parse_url("http://b.example:81/x?token=1"), [AllowedSource.parse(entry) for entry in entries])
    failure = caught.value
    assert (failure.kind, failure.code) == (Kind.FORBIDDEN, "source-not-allowed")
    assert says in failure.message
    assert failure.hint == "the operator can allow it by adding http://b.example:81 to DARKROOM_ALLOWED_SOURCES"
    assert "token" not in str(vars(failure))
