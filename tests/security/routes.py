"""Every address of Hubsync, walked from its URL configuration: what is added is attacked without being listed."""

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver

NUMBERS = {
    "<int:": "1",
    "<slug:": "x",
    "<str:": "x",
    "<uuid:": "00000000-0000-4000-8000-000000000000",
    "<path:": "x",
}


def patterns() -> Iterator[tuple[str, URLPattern]]:
    """Path as written in the configuration -> its pattern."""

    def walk(resolver: URLResolver, before: str) -> Iterator[tuple[str, URLPattern]]:
        for pattern in resolver.url_patterns:
            path = before + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern, path)
            else:
                yield path, pattern

    return walk(get_resolver(), "/")


def addresses() -> Iterator[tuple[str, URLPattern]]:
    """The same with something in every place that takes a value; catch-alls in regular expressions are left out."""
    for path, pattern in patterns():
        if "^" in path or "$" in path or "(?P" in path:
            continue
        parts = []
        for part in path.split("/"):
            for kind, value in NUMBERS.items():
                while kind in part:
                    start, _, rest = part.partition(kind)
                    part = start + value + rest.partition(">")[2]
            parts.append(part)
        yield "/".join(parts), pattern
