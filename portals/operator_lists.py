"""The lists of the operators' admin: by key like the lists of our own pages, so that the first of millions of rows
opens as quickly as the first of ten. Django counts every row that matches before it shows one."""

from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest

from portals.views.window import window

CURSORS = ("before", "after")


class ByKey(ChangeList):
    """Shows a page of rows, the newest first, and knows whether there are newer and older ones."""

    def get_queryset(self, request: HttpRequest, *args: Any) -> QuerySet[Any]:
        """Without the place in the list, which no filter knows. Another filter or search begins at the newest."""
        for name in CURSORS:
            self.params.pop(name, None)
            self.filter_params.pop(name, None)
        rows: QuerySet[Any] = super().get_queryset(request, *args)
        return rows

    def get_results(self, request: HttpRequest) -> None:
        """What Django's templates ask for, as if the page were the whole list."""
        self.page = window(self.queryset, request.GET, size=self.list_per_page)
        self.result_list = self.page.rows
        self.result_count = self.full_result_count = len(self.page.rows)
        self.show_full_result_count = self.can_show_all = self.multi_page = False
        self.show_admin_actions = bool(self.page.rows)
        self.paginator = None

    @property
    def newer(self) -> str:
        """The address of the rows before these, empty when these are the newest."""
        return self.get_query_string({"after": self.page.newer}) if self.page.newer else ""

    @property
    def older(self) -> str:
        return self.get_query_string({"before": self.page.older}) if self.page.older else ""
