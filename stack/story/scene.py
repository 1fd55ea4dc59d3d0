"""What the steps of the story share: the running stack, both worlds, the browsers, and who plays which part."""

from dataclasses import dataclass, field
from functools import cached_property

import psycopg2

from stack.application import Application
from stack.story.browser import Browser
from stack.story.judge import until
from stack.story.worlds import Row, Snapshot, Worlds, email_of, has_plain_email

ACME, GLOBEX = 1001, 1002
ENDED = ("completed", "failed")  # "failed" is a run that HubSpot was told cannot succeed, and why
ADDED, IN_TROUBLE, INVITED = 60, 8, 4


@dataclass
class Scene:
    app: Application
    portals: dict[str, int] = field(default_factory=dict)  # subdomain -> number in our addresses
    waiting: list[str] = field(default_factory=list)  # workflow runs that came while no worker ran

    @cached_property
    def worlds(self) -> Worlds:
        return Worlds(self.app.addresses.hubspot)

    @cached_property
    def start(self) -> Snapshot:
        """Both worlds before anything happened."""
        return self.worlds.look()

    @cached_property
    def acme(self) -> Browser:
        return Browser(self.app.addresses.web)

    @cached_property
    def globex(self) -> Browser:
        return Browser(self.app.addresses.web)

    @cached_property
    def _people(self) -> list[Row]:
        """Acme's contacts whom User Add can add; those whom LearnUpon knows already come first."""
        return [
            person
            for person in self.start.contacts(ACME)
            if has_plain_email(person)
            and not (self.is_disabled(person) or self.is_in_sister_portal_only(person))
        ]

    def is_disabled(self, person: Row) -> bool:
        return any(not user["enabled"] for user in self.start.learners("acme", email_of(person)))

    def is_in_sister_portal_only(self, person: Row) -> bool:
        email = email_of(person)
        return bool(self.start.learners("acme-partners", email)) and not self.start.learners("acme", email)

    @property
    def added(self) -> list[Row]:
        """Of the 60 contacts that User Add puts into acme, those at once. One follows in five copies of the same
        delivery, the rest while the worker is stopped."""
        return self._people[: ADDED - IN_TROUBLE - 1]

    @property
    def added_again_and_again(self) -> Row:
        return self._people[ADDED - IN_TROUBLE - 1]

    @property
    def added_in_trouble(self) -> list[Row]:
        return self._people[ADDED - IN_TROUBLE : ADDED]

    @property
    def invited(self) -> list[Row]:
        return self._people[ADDED : ADDED + INVITED]

    @property
    def studious(self) -> list[Row]:
        """Twelve who finish courses; the last one asks to be forgotten in the end."""
        return self.added[-12:]

    @property
    def forgotten(self) -> Row:
        return self.studious[-1]

    def watch(self) -> None:
        self.app.check()

    def ended(self, ids: list[str], seconds: float = 30) -> list[Row]:
        """Those workflow runs, once HubSpot has been told how each ended."""

        def all_told() -> list[Row] | None:
            rows = self.worlds.look("callbacks").callbacks(ids)
            return rows if all(row["state"] in ENDED for row in rows) else None

        return until(all_told, f"all {len(ids)} workflow runs ended", watch=self.watch, seconds=seconds)

    def run(self, account: int, action: str, portal: str, people: list[Row]) -> list[Row]:
        """Run a workflow for these people and wait until HubSpot knows how each run ended."""
        return self.ended(self.worlds.run_workflow(account, action, people, {"portal": portal}))

    def count(self, table: str) -> int:
        """Rows in our own database: the only way to see that nothing was recorded."""
        (number,) = self._ask(f"SELECT count(*) FROM {table}")[0]  # noqa: S608  a name from this package
        return int(str(number))

    def tables_with(self, text: str) -> list[str]:
        """Tables of ours with a row that has this text anywhere."""
        tables = self._ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        found = 'SELECT 1 FROM "{}" AS t WHERE t::text ILIKE %s LIMIT 1'
        return [str(name) for (name,) in tables if self._ask(found.format(name), f"%{text}%")]

    def _ask(self, question: str, *values: str) -> list[tuple[object, ...]]:
        connection = psycopg2.connect(self.app.services.database_url)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(question, values)
                return list(cursor.fetchall())
        finally:
            connection.close()
