"""The two accounts as they are at the start: 1001 Acme and 1002 Globex.

Ids of both accounts, and of contacts and users, overlap on purpose: an id means nothing without them.
"""

from itertools import cycle, islice
from typing import Any

from sandbox.hubspot.account import Account
from sandbox.hubspot.appobject import TYPE_ID, AppObject
from sandbox.hubspot.catalog import contact_properties, user_properties
from sandbox.hubspot.records import Kind, Store, Values

CONTACT = Kind(
    "0-1", "contacts", ("contact",), "CONTACT", "createdate", "lastmodifieddate",
    ("email", "firstname", "lastname"),
)  # fmt: skip
USER = Kind("0-115", "users", ("user",), "USER", "hs_createdate", "hs_lastmodifieddate", ())

FIRST = (
    "Amara", "Björn", "Chloé", "Dimitri", "Elena", "Fatima", "Gareth", "Hiroshi", "Ingrid", "João",
    "Katarzyna", "Luca", "Mei", "Nkechi", "Owen", "Priya", "Quentin", "Rosa", "Siobhán", "Tomás",
)  # fmt: skip
LAST = (
    "Abara", "Bergström", "Carvalho", "Dubois", "Eriksen", "Fischer", "García", "Haddad", "Ivanova",
    "Jensen", "Kowalski", "Lindqvist", "McCarthy", "Nakamura", "O'Neill", "Petrov", "Rossi",
)  # fmt: skip
COMPANIES = (
    ("Northwind", "northwind.example"),
    ("Contoso", "contoso.example"),
    ("Initech", "initech.example"),
)
DEPARTMENTS = ("Sales", "Support", "Engineering", "Marketing")
ASCII = str.maketrans("éèöóáãíç'", "eeooaaic-")

# People who already have a LearnUpon account, and the addresses that make trouble.
ACME_SPECIAL: tuple[Values, ...] = (
    {"email": "maria.lopez@acme.example", "firstname": "Maria", "lastname": "Lopez", "department": "Sales"},
    {"email": "Liam.OBrien@Acme.example", "firstname": "Liam", "lastname": "O'Brien"},
    {"email": "former.colleague@acme.example", "firstname": "Ruth", "lastname": "Adler"},
    {"email": "partner.only@acme.example", "firstname": "Omar", "lastname": "Haddad", "is_partner": "true"},
    {"firstname": "Nora", "lastname": "Noaddress", "department": "Support"},
    {"email": "broken.address@", "firstname": "Bruno", "lastname": "Broken"},
    {"email": "ana+learning@northwind.example", "firstname": "Ana", "lastname": "Plus"},
    {
        "email": "kim.two@northwind.example", "firstname": "Kim", "lastname": "Two-Addresses",
        "hs_additional_emails": "kim@old-northwind.example;kim.private@mail.example",
    },
)  # fmt: skip
GLOBEX_SPECIAL: tuple[Values, ...] = (
    {"email": "hank.scorpio@globex.example", "firstname": "Hank", "lastname": "Scorpio"},
    {"email": "maria.lopez@acme.example", "firstname": "Maria", "lastname": "Lopez"},
)
# (first name, last name, job title, team, deactivated)
Person = tuple[str, str, str, str, bool]
ACME_PEOPLE: tuple[Person, ...] = (
    ("Ines", "Install", "Operations Lead", "Operations", False),
    ("Yuki", "Tanaka", "Engineer", "Product", False),
    ("Pat", "Seller", "Account Executive", "Sales", False),
    ("Sam", "Success", "Customer Success", "Success", False),
    ("Devi", "Coach", "Enablement", "Success", False),
    ("Gone", "Gilbert", "Account Executive", "Sales", True),
)
GLOBEX_PEOPLE: tuple[Person, ...] = (
    ("Greta", "Install", "Administrator", "Operations", False),
    ("Mona", "Manager", "Manager", "Operations", False),
)


def app_object_kind(app: AppObject) -> Kind:
    return Kind(TYPE_ID, app.name, (), app.config["name"], "hs_createdate", "hs_lastmodifieddate", ())


def accounts(app: AppObject, now: str) -> dict[int, Account]:
    acme = _account(app, 1001, "Acme", "America/New_York", -5, ACME_PEOPLE, now)
    globex = _account(app, 1002, "Globex", "Europe/Dublin", 0, GLOBEX_PEOPLE, now)
    _contacts(acme, ACME_SPECIAL, 60, now)
    _contacts(globex, GLOBEX_SPECIAL, 12, now)
    return {account.hub_id: account for account in (acme, globex)}


def _account(
    app: AppObject, hub_id: int, name: str, zone: str, hours: int, people: tuple[Person, ...], now: str
) -> Account:
    domain = f"{name.lower()}.example"
    records = {definition.name: definition for definition in app.properties()}
    own = user_properties()
    for definition in (own["hs_object_id"], own["hs_createdate"], own["hs_lastmodifieddate"]):
        records[definition.name] = definition
    stores = {
        CONTACT.type_id: Store(CONTACT, contact_properties(), next_id=100),
        USER.type_id: Store(USER, own, next_id=110),
        TYPE_ID: Store(app_object_kind(app), records, next_id=9_000_000),
    }
    installer = {"id": hub_id * 10 + 1, "email": f"ines.install@{domain}"}
    owners = _people(stores[USER.type_id], hub_id, domain, people, now)
    return Account(
        hub_id, name, domain, zone, f"{hours:+03d}:00", hours * 3_600_000, installer, stores, owners
    )


def _people(
    store: Store, hub_id: int, domain: str, people: tuple[Person, ...], now: str
) -> list[dict[str, Any]]:
    """User records and owners: three id spaces, joined by `hs_internal_user_id`."""
    owners: list[dict[str, Any]] = []
    for number, person in enumerate(people, start=1):
        user_id, owner_id = hub_id * 10 + number, str(hub_id * 100 + 50 + number)
        record = store.create(_user_values(person, domain, user_id, owner_id), now)
        store.announce(record, 0.0)
        owners.append(_owner(person, domain, user_id, owner_id, now))
    # Invited, but no user record before the invitation is accepted [S]; and a queue.
    invited: Person = ("Ivy", "Invited", "", "Sales", False)
    owners.append(_owner(invited, domain, hub_id * 10 + 9, str(hub_id * 100 + 59), now))
    queue = {"id": str(hub_id * 100 + 90), "type": "QUEUE", "email": "", "firstName": "Support queue"}
    owners.append({**queue, "lastName": "", "createdAt": now, "updatedAt": now, "archived": False})
    return owners


def _email(person: Person, domain: str) -> str:
    return f"{person[0]}.{person[1]}@{domain}".lower()


def _user_values(person: Person, domain: str, user_id: int, owner_id: str) -> Values:
    first, last, title, team, gone = person
    return {
        "hs_email": _email(person, domain),
        "hs_given_name": first,
        "hs_family_name": last,
        "hs_searchable_calculated_name": f"{first} {last}",
        "hs_job_title": title,
        "hs_internal_user_id": str(user_id),
        "hubspot_owner_id": owner_id,
        "hubspot_team_id": team_of(team)["id"],
        "department": team,
        "hs_deactivated": "true" if gone else "false",
    }


def team_of(name: str) -> dict[str, Any]:
    return {"id": str(7000 + sum(name.encode()) % 100), "name": name, "primary": True}


def _owner(person: Person, domain: str, user_id: int, owner_id: str, now: str) -> dict[str, Any]:
    first, last, _, team, gone = person
    return {
        "id": owner_id,
        "email": _email(person, domain),
        "type": "PERSON",
        "firstName": first,
        "lastName": last,
        "userId": None if gone else user_id,
        "userIdIncludingInactive": user_id,
        "teams": [team_of(team)],
        "createdAt": now,
        "updatedAt": now,
        "archived": gone,
    }


def _contacts(account: Account, special: tuple[Values, ...], count: int, now: str) -> None:
    store = account.contacts
    for values in (*special, *islice(_crowd(), count)):
        record = store.create(values, now)
        store.announce(record, 0.0)


def _crowd() -> Any:
    """People without end, the same at every start."""
    turns = zip(cycle(FIRST), cycle(LAST), cycle(COMPANIES), cycle(DEPARTMENTS), strict=False)
    countries = ("AT", "BR", "CA", "FR", "DE", "IE", "JP", "ES", "GB", "US")
    for number, (first, last, (company, domain), department) in enumerate(turns):
        name = f"{first}.{last}".lower().translate(ASCII)
        yield {
            "email": f"{name}@{domain}",
            "firstname": first,
            "lastname": last,
            "company": company,
            "department": department,
            "jobtitle": ("Manager", "Analyst", "Director")[number % 3],
            "country": countries[number % len(countries)],
            "start_date": f"20{15 + number % 11}-{1 + number % 12:02d}-{1 + number % 28:02d}",
            "employee_number": str(10_000 + number),
            "lifecyclestage": ("lead", "customer")[number % 2],
            "favourite_topics": ("safety", "safety;leadership", "product;sales", "")[number % 4],
            "is_partner": "true" if number % 9 == 0 else "false",
        }
