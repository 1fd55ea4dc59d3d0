"""Who is told by mail when something needs a person."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from portals import audit, recipients
from portals.forms import RecipientsForm
from portals.models import HubSpotAccount
from portals.sessions import account_required
from portals.views.signed_in import SignedIn


@account_required
@require_http_methods(["GET", "POST"])
def recipients_page(request: SignedIn) -> HttpResponse:
    form = RecipientsForm(request.POST or None, initial={"emails": "\n".join(request.account.admin_emails)})
    if request.method == "POST" and form.is_valid():
        recipients.save(request.account, form.cleaned_data["emails"])
        count = len(form.cleaned_data["emails"])
        audit.record(request.account, request.actor, "recipients of notices changed", count=count)
        messages.success(request, "Saved.")
        return redirect("portals:recipients")
    return render(request, "portals/recipients.html", {"form": form})


# Exempt, because mail programs press the button themselves (RFC 8058); the address proves the right to.
@csrf_exempt
@require_http_methods(["GET", "POST"])
def unsubscribe(request: HttpRequest, account_id: int, token: str) -> HttpResponse:
    """A GET only asks: mail scanners open every link."""
    of = HubSpotAccount.objects.filter(pk=account_id).first()
    email = recipients.whose(of, token) if of else None
    if request.method == "POST" and of and email:
        recipients.unsubscribe(of, email)
        audit.record(of, "a recipient", "recipient unsubscribed")
        return render(request, "portals/unsubscribe.html", {"done": True})
    return render(request, "portals/unsubscribe.html", {"email": email})
