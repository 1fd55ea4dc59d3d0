"""No secret is compared in a way that tells by its time how much of a guess was right, and nothing tells who is there."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from django.test import Client

from portals.models import Portal
from tests.conftest import make_portal
from tests.test_architecture import OURS, files, name, nodes
from webhooks import signatures

SECRET_WORDS = ("token", "secret", "signature", "password", "digest", "hmac", "api_key", "verifier")
# Compared by == and no secret: what the comparison is about, by file.
HARMLESS: dict[str, set[str]] = {
    "webhooks/signatures.py": {"headers.get('X-HubSpot-Signature-Version') == 'v2'"},
}


def mentions_a_secret(node: ast.AST) -> bool:
    names = [n.id for n in ast.walk(node) if isinstance(n, ast.Name)]
    names += [n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)]
    words = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return any(word in one.lower() for one in names + words for word in SECRET_WORDS)


def plain_comparisons(tree: list[ast.AST]) -> list[ast.Compare]:
    """Comparisons by ==, != or `in` with something secret on a side; against nothing, or a type, is none."""
    found = []
    for node in tree:
        if not isinstance(node, ast.Compare) or not any(
            isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for op in node.ops
        ):
            continue
        sides = [node.left, *node.comparators]
        if any(isinstance(side, ast.Constant) and not side.value for side in sides):
            continue
        if any(mentions_a_secret(side) for side in sides):
            found.append(node)
    return found


def test_no_secret_is_compared_by_equality() -> None:
    wrong = {
        f"{name(path)}: {ast.unparse(node)}"
        for path in files(*OURS)
        for node in plain_comparisons(nodes(path))
        if ast.unparse(node) not in HARMLESS.get(name(path), set())
    }
    assert wrong == set()


@pytest.mark.parametrize(
    "code", ["given == token", "row.api_secret != x", "x in secrets", "d['signature'] == y"]
)
def test_the_search_finds_what_it_is_for(code: str) -> None:
    assert plain_comparisons(list(ast.walk(ast.parse(code))))


def test_what_was_excused_is_still_there() -> None:
    for path, comparisons in HARMLESS.items():
        code = ast.unparse(ast.parse((project.BASE_DIR / path).read_text()))
        assert [one for one in comparisons if one not in code] == []


# --- who is there ---------------------------------------------------------------------------------------
def post(webhook_id: object, signature: str = "") -> Any:
    headers = {"X-Webhook-Signature": signature} if signature else {}
    return Client().post(f"/webhooks/learnupon/{webhook_id}", b"{}", "application/json", headers=headers)


def test_a_webhook_address_that_exists_answers_like_one_that_does_not(acme_portal: Portal) -> None:
    removed = make_portal(acme_portal.account, "gone", state="removed", number=2)
    bare = make_portal(acme_portal.account, "bare", webhook_secret="", number=3)
    unknown = "00000000-0000-4000-8000-000000000000"
    answers = [
        post(one, signature)
        for one in (acme_portal.webhook_id, removed.webhook_id, bare.webhook_id, unknown)
        for signature in ("", "0" * 64, "é", "x" * 10_000)
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    # Each answer has a number of its own, of no meaning but in the log.
    numbers = {answer.headers.pop("X-Request-ID") for answer in answers}
    assert len(numbers) == len(answers)
    assert len({str(sorted(answer.headers.items())) for answer in answers}) == 1


def test_an_unknown_address_is_checked_as_thoroughly(
    acme_portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its time would tell otherwise: the body is hashed under a secret in either case."""
    keys: list[str] = []
    plain = signatures.learnupon_ok

    def watched(secret: str, body: bytes, signature: str) -> bool:
        keys.append(secret)
        return plain(secret, body, signature)

    monkeypatch.setattr(signatures, "learnupon_ok", watched)
    post(acme_portal.webhook_id, "0" * 64)
    post("00000000-0000-4000-8000-000000000000", "0" * 64)
    assert len(keys) == 2
    assert all(keys)
    assert keys[1] != acme_portal.webhook_secret


def test_a_stranger_s_page_and_one_that_never_was_look_alike(as_globex: Client, acme_portal: Portal) -> None:
    for page in ("settings", "learners", "activity", "privacy", "insights.csv", "learners/1"):
        there = as_globex.get(f"/portals/{acme_portal.pk}/{page}")
        never = as_globex.get(f"/portals/987654/{page}")
        assert there.status_code == never.status_code == 404
        assert there.content == never.content


def test_a_link_of_a_mail_tells_nobody_which_accounts_there_are(acme_portal: Portal) -> None:
    for path in ("/unsubscribe/{}/{}", "/notices/{}/failures/{}"):
        there = Client().get(path.format(acme_portal.account_id, "0" * 64))
        never = Client().get(path.format(987654, "0" * 64))
        assert (there.status_code, there.content) == (never.status_code, never.content)


def test_no_secret_is_written_in_the_code() -> None:
    """Nothing that looks like a key of ours or a vendor's stands in a file that is delivered."""
    looks = re.compile(
        r"(?:pat-(?:na|eu)\d-[0-9a-f-]{36}|gAAAA[\w-]{60,}|-----BEGIN [A-Z ]*PRIVATE KEY|AKIA[0-9A-Z]{16})"
    )
    folders = (
        "portals",
        "webhooks",
        "learners",
        "gdpr",
        "hubsync",
        "sandbox",
        "stack",
        "templates",
        "hubspot-app/src",
        "docs",
    )
    found = [
        str(path)
        for folder in folders
        for path in Path(project.BASE_DIR / folder).rglob("*")
        if path.is_file()
        and path.suffix in (".py", ".html", ".txt", ".md", ".json", ".tsx", ".ts", ".yml", ".yaml")
        if looks.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []
