"""What HubSpot and LearnUpon call. Each view checks who calls, records what came, and answers."""

from typing import Any
from uuid import UUID

from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hubsync.flows import ACTIONS, CARDS
from portals.models import HubSpotAccount, Portal
from webhooks import callers, cards, hubspot, intake, learnupon, openapi, options
from webhooks.authentication import CardSignature, HubSpotSignature, LearnUponSignature
from webhooks.lean import LeanView, Posted
from webhooks.models import Delivery
from webhooks.serializers import OptionsRequest, action_request

UNKNOWN_ACCOUNT = "This HubSpot account has not installed the app."


def known_account(hub_id: int) -> HubSpotAccount:
    account = intake.accounts([hub_id]).get(hub_id)
    if account is None:
        raise exceptions.NotFound(UNKNOWN_ACCOUNT)
    return account


class ActionView(LeanView):
    """A workflow's call of one of our actions: recorded, then answered with BLOCK; the worker tells the rest."""

    authentication_classes = [HubSpotSignature]

    @openapi.ACTION
    def post(self, asked: Posted, action: str) -> Any:
        if action not in ACTIONS:
            raise exceptions.NotFound("There is no such action.")
        data = action_request(asked.data)
        caller = callers.caller(data["origin"]["portalId"], str(data["inputFields"].get("portal") or ""))
        if caller is None:
            raise exceptions.NotFound(UNKNOWN_ACCOUNT)
        arrival = hubspot.action(action, data, caller)
        if intake.record([arrival]):
            return hubspot.answer(arrival)
        delivery = intake.earlier(arrival.key)
        if delivery.state != Delivery.State.WAITING:
            intake.told_by_answer(delivery)
        return hubspot.answer(delivery)


class OptionsView(APIView):
    """The choices of a drop-down in the workflow editor."""

    authentication_classes = [HubSpotSignature]

    @openapi.OPTIONS
    def post(self, request: Request, field: str) -> Response:
        if field not in options.FIELDS:
            raise exceptions.NotFound("There is no such field.")
        data = OptionsRequest(data=request.data)
        data.is_valid(raise_exception=True)
        account = known_account(data.validated_data["origin"]["portalId"])
        return Response(options.choices(field, account, data.validated_data))


class CardView(APIView):
    """The card on a contact and the settings page, which run inside HubSpot. What can be expected to fail is answered
    200 with an `error`, because HubSpot's proxy hides the body of every other answer from them."""

    authentication_classes = [CardSignature]

    @openapi.CARD_SHOWN
    def get(self, request: Request, card: str) -> Response:
        return self._answer(request, card, {})

    @openapi.CARD_PRESSED
    def post(self, request: Request, card: str) -> Response:
        return self._answer(request, card, request.data)

    def _answer(self, request: Request, card: str, body: Any) -> Response:
        name = f"{request.method} {card}"
        if name not in CARDS:
            raise exceptions.NotFound("The card has no such address.")
        said = cards.caller(request.query_params)
        account = known_account(said["portalId"])
        return Response(cards.answer(name, cards.ask(account, said, body)))


class HubSpotEventsView(LeanView):
    """HubSpot's webhooks: an array of events, perhaps of several accounts."""

    authentication_classes = [HubSpotSignature]

    @openapi.HUBSPOT_EVENTS
    def post(self, asked: Posted) -> Any:
        intake.record(hubspot.events(asked.data))


class LearnUponView(LeanView):
    """A portal's v2 webhooks, at that portal's own address."""

    authentication_classes = [LearnUponSignature]

    @openapi.LEARNUPON_EVENTS
    def post(self, asked: Posted, webhook_id: UUID) -> Any:
        portal: Portal = asked.user
        made = learnupon.events(asked.data, asked.headers.get("X-Webhook-Type", ""), portal)
        intake.record(made)
        learnupon.heard_from(portal)
