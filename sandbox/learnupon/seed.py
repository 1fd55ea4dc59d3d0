"""The portals at start: `acme` with its sub-portal `acme-partners`, and `globex`, which logs in by SAML."""

from typing import TYPE_CHECKING

from sandbox.learnupon import accounts, customdata, enrollments, groups, progress
from sandbox.learnupon.records import Course, Definition, Group, LearningPath, Portal, User, stamp

if TYPE_CHECKING:
    from sandbox.learnupon.world import LearnUponWorld

PASSWORD = "sandbox-password"  # noqa: S105 - everybody's, printed on the login page

FIELDS: tuple[tuple[int, str, tuple[str, ...]], ...] = (
    (customdata.STRING, "Department", ()),
    (
        customdata.STRING_CHOICE,
        "Country",
        ("France", "Germany", "Ireland", "United Kingdom", "United States"),
    ),
    (customdata.DATE, "Start date", ()),
    (customdata.INTEGER, "Employee number", ()),
    (customdata.DECIMAL, "Score", ()),
    (customdata.INTEGER_CHOICE, "Level", ("1", "2", "3")),
    (customdata.DECIMAL_CHOICE, "Rate", ("0.5", "1.0", "1.5")),
    (customdata.STRING, "HubSpot record", ()),
)

COURSES = (
    "Welcome to the company",
    "Information security",
    "Data protection basics",
    "Product essentials",
    "Customer conversations",
    "Advanced reporting",
    "Health and safety",
    "Partner onboarding",
    "Leading a team",
)

# (e-mail, first name, last name, department); the first ones are contacts of HubSpot account 1001 as well.
ACME_PEOPLE = (
    ("maria.lopez@acme.example", "Maria", "Lopez", "Sales"),
    ("Liam.OBrien@acme.example", "Liam", "O'Brien", "Support"),
    ("yuki.tanaka@acme.example", "Yuki", "Tanaka", "Engineering"),
    ("trainer@acme.example", "Tara", "Quinn", "Learning"),
    ("former.colleague@acme.example", "Ruth", "Adler", "Sales"),
)
DISABLED = "former.colleague@acme.example"
PARTNER_PEOPLE = (("partner.only@acme.example", "Omar", "Haddad", "Partners"),)
GLOBEX_PEOPLE = (("hank.scorpio@globex.example", "Hank", "Scorpio", "Management"),)


def plant(world: "LearnUponWorld") -> None:
    acme = _portal(world, "acme", "Acme Academy", realm="acme")
    acme.languages |= {"de", "fr", "pt_br"}
    partners = _portal(world, "acme-partners", "Acme Partner Academy", realm="acme", parent="acme")
    globex = _portal(world, "globex", "Globex Learning", realm="globex", sso="saml")
    globex.languages.add("en_gb")
    for portal in (acme, partners, globex):
        _courses(world, portal)
        _groups(world, portal)
    _license_one(world, acme, partners)
    _people(world, acme, ACME_PEOPLE)
    _people(world, partners, PARTNER_PEOPLE)
    _people(world, globex, GLOBEX_PEOPLE)
    partners.auto_enroll.append(next(iter(partners.courses)))
    accounts.set_enabled(world, acme, acme.by_email[DISABLED], enabled=False)
    _some_progress(world, acme)


def _portal(
    world: "LearnUponWorld",
    subdomain: str,
    title: str,
    *,
    realm: str,
    parent: str | None = None,
    sso: str = "none",
) -> Portal:
    portal = Portal(
        world.next_id("portal"),
        subdomain,
        title,
        realm,
        key=f"{subdomain}-key",
        secret=f"{subdomain}-secret",
        created_at=stamp(world.clock()),
        parent=parent,
        sso=sso,
    )
    for type_id, label, choices in FIELDS:
        number = world.next_id("definition")
        portal.definitions[number] = Definition(number, type_id, label, choices)
    world.portals[subdomain] = portal
    return portal


def _courses(world: "LearnUponWorld", portal: Portal) -> None:
    """Nine courses, one of them with an older version; a draft; one that is full."""
    for name in COURSES:
        number = world.next_id("course")
        portal.courses[number] = Course(number, name, source_id=number)
    courses = list(portal.courses.values())
    courses[1].certificate, courses[1].due_days, courses[1].credits = "Security certificate", 30, 1.0
    newer = world.next_id("course")
    portal.courses[newer] = Course(newer, COURSES[3], source_id=courses[3].id, version=2)
    draft = world.next_id("course")
    portal.courses[draft] = Course(draft, "Unfinished course", source_id=draft, published=False)
    full = world.next_id("course")
    portal.courses[full] = Course(full, "Workshop without seats", source_id=full, capacity=0)


def _groups(world: "LearnUponWorld", portal: Portal) -> None:
    courses = list(portal.courses)
    now = stamp(world.clock())
    for title, course_ids in (("New starters", courses[:2]), ("Sales", [courses[4]]), ("Managers", [])):
        number = world.next_id("group")
        portal.groups[number] = Group(number, title, f"{title} of {portal.title}", now, now, list(course_ids))
    path = world.next_id("path")
    portal.paths[path] = LearningPath(path, "First weeks", courses[:3])


def _license_one(world: "LearnUponWorld", owner: Portal, taker: Portal) -> None:
    """A course of the top-level portal, lent to the sub-portal under an own id."""
    lent = next(iter(owner.courses.values()))
    number = world.next_id("course")
    taker.courses[number] = Course(number, f"{lent.name} (licensed)", source_id=lent.source_id, licensed=True)


def _people(world: "LearnUponWorld", portal: Portal, people: tuple[tuple[str, str, str, str], ...]) -> None:
    department = next(d.id for d in portal.definitions.values() if d.label == "Department")
    for email, first_name, last_name, where in people:
        user: User = accounts.new_user(world, email, "", PASSWORD)
        user.first_name, user.last_name = first_name, last_name
        user.values = {department: where}
        user.user_type = "instructor" if where == "Learning" else "learner"
        accounts.add(world, portal, user)


def _some_progress(world: "LearnUponWorld", portal: Portal) -> None:
    """Existing learners have something to show as soon as they are linked."""
    courses = list(portal.courses.values())
    maria, liam, yuki = list(portal.users.values())[:3]
    group = next(iter(portal.groups.values()))
    groups.join(world, portal, group, maria, enroll=True)
    done = enrollments.add(world, portal, maria, courses[3])
    progress.move(world, portal, done, "passed", percentage=92, percentage_complete=100)
    begun = enrollments.add(world, portal, liam, courses[1])
    progress.move(world, portal, begun, "in_progress", percentage_complete=50)
    failed = enrollments.add(world, portal, yuki, courses[1])
    progress.move(world, portal, failed, "failed", percentage=31, percentage_complete=100)
    enrollments.add(world, portal, yuki, courses[5])
