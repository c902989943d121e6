"""A thousand settings: what is searched for is there at once."""

from __future__ import annotations

import pytest

from tests.support.office_site import OfficeSite
from tests.support.person import Person

pytestmark = pytest.mark.slow

OFFICE = "wide"

TYPED = """
async (text) => {
  const frame = () => new Promise(requestAnimationFrame);
  const query = document.getElementById("q");
  await frame();
  const began = performance.now();
  query.value = text;
  query.dispatchEvent(new InputEvent("input", { bubbles: true }));
  await frame();
  await frame();
  const rows = [...document.querySelectorAll(".setting")].filter((row) => row.checkVisibility());
  const groups = [...document.querySelectorAll(".group")].filter((one) => one.checkVisibility());
  return {
    names: rows.map((row) => row.id.slice(2)),
    groups: groups.length,
    count: document.getElementById("count").textContent,
    took: performance.now() - began,
  };
}
"""
"""Type a text into the search, and tell what there is to be seen at the second frame."""

AMPLE = 2000
"""Milliseconds. Speed is no timed test, but this is no waiting for the server either."""


def test_the_result_is_there_within_two_frames(site: OfficeSite, ann: Person) -> None:
    """However many settings there are, and for each letter anew."""
    ann.go()
    assert ann.find(".setting").count() == 1000
    page = ann.window.page
    for text, many in (("f", 1000), ("field_77", 11), ("field_777", 1), ("nothing", 0)):
        found = page.evaluate(TYPED, text)
        assert len(found["names"]) == many
        assert found["took"] < AMPLE
    found = page.evaluate(TYPED, "group_7 777")
    assert found["names"] == ["group_7.field_777"]
    assert found["count"] == "1 of 1000 settings"


def test_what_is_typed_into_one_of_many_is_all_that_is_sent(site: OfficeSite, ann: Person) -> None:
    """A search hides rows, and changes nothing about what is saved."""
    ann.go()
    ann.find("#q").press_sequentially("777")
    ann.control("group_7.field_777").check()
    ann.find("#q").fill("nothing")
    with ann.window.page.expect_request("**/review") as sent:
        ann.review()
    assert len(sent.value.post_data or "") < 1000
    assert ann.changes() == [["group_7.field_777", "false", "true"]]
