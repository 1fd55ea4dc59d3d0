"""The users API: create, read, search, change and delete, with an e-mail unique within a realm."""

import re
from typing import TYPE_CHECKING, Any

from sandbox.learnupon import accounts, customdata
from sandbox.learnupon.errors import EXISTS_HERE, EXISTS_IN_REALM, UNWRAPPED_USER, Problem, error_body
from sandbox.learnupon.records import Portal, Row, User, same
from sandbox.learnupon.wire import Call, Reply, day, paged, text, whole

if TYPE_CHECKING:
    from sandbox.learnupon.world import LearnUponWorld

LANGUAGES = frozenset(
    [
        "en",
        "cs",
        "da",
        "en_gb",
        "nl",
        "fi_fl",
        "nl_be",
        "fr",
        "fr_ca",
        "de",
        "hu",
        "id",
        "it",
        "ja",
        "ko",
        "nb_no",
        "pl",
        "pt",
        "pt_br",
        "ru",
        "sk",
        "es",
        "sv",
        "tr",
        "vi_vn",
        "zh_cn",
        "zh_tw",
    ]
)
USER_TYPES = ("learner", "instructor", "manager", "admin")
FLAGS = {
    "can_enroll": True,
    "can_unenroll_users": False,
    "can_mark_complete": False,
    "can_move_groups": False,
    "can_act_as_instructor": False,
    "can_manage_trainings": False,
    "can_manage_sessions": False,
    "tutor_can_edit_their_courses": True,
    "tutor_can_create_courses": False,
}
# A search that finds nobody was a 404 for one client and a 200 with an error body for another: meet both.
MAIL_MISS_STATUS, USERNAME_MISS_STATUS = 404, 200
MIN_PASSWORD = 6
_EMAIL = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+\.[^@\s<>,;\".]+")
_USERNAME = re.compile(r"[\w+\-.,$#@]{6,30}")


def is_email(address: str) -> bool:
    return len(address) <= 254 and bool(_EMAIL.fullmatch(address))


def describe(portal: Portal, user: User, version: str = "") -> Row:
    enrollments = portal.by_user.get(user.id, {}).values()
    row: Row = {
        "id": user.id,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "username": user.username or None,
        "locale": user.locale,
        "created_at": user.created_at,
        "last_sign_in_at": user.last_sign_in_at,
        "account_expires": user.account_expires,
        "sign_in_count": user.sign_in_count,
        "enabled": user.enabled,
        "user_type": user.user_type,
        **(FLAGS | user.flags),
        "number_of_enrollments": len(enrollments),
        "number_of_enrollments_accessed": sum(e.date_lastaccessed is not None for e in enrollments),
        "number_of_points": 0,
        "number_of_badges": 0,
        "CustomData": customdata.by_label(portal, user.values),
        "customDataFieldValues": customdata.by_id(user.values),
        "membership_type": user.membership_type,
        "sf_contact_id": user.sf_contact_id,
        "sf_user_id": user.sf_user_id,
        "is_salesforce_contact": user.sf_contact_id is not None,
    }
    if version in ("1.1", "1.2"):
        row["updated_at"] = user.updated_at
    if version == "1.2":
        row["timezone_id"] = user.timezone_id
    return row


def index(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    """Only `login_enabled` filters; `email` and all else are ignored in silence."""
    rows: Any = portal.users.values()
    wanted = call.query.get("login_enabled")
    if wanted in ("true", "false"):
        rows = [user for user in rows if user.enabled == (wanted == "true")]
    return _listed(portal, call, rows)


def search(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    missed = MAIL_MISS_STATUS
    if "email" in call.query:
        user = portal.by_email.get(same(call.query["email"]))
    elif "username" in call.query:
        user = portal.by_username.get(same(call.query["username"]))
        missed = USERNAME_MISS_STATUS
    else:
        return _listed(portal, call, portal.users.values())
    if user is None:
        return Reply(error_body(404, "user not found"), status=missed)
    # The misspelt key was seen on real answers.
    definitions = customdata.describe_all(portal)
    return Reply({"customDataFieldDefintions": definitions, "user": [describe(portal, user)]})


def show(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    return _listed(portal, call, [_found(portal, call.id())])


def _listed(portal: Portal, call: Call, users: Any) -> Reply:
    version = call.query.get("version_id", "")
    definitions = customdata.describe_all(portal)
    return paged(
        users, call, "user", lambda u: describe(portal, u, version), customDataFieldDefinitions=definitions
    )


def definitions(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    return Reply({"customDataFieldDefinitions": customdata.describe_all(portal)})


def create(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    fields = call.wrapped("User")
    if not fields:
        raise Problem(404, UNWRAPPED_USER)
    email, username = text(fields.get("email")), text(fields.get("username"))
    _check_identity(email, username)
    _check_password(fields.get("password"))
    _check_free(world, portal, email, username)
    user = accounts.new_user(world, email, username, str(fields["password"]))
    _write(portal, user, fields)
    accounts.add(world, portal, user)
    return Reply({"id": user.id}, status=201)


def _check_identity(email: str, username: str) -> None:
    if not email and not username:
        raise Problem(400, "email: can't be blank")
    if email and not is_email(email):
        raise Problem(400, "email: is invalid")
    if username and not _USERNAME.fullmatch(username):
        raise Problem(400, "username: is invalid")


def _check_password(password: object) -> None:
    if not isinstance(password, str) or len(password) < MIN_PASSWORD:
        raise Problem(400, f"password: is too short (minimum is {MIN_PASSWORD} characters)")


def _check_free(world: "LearnUponWorld", portal: Portal, email: str, username: str) -> None:
    if same(email) in portal.by_email or same(username) in portal.by_username:
        raise Problem(400, EXISTS_HERE)
    if accounts.elsewhere(world, portal, email) and not world.top_of(portal).allow_existing:
        raise Problem(400, EXISTS_IN_REALM)


def _write(portal: Portal, user: User, fields: Row) -> None:
    """Every check comes before the first change, so that a refusal leaves the user as it was."""
    values = customdata.apply(portal, user.values, fields.get("CustomData"))
    language = text(fields.get("language")) or user.locale
    if language not in LANGUAGES or language not in portal.languages:
        raise Problem(400, f"language: {language[:20]} is not available in this portal")
    user_type = text(fields.get("user_type")) or user.user_type
    if user_type not in USER_TYPES:
        raise Problem(400, "user_type: is invalid")
    if "account_expires" in fields:
        user.account_expires = day(fields["account_expires"], "account_expires")
    user.values, user.locale, user.user_type = values, language, user_type
    _write_plain(user, fields)


def _write_plain(user: User, fields: Row) -> None:
    for name in ("first_name", "last_name"):
        if name in fields:
            setattr(user, name, text(fields[name]))
    for name in ("membership_type", "sf_contact_id", "sf_user_id"):
        if name in fields:
            setattr(user, name, text(fields[name]) or None)
    if "timezone_id" in fields:
        user.timezone_id = whole(fields["timezone_id"])
    if "change_password_on_first_login" in fields:
        user.must_change_password = fields["change_password_on_first_login"] is True
    user.flags |= {name: value for name, value in fields.items() if name in FLAGS and isinstance(value, bool)}
    if isinstance(fields.get("enabled"), bool) and not user.created_at:
        user.enabled = fields["enabled"]


def update(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    """By id; or by `email`/`username` in the body under id 0, where `new_email` renames."""
    fields = call.wrapped("User")
    if not fields:
        raise Problem(404, UNWRAPPED_USER)
    user = _addressed(portal, call.id(), fields)
    email = _new_name(fields, "email", by_id=call.id() != 0) or user.email
    username = _new_name(fields, "username", by_id=call.id() != 0) or user.username
    _check_identity(email, username)
    _check_rename(world, portal, user, email, username)
    if "password" in fields:
        _check_password(fields["password"])
    _write(portal, user, fields)
    accounts.rename(world, portal, user, email, username)
    if "password" in fields:
        accounts.set_password(world, portal, user, str(fields["password"]))
    if isinstance(fields.get("enabled"), bool):
        accounts.set_enabled(world, portal, user, enabled=fields["enabled"])
    accounts.touched(world, portal, user)
    return Reply({"id": user.id})


def _addressed(portal: Portal, number: int, fields: Row) -> User:
    if number:
        return _found(portal, number)
    user = portal.by_email.get(same(text(fields.get("email"))) or "-")
    user = user or portal.by_username.get(same(text(fields.get("username"))) or "-")
    if user is None:
        raise Problem(404, "user not found")
    return user


def _new_name(fields: Row, name: str, *, by_id: bool) -> str:
    return text(fields.get(f"new_{name}")) or (text(fields.get(name)) if by_id else "")


def _check_rename(world: "LearnUponWorld", portal: Portal, user: User, email: str, username: str) -> None:
    holder = portal.by_email.get(same(email)) if email else None
    name_holder = portal.by_username.get(same(username)) if username else None
    if (holder or user) is not user or (name_holder or user) is not user:
        raise Problem(400, EXISTS_HERE)
    if same(email) != same(user.email) and accounts.elsewhere(world, portal, email):
        raise Problem(400, EXISTS_IN_REALM)


def delete(world: "LearnUponWorld", portal: Portal, call: Call) -> Reply:
    accounts.delete(world, portal, _found(portal, call.id()))
    return Reply({})


def _found(portal: Portal, number: int) -> User:
    user = portal.users.get(number)
    if user is None:
        raise Problem(404, "user not found")
    return user
