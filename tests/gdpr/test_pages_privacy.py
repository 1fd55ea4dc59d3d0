"""The privacy page: receipts, and erasing one person."""

import pytest
from django.test import Client

from gdpr.models import Erasure
from learners.models import Learner
from portals import tombstones
from portals.models import HubSpotAccount, Portal


@pytest.fixture
def ada(acme_portal: Portal) -> Learner:
    return Learner.objects.create(
        account=acme_portal.account, portal=acme_portal, record_type="contact", record_id="501", state="active",
        email="ada@example.com", first_name="Ada", learnupon_user_id=77,
    )  # fmt: skip


def test_it_says_what_happens_and_what_is_kept(as_acme: Client, acme_portal: Portal) -> None:
    page = as_acme.get(f"/portals/{acme_portal.pk}/privacy").content.decode()
    assert "Nobody has been erased yet" in page
    assert "Permanently delete account" in page
    assert "for 30 days" in page


def test_receipts_of_this_account_only(
    as_acme: Client, acme: HubSpotAccount, globex: HubSpotAccount, acme_portal: Portal
) -> None:
    mine = Erasure.objects.create(
        account=acme, record_type="contact", digest=b"1" * 32, source="hubspot", counts={"learner": 2}
    )
    Erasure.objects.create(account=globex, record_type="contact", digest=b"2" * 32, source="hubspot")
    answer = as_acme.get(f"/portals/{acme_portal.pk}/privacy")
    assert [row.pk for row in answer.context["page"].rows] == [mine.pk]
    assert "Learner: 2" in answer.content.decode()


def test_erasing_needs_the_box_ticked_and_keeps_what_was_typed(
    as_acme: Client, acme_portal: Portal, ada: Learner
) -> None:
    posted = {"record_type": "contact", "record_id": "501"}
    page = as_acme.post(f"/portals/{acme_portal.pk}/privacy/erase", posted).content.decode()
    assert "Tick this box first" in page
    assert 'value="501"' in page
    assert Learner.objects.filter(pk=ada.pk).exists()


@pytest.mark.parametrize("record_id", ["", "ada@example.com", "1" * 40])
def test_what_is_no_record_id_is_refused(as_acme: Client, acme_portal: Portal, record_id: str) -> None:
    posted = {"record_type": "contact", "record_id": record_id, "confirm": "yes"}
    page = as_acme.post(f"/portals/{acme_portal.pk}/privacy/erase", posted).content.decode()
    assert "Nothing was saved" in page
    assert not Erasure.objects.exists()


def test_erasing_leaves_a_receipt_and_nobody(as_acme: Client, acme_portal: Portal, ada: Learner) -> None:
    posted = {"record_type": "contact", "record_id": "501", "confirm": "yes"}
    page = as_acme.post(f"/portals/{acme_portal.pk}/privacy/erase", posted, follow=True).content.decode()
    assert not Learner.objects.filter(pk=ada.pk).exists()
    assert Erasure.objects.get(account=acme_portal.account).source == Erasure.Source.ADMIN
    assert "ada@example.com" not in page


@pytest.mark.parametrize(
    ("typed", "erased"), [("0501", True), (" 501 ", True), ("\u0665\u0660\u0661", False), ("0", False)]
)
def test_no_receipt_is_given_for_another_spelling(
    as_acme: Client, acme_portal: Portal, typed: str, erased: bool
) -> None:
    """The receipt would say that the person is gone, and the tombstone would stop nobody."""
    form = {"record_type": "contact", "record_id": typed, "confirm": "yes"}
    as_acme.post(f"/portals/{acme_portal.pk}/privacy/erase", form)
    assert Erasure.objects.exists() is erased
    assert tombstones.record_is_erased(acme_portal.account, "contact", "501") is erased


def test_another_account_cannot_erase(as_globex: Client, acme_portal: Portal, ada: Learner) -> None:
    posted = {"record_type": "contact", "record_id": "501", "confirm": "yes"}
    assert as_globex.post(f"/portals/{acme_portal.pk}/privacy/erase", posted).status_code == 404
    assert Learner.objects.filter(pk=ada.pk).exists()
