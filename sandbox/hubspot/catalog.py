"""The property definitions that every account has at the start."""

from sandbox.hubspot.values import Property, choices

COUNTRIES = choices(
    "Austria=AT", "Brazil=BR", "Canada=CA", "France=FR", "Germany=DE", "Ireland=IE", "Japan=JP",
    "Spain=ES", "United Kingdom=GB", "United States=US",
)  # fmt: skip
STAGES = choices("Subscriber=subscriber", "Lead=lead", "Opportunity=opportunity", "Customer=customer")
TOPICS = choices("Safety=safety", "Leadership=leadership", "Product=product", "Sales=sales")
INFO, USER_INFO = "contactinformation", "userinformation"


def _text(
    name: str,
    label: str,
    group: str = INFO,
    *,
    read_only: bool = False,
    unique: bool = False,
    own: bool = False,
) -> Property:
    return Property(
        name, label, "string", "text", group, read_only=read_only, unique=unique, hubspot_defined=not own
    )


def _stamps(created: str, updated: str, group: str) -> list[Property]:
    return [
        Property("hs_object_id", "Record ID", "number", "number", group, read_only=True),
        Property(created, "Create Date", "datetime", "date", group, read_only=True),
        Property(updated, "Last Modified Date", "datetime", "date", group, read_only=True),
    ]


def _keyed(properties: list[Property]) -> dict[str, Property]:
    return {definition.name: definition for definition in properties}


def contact_properties() -> dict[str, Property]:
    own = [
        Property("country", "Country", "enumeration", "select", INFO, COUNTRIES, hubspot_defined=False),
        Property("start_date", "Start Date", "date", "date", INFO, hubspot_defined=False),
        Property("employee_number", "Employee Number", "number", "number", INFO, hubspot_defined=False),
        Property(
            "favourite_topics", "Favourite Topics", "enumeration", "checkbox", INFO, TOPICS,
            hubspot_defined=False,
        ),
        Property("is_partner", "Is Partner", "bool", "booleancheckbox", INFO, hubspot_defined=False),
        _text("department", "Department", own=True),
    ]  # fmt: skip
    given = [
        _text("email", "Email", unique=True),
        _text("firstname", "First Name"),
        _text("lastname", "Last Name"),
        _text("company", "Company Name"),
        _text("jobtitle", "Job Title"),
        _text("phone", "Phone Number"),
        _text("hs_language", "Preferred Language"),
        _text("hubspot_owner_id", "Contact Owner"),
        Property(
            "hs_additional_emails", "Additional Emails", "enumeration", "checkbox", INFO, read_only=True
        ),
        Property("lifecyclestage", "Lifecycle Stage", "enumeration", "radio", INFO, STAGES),
    ]
    return _keyed([*_stamps("createdate", "lastmodifieddate", INFO), *given, *own])


def user_properties() -> dict[str, Property]:
    """Only a few are writable (users guide); the names of the others are from several code bases [S]."""
    fixed = [
        ("hs_email", "Email"),
        ("hs_given_name", "First Name"),
        ("hs_family_name", "Last Name"),
        ("hs_searchable_calculated_name", "Name"),
        ("hs_internal_user_id", "User ID"),
        ("hubspot_owner_id", "Owner ID"),
        ("hubspot_team_id", "Main Team"),
    ]
    writable = [
        ("hs_job_title", "Job Title"),
        ("hs_additional_phone", "Additional Phone"),
        ("hs_main_user_language_skill", "Main Language"),
        ("hs_secondary_user_language_skill", "Secondary Language"),
        ("hs_standard_time_zone", "Time Zone"),
        ("hs_working_hours", "Working Hours"),
        ("hs_out_of_office_hours", "Out Of Office Hours"),
        ("hs_uncategorized_skills", "Skills"),
    ]
    status = choices("Available=available", "Away=away")
    return _keyed(
        [
            *_stamps("hs_createdate", "hs_lastmodifieddate", USER_INFO),
            *(_text(name, label, USER_INFO, read_only=True) for name, label in fixed),
            *(_text(name, label, USER_INFO) for name, label in writable),
            Property("hs_availability_status", "Availability", "enumeration", "select", USER_INFO, status),
            Property("hs_deactivated", "Deactivated", "bool", "booleancheckbox", USER_INFO, read_only=True),
            Property(
                "department", "Department", "string", "text", USER_INFO, read_only=True, hubspot_defined=False
            ),
        ]
    )
