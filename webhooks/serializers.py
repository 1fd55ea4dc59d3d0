"""The shapes HubSpot sends, as far as we rely on them; unknown fields are ignored, missing ones are named.

https://developers.hubspot.com/docs/api-reference/latest/automation/workflow-actions/custom-action-reference
"""

from types import NoneType
from typing import Any

from rest_framework import serializers

from hubsync.flows import HUBSPOT_EVENTS
from portals.numbers import is_id
from webhooks.hubspot import RECORD_TYPES

Wire = serializers.Serializer[Any]


class Origin(Wire):
    portalId = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class EnrolledObject(Wire):
    objectId = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    objectType = serializers.ChoiceField(choices=sorted(RECORD_TYPES), default="CONTACT")
    properties = serializers.DictField(required=False, allow_null=True)


class ActionRequest(Wire):
    callbackId = serializers.CharField(max_length=150)
    origin = Origin()
    object = EnrolledObject()
    inputFields = serializers.DictField(required=False, default=dict)
    context = serializers.DictField(required=False, allow_null=True)  # type: ignore[assignment]  # HubSpot's name


_ACTION_REQUEST = ActionRequest()  # made once: a serializer's fields are copied whenever one is made


def action_request(data: Any) -> dict[str, Any]:
    """The request, validated. What is plainly as HubSpot documents it is not taken through the serializer, which takes
    longer than writing the action down; whatever is odd in any way is, and is refused or read by it."""
    if _plain(data):
        return {"inputFields": {}, **data}
    found: dict[str, Any] = _ACTION_REQUEST.run_validation(data)
    return found


def _plain(data: Any) -> bool:
    """Whether the serializer would take it just as it stands."""
    if type(data) is not dict or type(data.get("origin")) is not dict or type(data.get("object")) is not dict:
        return False
    callback, enrolled = data.get("callbackId"), data["object"]
    return (
        type(callback) is str
        and len(callback) <= 150
        and callback.replace("-", "a").isalnum()
        and is_id(data["origin"].get("portalId"))
        and is_id(enrolled.get("objectId"))
        and str(enrolled.get("objectType", "CONTACT")) in RECORD_TYPES
        and type(enrolled.get("properties")) in (dict, NoneType)
        and type(data.get("inputFields", {})) is dict
        and type(data.get("context")) in (dict, NoneType)
    )


class OptionsRequest(Wire):
    origin = Origin()
    inputFields = serializers.DictField(required=False, default=dict)
    fetchOptions = serializers.DictField(required=False, default=dict)


class CardQuery(Wire):
    """What HubSpot's proxy appends to a card's request, and the contact whose card it is."""

    portalId = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    userId = serializers.CharField(max_length=32, required=False, allow_blank=True)
    userEmail = serializers.CharField(max_length=200, required=False, allow_blank=True)
    contactId = serializers.RegexField(r"^[0-9]{1,18}$", required=False)


class HubSpotEvent(Wire):
    """One of HubSpot's events, for the document: the list is read event by event (webhooks/hubspot.py), because one
    bad event must not cost the others."""

    portalId = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    subscriptionType = serializers.ChoiceField(choices=HUBSPOT_EVENTS)
    objectId = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    subscriptionId = serializers.IntegerField(required=False)
    eventId = serializers.IntegerField(required=False)
    occurredAt = serializers.IntegerField(required=False)
    propertyName = serializers.CharField(required=False)
    propertyValue = serializers.CharField(required=False)
    primaryObjectId = serializers.IntegerField(required=False)
    mergedObjectIds = serializers.ListField(child=serializers.IntegerField(), required=False)
    newObjectId = serializers.IntegerField(required=False)


class LearnUponUser(Wire):
    userId = serializers.IntegerField()


class LearnUponEvent(Wire):
    """One of LearnUpon's events, for the document: each is read by itself (webhooks/learnupon.py)."""

    eventCreated = serializers.DateTimeField()
    user = LearnUponUser(required=False)
    enrollmentId = serializers.IntegerField()
    courseId = serializers.IntegerField(required=False)
    enrollmentStatus = serializers.CharField(required=False)
    percentage = serializers.FloatField(required=False)


class LearnUponRequest(Wire):
    data = LearnUponEvent(many=True)  # type: ignore[assignment]  # LearnUpon's name


class CardBody(Wire):
    contactId = serializers.RegexField(r"^[0-9]{1,18}$", required=False)
    portal = serializers.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
