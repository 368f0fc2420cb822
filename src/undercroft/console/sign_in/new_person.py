"""What is wrong with what somebody says who makes an account: address, password and name, each asked of the store by itself."""

from __future__ import annotations

from undercroft.console.faults import Faults
from undercroft.store.identity.accounts import checked_email, checked_name
from undercroft.store.identity.password_rules import check_new_password

_FIELDS = {"email": "email", "password": "password", "name": "name"}


async def faults_of_person(email: str, password: str, name: str = "") -> Faults:
    """The faults of the three. Whether there is an account of the address is for the store to say."""
    faults = Faults(_FIELDS, "email")
    with faults.gathered():
        checked_email(email)
    with faults.gathered():
        await check_new_password(password, email, name)
    with faults.gathered():
        checked_name(name)
    return faults
