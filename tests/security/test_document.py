"""docs/security.md promises tests: each exists, and no threat is without one."""

import ast
import re

from django.conf import settings

from portals import throttle

TEXT = (settings.BASE_DIR / "docs" / "security.md").read_text(encoding="utf-8")


def threats() -> list[list[str]]:
    """The rows of the table of threats, cell by cell."""
    table = TEXT.partition("## Threats")[2].partition("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.splitlines()
        if line.startswith("|")
    ]
    return rows[2:]


def test_every_test_that_is_named_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)
    assert len(named) > 40
    for file, test in named:
        tree = ast.parse((settings.BASE_DIR / file).read_text(encoding="utf-8"))
        assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, (file, test)


def test_every_threat_names_what_attacks_it() -> None:
    assert len(threats()) > 20
    assert [threat for threat, _, tests in threats() if "::test_" not in tests] == []


def test_the_limits_are_those_of_the_code() -> None:
    rules = {rule.bucket: rule for rule in [*throttle.RULES.values(), throttle.UNSIGNED]}
    said = re.findall(r"^\| .+ \| (\d+) (?:a minute|in (\d+) minutes) \|", TEXT, re.MULTILINE)
    told = {(int(most), int(minutes or 1) * 60) for most, minutes in said}
    assert told == {(rule.address.most, rule.address.seconds) for rule in rules.values()}
    for rule in rules.values():
        for limit in (rule.account, rule.name):
            assert limit is None or f"{limit.most} in {limit.seconds // 60} minutes for" in TEXT
