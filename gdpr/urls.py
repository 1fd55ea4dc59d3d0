"""Addresses of the privacy page; included at the root."""

from django.urls import path

from gdpr import views

app_name = "gdpr"
urlpatterns = [
    path("portals/<int:portal_id>/privacy", views.privacy, name="privacy"),
    path("portals/<int:portal_id>/privacy/erase", views.erase, name="erase"),
    path("portals/<int:portal_id>/privacy/leave", views.leave, name="leave"),
    path("portals/<int:portal_id>/privacy/export", views.export, name="export"),
    path("portals/<int:portal_id>/privacy/<int:erasure_id>/lift", views.lift, name="lift"),
]
