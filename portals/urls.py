"""Addresses of installing, signing in and a portal's connection; included at the root."""

from django.urls import path

from portals.views import connection, install, mapping, recipients, trying

app_name = "portals"
urlpatterns = [
    path("", install.home, name="home"),
    path("install/", install.install, name="install"),
    path("oauth/hubspot/start", install.start, name="start"),
    path("oauth/hubspot/callback", install.callback, name="callback"),
    path("signout/", install.sign_out, name="sign_out"),
    path("portals/disconnect", install.disconnect, name="disconnect"),
    path("portals/recipients", recipients.recipients_page, name="recipients"),
    path("unsubscribe/<int:account_id>/<str:token>", recipients.unsubscribe, name="unsubscribe"),
    path("portals/connect/", connection.connect, name="connect"),
    path("portals/<int:portal_id>/", connection.front, name="front"),
    path("portals/<int:portal_id>/settings", connection.settings_page, name="settings"),
    path("portals/<int:portal_id>/settings/keys", connection.keys, name="keys"),
    path("portals/<int:portal_id>/first-event", connection.first_event, name="first_event"),
    path("portals/<int:portal_id>/settings/fields", connection.fields, name="fields"),
    path("portals/<int:portal_id>/settings/pause", connection.pause, name="pause"),
    path("portals/<int:portal_id>/settings/resume", connection.resume, name="resume"),
    path("portals/try-hubspot", trying.try_hubspot, name="try_hubspot"),
    path("portals/<int:portal_id>/settings/try-now", trying.try_learnupon, name="try_learnupon"),
    path("portals/<int:portal_id>/settings/remove", connection.remove, name="remove"),
    path("portals/<int:portal_id>/mapping", mapping.mapping_page, name="mapping"),
]
