"""What the operators' admin is made of: a session apart from the customers', pages that change nothing, and a trail
of every look at a person's row."""

from collections.abc import Callable
from itertools import groupby
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.db.models import IntegerField, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse

from portals import audit, reasons
from portals.models import HubSpotAccount
from portals.operator_lists import ByKey

PATH, COOKIE = "/admin/", "hubsync_operator"
OPERATOR = "operator "  # how the name of one begins in the trail; customers are e-mail addresses
FILTERED = ("", "exact", "isnull")  # what the filters beside a list write into its address
AT_ONCE = 1000  # rows one press of an action takes


class OperatorSession:
    """Under /admin/ the session is another cookie's, which the rest of the site is never sent. Signing in with HubSpot
    and signing in as an operator know nothing of each other."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(PATH):
            return self.get_response(request)
        name = settings.SESSION_COOKIE_NAME
        request.COOKIES.pop(name, None)
        if COOKIE in request.COOKIES:
            request.COOKIES[name] = request.COOKIES[COOKIE]
        response = self.get_response(request)
        if made := response.cookies.pop(name, None):
            response.cookies[COOKIE] = made.value
            response.cookies[COOKIE].update(dict(made) | {"path": PATH, "samesite": "Strict"})
        return response


def name_of(request: HttpRequest) -> str:
    return OPERATOR + request.user.get_username()


def narrowed(name: str, choices: dict[str, tuple[str, Q]]) -> type[admin.SimpleListFilter]:
    """A filter beside a list: word in the address -> what it is called, and which rows it leaves."""

    class Narrowed(admin.SimpleListFilter):
        title = parameter_name = name

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(word, called) for word, (called, _) in choices.items()]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            value = self.value()
            return queryset.filter(choices[value][1]) if value in choices else queryset

    return Narrowed


WHY = narrowed("why", {why: (title, Q(why=why)) for why, (title, _) in reasons.REASONS.items()})


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """A model as operators see it: `fields` names what is shown, and nothing can be added, changed or deleted."""

    change_form_template = "admin/read_only.html"
    change_list_template = "admin/read_only_list.html"
    search_help_text = "The number of a HubSpot account"
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they count too
    sortable_by = ()  # by another column than its key, a list of millions would be sorted whole
    list_per_page = 50
    ordering = ("-pk",)
    # Is a row about a person? Then lists show no id of theirs and no vendor's words, which may quote them, and opening
    # one is recorded.
    person = False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        numbered = isinstance(self.opts.pk, IntegerField)
        return ByKey if numbered else super().get_changelist(request, **kwargs)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.is_active and request.user.is_staff)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only what the lists offer to filter by. Django takes any column from the address: names and e-mails could be
        found out letter by letter, without a look that is recorded."""
        offered = {str(getattr(one, "parameter_name", one)) for one in self.list_filter}
        column, _, how = lookup.partition("__")
        return column in offered and how in FILTERED

    @admin.display(description="HubSpot account")
    def customer(self, row: Any) -> str:
        account = account_of(row)
        return f"{account.hub_id} {account.hub_domain}".rstrip()

    @admin.display(description="why")
    def class_of_failure(self, row: Any) -> str:
        return reasons.title(row.why)

    @admin.display(description="why")
    def what_to_do(self, row: Any) -> str:
        return f"{reasons.title(row.why)}. {reasons.advice(row.why)}" if row.why else "-"

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.person and (row := self.get_object(request, unquote(object_id))):
            what = f"looked at one {self.opts.verbose_name}"
            audit.record(account_of(row), name_of(request), what, row=row.pk)
        answer: HttpResponse = super().change_view(request, object_id, *args, **kwargs)
        return answer


def account_of(row: Any) -> HubSpotAccount:
    account: HubSpotAccount = row.account if hasattr(row, "account") else row.erasure.account
    return account


def run_again(
    request: HttpRequest, rows: QuerySet[Any], work: Callable[[HubSpotAccount, list[Any]], int]
) -> None:
    """Try the chosen rows again, account by account, and write down in each account's trail that it was done."""
    chosen = sorted(rows[:AT_ONCE], key=lambda row: account_of(row).pk)
    total = 0
    for _, group in groupby(chosen, key=lambda row: account_of(row).pk):
        theirs = list(group)
        account = account_of(theirs[0])
        count = work(account, theirs)
        audit.record(account, name_of(request), "tried again", rows=[row.pk for row in theirs], count=count)
        total += count
    if total:
        messages.success(request, f"{total} tried again.")
    else:
        messages.warning(request, "Nothing to try again: none of these has failed, or its content is gone.")
