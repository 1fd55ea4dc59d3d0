"""Fills an account with people, progress and deliveries, by SQL alone: through the app it would take hours."""

import psycopg2

from stack.errors import StackError

COURSES = 120  # of each portal
# Every statement gets: of this portal, numbered from `first`, `people` learners with `each` enrollments and deliveries.
COURSE = """
INSERT INTO portals_course (portal_id, course_id, name, required)
SELECT %(portal)s, 900000 + n, 'Course ' || n, n <= 3 FROM generate_series(1, %(courses)s) AS n
"""
LEARNER = """
INSERT INTO learners_learner (account_id, portal_id, record_type, record_id, learnupon_user_id, state, state_reason,
    email, first_name, last_name, language, linked_at, busy_claim, invitation, welcome, fingerprint, checked_at,
    queued_courses, added_at)
SELECT %(account)s, %(portal)s, %(kind)s, 30000000 + n, 40000000 + n,
    CASE WHEN n %% 50 = 0 THEN 'pending' WHEN n %% 75 = 0 THEN 'paused' ELSE 'active' END, '',
    'learner' || n || '@bench.example', 'First' || n %% 700, 'Last' || n, 'en', now(), 0, 'no', 'no', '', now(),
    '[]', now() - random() * interval '2 years'
FROM generate_series(%(first)s + 1, %(first)s + %(people)s) AS n
"""
# One in 15 was pushed today; some wait for HubSpot, some were refused by it.
ENROLLMENT = """
INSERT INTO learners_enrollment (account_id, portal_id, learner_id, enrollment_id, course_id, course_name, status,
    result, progress_percent, enrolled_at, completed_at, certificate_name, overdue, unenrolled, withdrawn, stamps,
    version, pushed_version, hubspot_id, associated_with, changed_at, due_at, claim, attempts, pushed_at,
    parked_reason, correlation_id)
SELECT account_id, portal_id, learner_id, 50000000 + learner_id * 100 + k, 900000 + course, 'Course ' || course,
    status, CASE WHEN status = 'completed' THEN 'passed' ELSE '' END, 50, at - interval '20 days',
    CASE WHEN status = 'completed' THEN at END, '', false, dice < 0.02, false, '{}', 1,
    CASE WHEN dice > 0.99 THEN 0 ELSE 1 END, learner_id, record_id, at,
    CASE WHEN dice > 0.995 THEN now() + interval '1 day' END, 0, 0,
    at + random() * interval '30 seconds',
    CASE WHEN dice BETWEEN 0.99 AND 0.995 THEN 'HubSpot refused this.' ELSE '' END, ''
FROM (
    SELECT l.id AS learner_id, l.account_id, l.portal_id, l.record_id, k, random() AS dice,
        1 + (l.id * 7 + k * 17) %% %(courses)s AS course,
        (ARRAY['completed', 'completed', 'in_progress', 'not_started'])[1 + floor(random() * 4)::int] AS status,
        CASE WHEN (l.id + k) %% 15 = 0 THEN now() - interval '1 minute'
            ELSE now() - random() * interval '2 years' END AS at
    FROM learners_learner AS l, generate_series(1, %(each)s) AS k WHERE l.portal_id = %(portal)s
) AS drawn
"""
DELIVERY = """
INSERT INTO webhooks_delivery (account_id, portal_id, kind, lane, key, received_at, body, record_type, record_id,
    learnupon_user_id, callback_id, state, due_at, claim, attempts, outcome, reason, correlation_id, outputs, tell,
    tell_attempts)
SELECT account_id, portal_id, kind, 'live', 'bench-' || portal_id || '-' || learner_id || '-' || k,
    now() - random() * interval '180 days', '{}', record_type, record_id, learnupon_user_id, '',
    CASE WHEN dice < 0.01 THEN 'failed' WHEN dice < 0.02 THEN 'waiting' ELSE 'done' END, now() + interval '1 day', 0, 1,
    CASE WHEN dice < 0.02 THEN '' ELSE 'updated' END, CASE WHEN dice < 0.01 THEN 'LearnUpon refused this.' ELSE '' END,
    md5(learner_id || '-' || k), '{}', 'nothing', 0
FROM (
    SELECT l.id AS learner_id, l.account_id, l.portal_id, l.record_type, l.record_id, l.learnupon_user_id, k,
        random() AS dice, (ARRAY['learnupon.course_completion', 'learnupon.enrollment_updated',
        'hubspot.contact.propertyChange', 'hubspot.action.user-add'])[1 + (l.id + k) %% 4] AS kind
    FROM learners_learner AS l, generate_series(1, %(each)s) AS k WHERE l.portal_id = %(portal)s
) AS drawn
"""
REVIEW = """
INSERT INTO learners_reviewitem (account_id, portal_id, kind, record_type, first_record, first_user, second_record,
    second_user, state)
SELECT %(account)s, %(portal)s, 'conflict', %(kind)s, 30000000 + n, 40000000 + n, 30000000 + n, 80000000 + n, 'open'
FROM generate_series(%(first)s + 1, %(first)s + %(people)s / 100) AS n
"""
ERASURE = """
INSERT INTO gdpr_erasure (account_id, record_type, digest, source, state, done_at, counts)
SELECT %(account)s, %(kind)s, sha256((%(portal)s || '-' || n)::bytea), 'hubspot', 'done', now(), '{}'
FROM generate_series(1, %(people)s / 10) AS n
"""
WALK = """
INSERT INTO learners_walk (account_id, portal_id, kind, state, ended_at, courses, courses_total, page, preview, counts,
    rows_seen, rows_linked, due_at, claim, reason)
SELECT %(account)s, %(portal)s, 'history', 'done', now(), '[]', 9, 1, false, '{}', 100, 100, NULL, 0, ''
FROM generate_series(1, 1 + %(people)s / 100)
"""
STATEMENTS = (COURSE, LEARNER, ENROLLMENT, DELIVERY, REVIEW, ERASURE, WALK)


def fill(url: str, portal: int, kind: str, people: int, *, first: int, each: int) -> int:
    """The id of one of the learners it made."""
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "UPDATE portals_portal SET record_type = %s WHERE id = %s RETURNING account_id",
                [kind, portal],
            )
            (account,) = cursor.fetchone() or (0,)
            values = {"account": account, "portal": portal, "kind": kind, "people": people, "first": first}
            for statement in STATEMENTS:
                cursor.execute(statement, values | {"each": each, "courses": COURSES})
            cursor.execute("SELECT max(id) FROM learners_learner WHERE portal_id = %s", [portal])
            (learner,) = cursor.fetchone() or (None,)
    finally:
        connection.close()
    if learner is None:
        raise StackError("The portal was not filled.")
    return int(learner)


def empty(url: str) -> None:
    """What pages keep of their sums goes, as after a pause."""
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("DELETE FROM learners_tally")
    finally:
        connection.close()


def settle(url: str) -> None:
    """What autovacuum does within minutes of so many rows, now."""
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    finally:
        connection.close()
