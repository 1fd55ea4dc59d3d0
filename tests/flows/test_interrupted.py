"""A worker that dies, or whose database does, between any two statements: what it left is taken up where it stood."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection
from django.db.models.functions import Now

from learners import enrollments, links, push, push_rows, walks
from learners.models import Enrollment, Learner, Walk
from tests.flows.stage import Stage
from tests.flows.test_push import linked, seen, tied_to
from tests.flows.test_walks import MARIA, link

GONE = """
CREATE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the server is shutting down' USING ERRCODE = '57P01'; END $$
"""


@contextmanager
def database_gone_at(table: str) -> Iterator[None]:
    """The next change of this table finds the database gone."""
    with connection.cursor() as cursor:
        cursor.execute(GONE)
        cursor.execute(
            f"CREATE TRIGGER gone BEFORE UPDATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION gone()"
        )
    try:
        with pytest.raises(OperationalError):
            yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION gone CASCADE")


def test_a_walk_that_died_after_its_last_page_ends(stage: Stage) -> None:
    """Would catch: a portal that is never checked again, because its last check runs for ever."""
    link(stage, MARIA)
    walk = walks.start(stage.portals["acme"])
    Walk.objects.filter(pk=walk.pk).update(courses_total=3, courses=[])
    stage.work()
    walk.refresh_from_db()
    assert (walk.state, walk.due_at) == ("done", None)
