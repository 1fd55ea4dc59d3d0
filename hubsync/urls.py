"""Every address of Hubsync, by app."""

from django.contrib import admin
from django.urls import include, path

from hubsync.openapi import schema

urlpatterns = [
    path("webhooks/", include("webhooks.urls")),
    path("api/schema/", schema, name="schema"),
    path("admin/", admin.site.urls),
    path("", include("portals.urls")),
    path("", include("learners.urls")),
    path("", include("gdpr.urls")),
]
