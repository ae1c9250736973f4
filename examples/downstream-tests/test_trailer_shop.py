"""The shop's tests. Every fixture is the plugin's; the service is real, its renders take no time."""

import pytest
from trailer_shop import Shop, Till

from renderowl.testing import Fail, Film, Percent, Wait


@pytest.fixture
def shop(renderowl_service, renderowl_key, renderowl_project):
    return Shop(renderowl_service.url, renderowl_key, renderowl_project)


def test_an_ordered_trailer_can_be_downloaded(shop, renderowl_events):
    order = shop.order("Owls")
    renderowl_events.wait_for("render.completed", render_id=order)
    assert shop.status(order) == "yours to download"
    assert b"ftyp" in shop.download(order)[:16]
    assert renderowl_events.types(order) == ["render.queued", "render.started", "render.completed"]


def test_a_customer_sees_how_far_it_is(shop, renderowl_renderer, renderowl_clock, renderowl_events):
    renderowl_renderer.will(Percent(40), Wait(60))
    order = shop.order("Owls")
    renderowl_clock.until_waiting()
    assert shop.status(order) == "40 %"
    renderowl_clock.advance(60)
    renderowl_events.wait_for("render.completed", render_id=order)
    assert shop.status(order) == "yours to download"


def test_a_customer_is_told_of_a_failure(shop, renderowl_renderer, renderowl_events):
    renderowl_renderer.will(Fail("font_missing", "no font has this letter"))
    order = shop.order("Owls")
    renderowl_events.wait_for("render.failed", render_id=order)
    assert shop.status(order) == "sorry: font_missing"


def test_the_shop_hands_out_what_was_made(shop, renderowl_renderer, renderowl_events):
    renderowl_renderer.will(Film(b"a film of the test's own"))
    order = shop.order("Owls")
    renderowl_events.wait_for("render.completed", render_id=order)
    assert shop.download(order) == b"a film of the test's own"


def test_a_trailer_is_billed_once(renderowl_webhook):
    till = Till(renderowl_webhook.secret)
    webhook = renderowl_webhook("render.completed", render_id="rnd_1")
    assert [till.receive(webhook.headers, webhook.body) for _ in range(2)] == [204, 204]
    assert till.billed == ["rnd_1"]


def test_who_cannot_sign_is_not_believed(renderowl_webhook):
    till = Till(renderowl_webhook.secret)
    forged = renderowl_webhook("render.completed", render_id="rnd_1")
    assert till.receive(forged.headers, forged.body.replace(b"rnd_1", b"rnd_2")) == 401
    old = renderowl_webhook("render.completed", render_id="rnd_1", age_s=3600)
    assert till.receive(old.headers, old.body) == 401
    assert till.billed == []
