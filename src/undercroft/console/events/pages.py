"""The pages of a bucket's event notifications."""

from __future__ import annotations

from undercroft.console.events import deliveries, past, rule_form, rules
from undercroft.console.page import Page, get, post

PAGES: tuple[Page, ...] = (
    get("/buckets/{name}/events", rules.show),
    get("/buckets/{name}/events/new", rule_form.new),
    post("/buckets/{name}/events/new", rule_form.add, action="Create notification rule"),
    get("/buckets/{name}/events/{rule}", rule_form.edit),
    post("/buckets/{name}/events/{rule}", rule_form.change, action="Change notification rule"),
    get("/buckets/{name}/events/{rule}/remove", rules.ask_to_remove),
    post("/buckets/{name}/events/{rule}/remove", rules.remove, action="Delete notification rule"),
    post("/buckets/{name}/events/{rule}/again", rules.try_again, action="Resume notification rule"),
    get("/buckets/{name}/events/{rule}/log", deliveries.show),
    post("/buckets/{name}/events/{rule}/given-up", past.send_given_up, action="Send events again"),
    get("/buckets/{name}/events/{rule}/log/{number}", past.show),
    post("/buckets/{name}/events/{rule}/log/{number}", past.send, action="Send events again"),
    post("/buckets/{name}/events/{rule}/test", deliveries.send_test, action="Send test event"),
)
