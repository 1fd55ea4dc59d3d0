"""The shapes of what we answer, for the OpenAPI document: actions, drop-downs, and the card and settings page."""

from rest_framework import serializers

from webhooks.serializers import Wire


class Problem(Wire):
    """Why a request was refused."""

    error = serializers.CharField()
    message = serializers.CharField()
    fields = serializers.JSONField(required=False)  # type: ignore[assignment]  # the fields at fault, by name


class ActionOutputs(Wire):
    hs_execution_state = serializers.ChoiceField(choices=["BLOCK", "SUCCESS", "FAIL_CONTINUE"])
    hs_expiration_duration = serializers.CharField(required=False)
    outcome = serializers.CharField(required=False)
    message = serializers.CharField(required=False)


class ActionAnswer(Wire):
    outputFields = ActionOutputs()


class Option(Wire):
    label = serializers.CharField()  # type: ignore[assignment]  # HubSpot's name
    value = serializers.CharField()
    description = serializers.CharField(required=False)


class OptionsAnswer(Wire):
    options = Option(many=True)
    after = serializers.CharField(required=False)
    searchable = serializers.BooleanField()


class CardSaid(Wire):
    """What a button did; with an `error`, why there is nothing to do or to show."""

    error = serializers.CharField(required=False)
    message = serializers.CharField()
    link = serializers.CharField(required=False)


class CardLearner(Wire):
    state = serializers.CharField()
    state_label = serializers.CharField()
    reason = serializers.CharField()
    invitation = serializers.CharField()
    invited_at = serializers.CharField()
    linked_at = serializers.CharField()
    page = serializers.CharField()
    learnupon = serializers.CharField()


class CardRequest(Wire):
    what = serializers.CharField()
    state = serializers.CharField()
    became = serializers.CharField()
    reason = serializers.CharField()
    at = serializers.CharField()


class CardPortal(Wire):
    id = serializers.IntegerField()
    name = serializers.CharField()
    address = serializers.CharField()
    state = serializers.CharField()
    state_label = serializers.CharField()
    learner = CardLearner(allow_null=True)
    latest = CardRequest(allow_null=True)
    can = serializers.ListField(child=serializers.ChoiceField(choices=["add", "invite", "resend", "refresh"]))


class CardEnrollment(Wire):
    id = serializers.CharField()
    course = serializers.CharField()
    portal = serializers.IntegerField()
    portal_name = serializers.CharField()
    status = serializers.CharField()
    result = serializers.CharField()
    required = serializers.BooleanField()  # type: ignore[assignment]  # the card's name
    progress_percent = serializers.FloatField(allow_null=True)
    score_percent = serializers.FloatField(allow_null=True)
    overdue = serializers.BooleanField()
    due_on = serializers.CharField()
    enrolled_at = serializers.CharField()
    completed_at = serializers.CharField()
    certificate_name = serializers.CharField()
    certificate_expires_on = serializers.CharField()


class CardCounts(Wire):
    not_started = serializers.IntegerField()
    in_progress = serializers.IntegerField()
    completed = serializers.IntegerField()
    overdue = serializers.IntegerField()


class CardShown(Wire):
    """Everything there is about one contact."""

    portals = CardPortal(many=True)
    enrollments = CardEnrollment(many=True)
    counts = CardCounts()
    more = serializers.BooleanField()
    notice = serializers.CharField()


class SettingsPortal(Wire):
    id = serializers.IntegerField()
    name = serializers.CharField()
    host = serializers.CharField()
    state = serializers.CharField()
    state_label = serializers.CharField()
    reason = serializers.CharField()
    people = serializers.CharField()
    learners = serializers.IntegerField()
    invited = serializers.IntegerField()
    waiting = serializers.IntegerField()
    failing = serializers.IntegerField()
    ready = serializers.BooleanField()
    last_event_at = serializers.CharField()
    last_walk_at = serializers.CharField()
    page = serializers.CharField()
    activity = serializers.CharField()


class SettingsBanner(Wire):
    text = serializers.CharField()
    link = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # the page's name


class SettingsPages(Wire):
    portals = serializers.CharField()
    connect = serializers.CharField()


class SettingsShown(Wire):
    """The account's portals, and how they are."""

    portals = SettingsPortal(many=True)
    banners = SettingsBanner(many=True)
    connected = serializers.BooleanField()
    pages = SettingsPages()
