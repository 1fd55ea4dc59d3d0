"""Addresses HubSpot and LearnUpon call; they are part of the public contract."""

from django.urls import path, re_path

from webhooks import views, wire

urlpatterns = [
    path("hubspot/actions/<slug:action>", views.ActionView.as_view(), name="action"),
    path("hubspot/options/<slug:field>", views.OptionsView.as_view(), name="options"),
    path("hubspot/cards/<slug:card>", views.CardView.as_view(), name="card"),
    path("hubspot/events", views.HubSpotEventsView.as_view(), name="hubspot-events"),
    path("learnupon/<uuid:webhook_id>", views.LearnUponView.as_view(), name="learnupon"),
    re_path("", wire.no_such_address),
]
