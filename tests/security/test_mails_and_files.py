"""What a stranger writes into a name goes out in our mails and files: as text, and never as more than that."""

import csv
import io
from datetime import UTC, datetime

import pytest
from django.core import mail
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from learners import notices, people, welcome
from learners.findings import Finding
from learners.models import Cause, Enrollment, Learner
from learners.views.spreadsheet import cell
from portals.models import HubSpotAccount, Portal
from webhooks.models import Delivery

BREAKS = "Ada\r\nBcc: all@evil.example\r\n\r\nBuy this"
TAGS = '<img src="https://evil.example/x" onerror=alert(1)>"><script>alert(1)</script>'


def learner(portal: Portal, **changes: object) -> Learner:
    values = {
        "record_type": "contact",
        "record_id": "501",
        "state": "active",
        "email": "ada@northwind.example",
    }
    return Learner.objects.create(account=portal.account, portal=portal, **(values | changes))


# --- mails ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("title", [BREAKS, "a\x0bb\x0cc\x1cd", "a\u2028b\u0085c"])
def test_a_portal_s_title_adds_no_header(acme_portal: Portal, title: str) -> None:
    acme_portal.title = title
    message = welcome.compose(learner(acme_portal, first_name=BREAKS)).message()
    assert message["To"] == "ada@northwind.example"
    assert message["Bcc"] is None
    assert len(message.get_all("Subject", [])) == 1
    assert "\n" not in message["Subject"].replace("\n ", " ")


@pytest.mark.parametrize("email", [f"ada@northwind.example\r\nBcc: {BREAKS}", "ada@northwind.example\n"])
def test_an_address_with_a_break_is_written_to_nobody(acme_portal: Portal, email: str) -> None:
    row = learner(acme_portal, email=email, welcome="due", welcome_due_at=datetime(2026, 1, 1, tzinfo=UTC))
    mail.outbox.clear()
    welcome.send_due()
    assert [m for m in mail.outbox if "evil" in str(m.recipients())] == []
    assert "Bcc" not in "".join(str(m.message()["Bcc"] or "") for m in mail.outbox)
    row.refresh_from_db()
    assert row.welcome != Learner.Sent.DUE  # it is not tried for ever


@pytest.mark.parametrize(
    "text",
    [
        "a@b.example,c@d.example", "a@b.example;c@d.example", "a@b.example c@d.example", "<a@b.example>", '"a"@b.example',
        "a@b.example\r\nBcc: c@d.example", "a@b.example\0", "a@b", "@b.example", "a@@b.example", "a@b.example\x7f",
        "a@" + "." * 60_000 + ",", "x" * 300 + "@b.example",
    ],
)  # fmt: skip
def test_what_names_more_than_one_mailbox_is_no_address(text: str) -> None:
    """The very long one would keep a pattern busy for minutes, were it tried at all."""
    assert not people.is_email(text)


@pytest.mark.parametrize(
    "name",
    [
        "You won! https://evil.example/prize", "evil.example", "www.evil.example", "a/b", "mailto:x", "a@evil.example",
        "\u202egpj.exe", "Ada <b>", "x" * 61, "Visit evil.рф now",
    ],
)  # fmt: skip
def test_our_mail_carries_no_address_of_a_stranger(acme_portal: Portal, name: str) -> None:
    """Anybody can fill in a HubSpot form, and mail programs make links of what looks like one."""
    message = welcome.compose(learner(acme_portal, first_name=name))
    html = str(message.alternatives[0][0])
    assert name not in message.body
    assert "evil" not in message.body + html
    assert "Hello," in message.body


@pytest.mark.parametrize(
    "name", ["Ada", "María José", "O'Neil", "J. R.", "Jean-Luc", "李", "Ng'ang'a", "د. سارة"]
)
def test_people_are_greeted_by_their_names(acme_portal: Portal, name: str) -> None:
    assert f"Hello {name}," in welcome.compose(learner(acme_portal, first_name=name)).body


def test_no_tag_of_a_stranger_reaches_a_mail_s_html(acme_portal: Portal) -> None:
    acme_portal.title = TAGS
    html = str(welcome.compose(learner(acme_portal, first_name="Ada")).alternatives[0][0])
    assert "<img" not in html
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_a_notice_quotes_and_does_not_obey(acme: HubSpotAccount, acme_portal: Portal) -> None:
    finding = Finding(acme.pk, None, [f"{TAGS}{BREAKS}"], [acme_portal.pk])
    message = notices.compose(acme, "admin@acme.example", Cause.FAILURES, finding)
    html = str(message.alternatives[0][0])
    assert "<script" not in html
    assert "<img" not in html
    assert message.message()["Bcc"] is None
    assert "\n" not in message.subject


# --- spreadsheets ---------------------------------------------------------------------------------------
SIGNS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
UNSEEN = ' \t\r\n\x00\u00a0\u200b\ufeff"'


def cells_as_read(text: str) -> list[str]:
    """What spreadsheets make of a line: separated by commas, or by semicolons and tabs where that is the custom."""
    line = io.StringIO(newline="")
    csv.writer(line).writerow(["first", text, "last"])
    found: list[str] = []
    for separator in ",;\t":
        lines = io.StringIO(line.getvalue().replace("\r", "\n"))
        found += [one for row in csv.reader(lines, delimiter=separator) for one in row]
    return found


@pytest.mark.parametrize(
    "attack",
    [
        '=HYPERLINK("https://evil.example","x")', "+1", "-1+cmd|' /C calc'!A0", "@SUM(1)", " =1", "\u00a0=1", "\u200b=1",
        "\ufeff=1", "\x00=1", "\t=1", "\r=1", "\n\n=1", "Intro;=1", "Intro; =1", "Intro;;=1", "a\t=1", 'a";=1', "a\n+1",
        "\uff1d1", ";\u200b@x",
    ],
)  # fmt: skip
def test_no_cell_is_a_formula_however_the_file_is_opened(attack: str) -> None:
    for found in cells_as_read(cell(attack)):
        assert not found.lstrip(UNSEEN).startswith(SIGNS), (attack, found)


@given(text=st.text(st.sampled_from("=+-@;,\t\r\n \"'a\u200b\u00a0"), max_size=12))
def test_no_text_at_all_makes_a_formula(text: str) -> None:
    for found in cells_as_read(cell(text)):
        assert not found.lstrip(UNSEEN).startswith(SIGNS), (text, found)


def formulas(answer: object) -> list[str]:
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) > 1
    return [one for row in rows for one in row if one.startswith(SIGNS)]


def test_every_export_is_harmless(as_acme: Client, acme_portal: Portal) -> None:
    evil = '=HYPERLINK("https://evil.example")'
    who = learner(acme_portal, first_name=evil, last_name=evil, email="=cmd@evil.example")
    acme_portal.courses.create(course_id=1, name=evil, required=True)
    Enrollment.objects.create(
        account=acme_portal.account, portal=acme_portal, learner=who, enrollment_id=1, course_id=1, course_name=evil,
        status="completed", completed_at=datetime(2026, 11, 1, tzinfo=UTC),
    )  # fmt: skip
    Delivery.objects.create(
        account=acme_portal.account, portal=acme_portal, kind="hubspot.action.user-add", lane="actions", key="k",
        state="failed", reason=evil, correlation_id="=1", body={},
    )  # fmt: skip
    base = f"/portals/{acme_portal.pk}"
    exports = [
        f"{base}/activity.csv",
        *(f"{base}/insights.csv?report={r}" for r in ("people", "completions", "required")),
    ]
    for address in exports:
        answer = as_acme.get(address)
        assert formulas(answer) == [], address
        assert answer["Cache-Control"] == "no-store"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Disposition"].startswith("attachment;")
