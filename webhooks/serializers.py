"""The shapes HubSpot sends, as far as we rely on them; unknown fields are ignored, missing ones are named.

https://developers.hubspot.com/docs/api-reference/latest/automation/workflow-actions/custom-action-reference
"""

from typing import Any

from rest_framework import serializers

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


class ActionAnswer(Wire):
    outputFields = serializers.DictField(child=serializers.CharField())


class OptionsRequest(Wire):
    origin = Origin()
    inputFields = serializers.DictField(required=False, default=dict)
    fetchOptions = serializers.DictField(required=False, default=dict)


class Option(Wire):
    label = serializers.CharField()  # type: ignore[assignment]  # HubSpot's name
    value = serializers.CharField()
    description = serializers.CharField(required=False)


class OptionsAnswer(Wire):
    options = Option(many=True)
    after = serializers.CharField(required=False)
    searchable = serializers.BooleanField()


class CardQuery(Wire):
    """What HubSpot's proxy appends to a card's request, and the contact whose card it is."""

    portalId = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    userId = serializers.CharField(max_length=32, required=False, allow_blank=True)
    userEmail = serializers.CharField(max_length=200, required=False, allow_blank=True)
    contactId = serializers.RegexField(r"^[0-9]{1,18}$", required=False)


class CardBody(Wire):
    contactId = serializers.RegexField(r"^[0-9]{1,18}$", required=False)
    portal = serializers.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
