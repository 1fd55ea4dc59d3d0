"""What the story reads pages with, and how it judges: forms as a browser sends them, conditions with a deadline."""

import pytest

from stack.story.html import PageReader
from stack.story.judge import CheckFailed, until
from stack.story.worlds import Snapshot, value

PAGE = """
<div data-webhook-url="http://x/1"><a href="/acme/forgot-password">Forgot?</a></div>
<form method="post" action="/save"><input type="hidden" name="csrf" value="t">
<input type="radio" name="kind" value="a"><input type="radio" name="kind" value="b" checked>
<table><tr><th id="f7">Department <i>text</i></th><td><input type="hidden" name="definition_id" value="7">
<select name="property"><option value="">None</option><option value="city" selected>City</option></select></table>
</form><form action="/search"><input name="q"></form>
"""


def test_a_page_is_read_as_a_browser_would_send_it() -> None:
    page = PageReader(PAGE)
    save, search = page.forms
    assert (save.method, save.action, search.method) == ("POST", "/save", "GET")
    assert [(f.name, f.value) for f in save.fields if f.sent] == [
        ("csrf", "t"),
        ("kind", "b"),
        ("definition_id", "7"),
        ("property", "city"),
    ]
    assert save.named("property")[0].choices == ["", "city"]
    assert page.headings == {"f7": "Department"}
    assert page.data == {"data-webhook-url": "http://x/1"}
    assert page.links == ["/acme/forgot-password"]


def test_waiting_ends_with_what_was_found_or_says_what_was_missing() -> None:
    looks = iter([[], [], ["mail"]])
    assert until(lambda: next(looks), "a mail", watch=lambda: None) == ["mail"]
    with pytest.raises(CheckFailed, match=r"after 0\.1 s still not: a mail"):
        until(lambda: None, "a mail", watch=lambda: None, seconds=0.1)


def test_nobody_waits_for_a_process_that_died() -> None:
    def died() -> None:
        raise RuntimeError("worker stopped by itself")

    with pytest.raises(RuntimeError, match="worker stopped"):
        until(lambda: None, "a mail", watch=died)


def test_only_live_records_tied_to_the_contact_count() -> None:
    done = {"a12345_status": "completed"}
    record = {"account": 1001, "archived": False, "properties": done}
    tie = {"account": 1001, "fromObjectId": "1", "toObjectId": "101"}
    held = Snapshot(
        {
            "app_objects": [
                {**record, "id": "1"},
                {**record, "id": "2"},
                {**record, "id": "3", "archived": True},
            ],
            "associations": [tie, {**tie, "fromObjectId": "3"}],
        }
    )
    (found,) = held.completed(1001, {"id": "101"})
    assert (found["id"], value(found, "status")) == ("1", "completed")
    assert held.completed(1002, {"id": "101"}) == []
