"""Reads out of a page what a person would act on: its forms, its links, its data attributes, its headings."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

NOT_SENT_UNLESS_CHECKED = ("checkbox", "radio")


@dataclass
class Field:
    name: str
    value: str = ""
    choices: list[str] = field(default_factory=list)
    sent: bool = True


@dataclass
class Form:
    action: str
    method: str
    fields: list[Field] = field(default_factory=list)

    @property
    def names(self) -> set[str]:
        return {field.name for field in self.fields}

    def named(self, name: str) -> list[Field]:
        return [field for field in self.fields if field.name == name]


class PageReader(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.data: dict[str, str] = {}
        self.headings: dict[str, str] = {}  # id of a table heading -> its first words
        self._heading = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.data |= {name: value for name, value in given.items() if name.startswith("data-")}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "th":
            self._heading = given.get("id", "")
        elif tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").upper()))
        elif self.forms:
            self._in_form(tag, given)

    def _in_form(self, tag: str, given: dict[str, str]) -> None:
        fields = self.forms[-1].fields
        if tag in ("input", "select") and given.get("name"):
            sent = given.get("type") not in NOT_SENT_UNLESS_CHECKED or "checked" in given
            fields.append(Field(given["name"], given.get("value", ""), sent=sent))
        elif tag == "option" and fields:
            fields[-1].choices.append(given.get("value", ""))
            if "selected" in given or len(fields[-1].choices) == 1:
                fields[-1].value = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._heading and data.strip():
            self.headings[self._heading] = data.strip()
            self._heading = ""
