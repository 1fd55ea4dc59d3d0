"""The mail that a created learner would get from this portal, with an invented person in it."""

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from learners import letters, welcome
from learners.models import Learner
from portals.sessions import account_required, portal_or_404
from portals.views.signed_in import SignedIn, portal_page


@account_required
@require_GET
def mail_preview(request: SignedIn, portal_id: int) -> HttpResponse:
    portal = portal_or_404(request, portal_id)
    language = letters.language_of(request.GET.get("language", ""))
    sample = Learner(portal=portal, first_name="Ada", email="ada@example.com", language=language)
    context = {"mail": welcome.compose(sample), "language": language, "languages": letters.NAMES}
    return portal_page(request, portal, "portals/mail_preview.html", "settings", **context)
