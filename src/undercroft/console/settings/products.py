"""Enabled Products: B2 Cloud Storage and its terms."""

from __future__ import annotations

from starlette.responses import Response

from undercroft.console.problems import said
from undercroft.console.visit import Visit
from undercroft.store.errors import BucketNotEmpty, InvalidRequest


async def show(visit: Visit) -> Response:
    """The products with their boxes."""
    products = visit.store.identity.products
    return visit.render(
        "settings/products.html", product=await products.of(visit.account.account_id), terms=products.terms
    )


async def show_terms(visit: Visit) -> Response:
    """The terms, to be accepted or not."""
    return visit.render("settings/terms.html", terms=visit.store.identity.products.terms)


async def enable(visit: Visit) -> Response:
    """Accept the terms that were shown, and have the product."""
    products = visit.store.identity.products
    version = visit.field("version")
    visit.audit(target="B2 Cloud Storage", terms=version)
    try:
        await products.enable(visit.account.account_id, version)
    except InvalidRequest as error:
        return visit.render("settings/terms.html", status=422, terms=products.terms, errors={"terms": said(error)})
    return visit.redirect("/settings/products", notice="b2-enabled")


async def show_disable(visit: Visit) -> Response:
    """What disabling means."""
    return visit.render("settings/disable.html")


async def disable(visit: Visit) -> Response:
    """Have the product no more."""
    try:
        await visit.store.identity.products.disable(visit.account.account_id)
    except BucketNotEmpty as error:
        return visit.render("settings/disable.html", status=422, errors={"buckets": said(error)})
    return visit.redirect("/settings/products", notice="b2-disabled")
