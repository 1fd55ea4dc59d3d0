"""The link at the foot of a notice: no more mails of this cause."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from learners import notices
from learners.models import Cause
from portals import audit
from portals.models import HubSpotAccount


# Exempt, because mail programs press the button themselves (RFC 8058); the address proves the right to.
@csrf_exempt
@require_http_methods(["GET", "POST"])
def silence(request: HttpRequest, account_id: int, cause: str, token: str) -> HttpResponse:
    """A GET only asks: mail scanners open every link."""
    of = HubSpotAccount.objects.filter(pk=account_id).first()
    email = notices.whose(of, cause, token) if of and cause in Cause else None
    if of is None or email is None:
        return render(request, "learners/silence.html", {"unknown": True})
    context = {"email": email, "cause": Cause(cause).label, "done": request.method == "POST"}
    if request.method == "POST":
        notices.be_silent(of, cause, email)
        audit.record(of, "a recipient", "notices of a cause switched off", cause=cause)
    return render(request, "learners/silence.html", context)
