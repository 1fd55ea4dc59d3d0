"""Addresses of the overview and of the pages about people and progress; included at the root."""

from django.urls import path

from learners.views import (
    activity,
    backfill,
    insights,
    mail_preview,
    mapping_preview,
    notices,
    overview,
    people,
    review,
    transfer,
    users,
)

app_name = "learners"
PORTAL = "portals/<int:portal_id>"
urlpatterns = [
    path("portals/", overview.overview, name="overview"),
    path("notices/<int:account_id>/<slug:cause>/<str:token>", notices.silence, name="silence"),
    path(f"{PORTAL}/learners", people.people, name="list"),
    path(f"{PORTAL}/learners/add", people.add, name="add"),
    path(f"{PORTAL}/learners/sync", people.sync, name="sync"),
    path(f"{PORTAL}/learners/users", users.user_list, name="users"),
    path(f"{PORTAL}/learners/users/add", users.add_users, name="users_add"),
    path(f"{PORTAL}/learners/<int:learner_id>", people.person, name="person"),
    path(f"{PORTAL}/learners/<int:learner_id>/unlink", people.unlink, name="unlink"),
    path(
        f"{PORTAL}/learners/<int:learner_id>/send-invitation", people.send_invitation, name="send_invitation"
    ),
    path(f"{PORTAL}/learners/<int:learner_id>/send-welcome", people.send_welcome, name="send_welcome"),
    path(f"{PORTAL}/learners/<int:learner_id>/update", people.update, name="update_person"),
    path(f"{PORTAL}/learners/<int:learner_id>/retry", people.retry, name="retry_person"),
    path(f"{PORTAL}/review", review.review, name="review"),
    path(f"{PORTAL}/review/<int:item_id>", review.decide, name="decide"),
    path(f"{PORTAL}/review/<int:item_id>/accounts", review.accounts, name="review_accounts"),
    path(f"{PORTAL}/activity", activity.activity, name="activity"),
    path(f"{PORTAL}/activity.csv", activity.export, name="activity_csv"),
    path(f"{PORTAL}/activity/retry", activity.retry, name="retry"),
    path(f"{PORTAL}/backfill", backfill.backfill, name="backfill"),
    path(f"{PORTAL}/backfill/start", backfill.start, name="backfill_start"),
    path(f"{PORTAL}/backfill/<int:walk_id>/<slug:what>", backfill.act, name="backfill_act"),
    path(f"{PORTAL}/insights", insights.insights, name="insights"),
    path(f"{PORTAL}/insights.csv", insights.export, name="insights_csv"),
    path(f"{PORTAL}/insights/required", insights.required, name="required"),
    path(f"{PORTAL}/mapping/preview", mapping_preview.mapping_preview, name="mapping_preview"),
    path(f"{PORTAL}/settings/mail", mail_preview.mail_preview, name="mail_preview"),
    path(f"{PORTAL}/settings/configuration.json", transfer.export, name="export"),
    path(f"{PORTAL}/settings/import", transfer.import_page, name="import"),
]
