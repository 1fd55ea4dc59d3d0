"""Every address of Hubsync, by app."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from hubsync.metrics import metrics

urlpatterns = [
    path("webhooks/", include("webhooks.urls")),
    path("metrics", metrics),
    path("api/schema/", SpectacularAPIView.as_view(authentication_classes=[]), name="schema"),
    path("admin/", admin.site.urls),
    path("", include("portals.urls")),
    path("", include("learners.urls")),
    path("", include("gdpr.urls")),
]
