"""The insights page: three reports as charts with tables and CSV, and which courses are required."""

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET, require_POST

from learners.views import reports
from learners.views.charts import Bar, bars
from learners.views.recipes import recipes
from learners.views.spreadsheet import spreadsheet
from portals import audit
from portals.models import Course
from portals.schema import PREFIX
from portals.sessions import account_required, portal_or_404
from portals.templatetags.pages import zone
from portals.views.signed_in import SignedIn, portal_page
from portals.views.window import window

RECENT = 25  # latest completions shown; the CSV has all
PEOPLE = 25
PEOPLE_HEAD = (
    "First name", "Last name", "E-mail", "Record type", "Record id", "Completed", "In progress", "Not started",
)  # fmt: skip
COMPLETION_HEAD = (
    "Completed (UTC)", "First name", "Last name", "E-mail", "Record type", "Record id", "Course", "Result", "Score",
)  # fmt: skip


@account_required
@require_GET
def insights(request: SignedIn, portal_id: int) -> HttpResponse:
    portal = portal_or_404(request, portal_id)
    page = window(reports.people_of(portal), request.GET, size=PEOPLE)
    courses = list(Course.objects.filter(portal=portal).order_by("-listed", "name", "pk"))
    sums = reports.sums(portal, courses, zone(request.account))
    context = {
        "sums": sums,
        "any": any(count for _, _, count in sums.statuses),
        "page": page,
        "people": reports.courses_of(portal, page.rows),
        "charts": charts(sums),
        "recent": reports.completions(portal)[:RECENT],
        "required_people": reports.required_completed(portal)[:RECENT],
        "courses": courses,
        "recipe": recipes(portal),
        "prefix": PREFIX,
    }
    return portal_page(request, portal, "learners/insights.html", "insights", **context)


def charts(sums: reports.Sums) -> dict[str, SafeString]:
    spread = [Bar(label, [("completed", count)]) for label, count in sums.spread]
    months = [Bar(f"{month:%b %Y}", [("completed", count)]) for month, count in sums.months]
    required = [
        Bar(name, [("completed", done), ("not_started", of - done)]) for name, done, of in sums.required
    ]
    return {
        "spread": bars("People by completed courses", spread),
        "months": bars("Completions by month", months),
        "required": bars("Required courses: completed, of those enrolled", required),
    }


@account_required
@require_GET
def export(request: SignedIn, portal_id: int) -> StreamingHttpResponse:
    portal = portal_or_404(request, portal_id)
    report = request.GET.get("report", "people")
    if report == "people":
        return spreadsheet(f"people-{portal.subdomain}", PEOPLE_HEAD, reports.people_rows(portal))
    if report not in ("completions", "required"):
        raise Http404
    rows = reports.completions(portal) if report == "completions" else reports.required_completed(portal)
    return spreadsheet(f"{report}-{portal.subdomain}", COMPLETION_HEAD, reports.completion_rows(rows))


@account_required
@require_POST
def required(request: SignedIn, portal_id: int) -> HttpResponse:
    portal = portal_or_404(request, portal_id)
    chosen = {
        int(value) for value in request.POST.getlist("required") if value.isdecimal() and len(value) < 19
    }
    with transaction.atomic():
        changed = reports.mark_required(portal, chosen)
        audit.record(request.account, request.actor, "required courses marked", portal, courses=changed)
    messages.success(request, "Saved." if changed else "Nothing changed.")
    return redirect("learners:insights", portal.pk)
