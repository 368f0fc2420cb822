"""Letters to the people of accounts, where the operator has set up mail.

They leave in the background: nobody waits for a mail server, and nobody learns from the time of an answer whether a letter was
sent, but for whoever has to know because nobody else gets to. What cannot be handed over is logged, and has to be asked for again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import structlog

from undercroft import limits
from undercroft.outgoing.mail import Mail, Mailer, MailError

_log = structlog.get_logger(__name__)
_FOOT = "\n\n-- \nUndercroft\n{origin}\n"


class Letters:
    """Writes letters. `origin` is the console's URL as the operator set it: never what a request says it is."""

    def __init__(self, mailer: Mailer | None, origin: str) -> None:
        self._mailer = mailer
        self._origin = origin
        self._leaving: set[asyncio.Task[None]] = set()

    @property
    def can_be_sent(self) -> bool:
        """Whether there is a way for mail at all."""
        return self._mailer is not None

    def reset_password(self, email: str, secret: str) -> None:
        """The link for a forgotten password."""
        self._send(
            email,
            "Reset your password",
            f"Somebody, probably you, asked to reset the password of {email}.\n\n"
            f"Open this link within {limits.RESET_LINK_VALID_S // 60} minutes. It works once.\n\n"
            f"{self._origin}/reset-password/{secret}\n\n"
            "If it was not you, do nothing: your password stays as it is.",
        )

    def password_changed(
        self, email: str, *, passkeys_stay: Sequence[str] = (), passkeys_gone: Sequence[str] = ()
    ) -> None:
        """Word of another password, and of the passkeys that stay or were removed with it."""
        gone = f"These passkeys were removed: {_quoted(passkeys_gone)}.\n\n" if passkeys_gone else ""
        stay = f"These passkeys still sign in without it: {_quoted(passkeys_stay)}.\n\n" if passkeys_stay else ""
        self._send(
            email,
            "Your password was changed",
            f"The password of {email} was changed, and you were signed out everywhere else.\n\n{gone}{stay}"
            f"If it was not you, reset it at once, and remove what you do not know: {self._origin}/forgot-password",
        )

    def confirm_email(self, email: str, old_email: str, secret: str) -> None:
        """The link by which an account gets another address, to the new one."""
        self._send(
            email,
            "Confirm your e-mail address",
            f"Somebody, probably you, wants the account of {old_email} to have this address, {email}, from now on.\n\n"
            f"Open this link within {limits.NEW_EMAIL_LINK_VALID_S // 60} minutes, signed in to that account. It works once.\n\n"
            f"{self._origin}/settings/email/{secret}\n\n"
            "If it was not you, do nothing: nothing changes.",
        )

    def email_is_taken(self, email: str) -> None:
        """Word to somebody whose address another account wants."""
        self._send(
            email,
            "Your e-mail address was given for another account",
            f"Somebody, probably you, wants another account to have the address {email}, which has an account already.\n\n"
            f"Nothing has changed. Two accounts cannot have one address.\n\nSign in: {self._origin}/sign-in",
        )

    def email_change_asked(self, email: str, new_email: str) -> None:
        """Word to the address that an account has, that another is to take its place."""
        self._send(
            email,
            "Your e-mail address is to be changed",
            f"Somebody, probably you, wants the account of {email} to have the address {new_email}. It will, once a link "
            "that was sent there has been opened.\n\n"
            f"If it was not you, reset your password at once, which ends the link: {self._origin}/forgot-password",
        )

    def email_changed(self, old_email: str, new_email: str) -> None:
        """Word of another e-mail address, to the old one."""
        self._send(
            old_email,
            "Your e-mail address was changed",
            f"The account of {old_email} now has the address {new_email}.\n\n"
            "If it was not you, tell the operator of this installation at once.",
        )

    def second_factor_changed(self, email: str, *, enabled: bool) -> None:
        """Word of two-factor verification having been switched on or off."""
        self._send(
            email,
            f"Two-factor verification is {'on' if enabled else 'off'}",
            f"Two-factor verification was switched {'on' if enabled else 'off'} for {email}.\n\n"
            f"If it was not you, reset your password at once: {self._origin}/forgot-password",
        )

    def passkeys_changed(self, email: str, name: str, *, added: bool) -> None:
        """Word of a passkey more, or one less."""
        self._send(
            email,
            "A passkey was added" if added else "A passkey was removed",
            f'The passkey "{name}" was {"added to" if added else "removed from"} the account of {email}.\n\n'
            "If it was not you, look at your passkeys under My Settings, Security, and reset your password at once: "
            f"{self._origin}/forgot-password. A new password ends every session, but no passkey.",
        )

    def invitation(self, email: str, secret: str) -> None:
        """The link by which somebody signs up."""
        self._send(email, *self._invitation(secret))

    async def invitation_now(self, email: str, secret: str) -> bool:
        """The same; whether the letter was handed over. The operator waits for that, who has to give the link away where it was not."""
        return await self._sent_now(email, *self._invitation(secret))

    def _invitation(self, secret: str) -> tuple[str, str]:
        return (
            "Your account",
            f"Open this link within {limits.INVITATION_VALID_S // 86_400} days to make your account. It works once.\n\n"
            f"{self._origin}/sign-up/{secret}",
        )

    async def membership(self, email: str, owner_email: str, secret: str) -> bool:
        """The link by which somebody becomes a member of another's account; whether the letter was handed over.

        The owner waits for that, who has to give the link to the person where it was not.
        """
        return await self._sent_now(
            email,
            f"{owner_email} invites you",
            f"{owner_email} invites you to work in their account. Open this link within"
            f" {limits.INVITATION_VALID_S // 86_400} days. It works once.\n\n{self._origin}/join/{secret}",
        )

    def confirm_alerts(self, address: str, owner_email: str, secret: str) -> None:
        """The link by which an address says that it wants to be told of an account's alerts."""
        self._send(
            address,
            f"Do you want the alerts of {owner_email}?",
            f"{owner_email} wants alerts about their storage sent to this address, {address}: when a cap is nearly reached, "
            "and before an application key expires.\n\n"
            f"If you want them, open this link within {limits.INVITATION_VALID_S // 86_400} days. It works once.\n\n"
            f"{self._origin}/alerts/confirm/{secret}\n\n"
            "If not, do nothing: none is sent.",
        )

    def known_already(self, email: str) -> None:
        """Word to somebody who signs up, and has an account."""
        self._send(
            email,
            "You have an account already",
            f"Somebody, probably you, wanted to sign up as {email}, which has an account.\n\n"
            f"Sign in: {self._origin}/sign-in\nForgotten your password? {self._origin}/forgot-password",
        )

    async def hand_over(self, to: str, subject: str, text: str, *, page: str, way_out: str = "") -> None:
        """Hand a letter over now, for whoever sends it again if that fails; it ends with the way to a page of the console.

        `way_out` is the secret of a link by which its reader gets no more of these. Raises `MailError`, which is logged already.
        """
        assert self._mailer is not None
        end = f"\n\nNo more of these letters: {self._origin}/alerts/unsubscribe/{way_out}" if way_out else ""
        await _hand_over(self._mailer, self._mail(to, subject, f"{text}\n\n{self._origin}{page}{end}"))

    async def _sent_now(self, to: str, subject: str, text: str) -> bool:
        if self._mailer is None:
            return False
        try:
            await _hand_over(self._mailer, self._mail(to, subject, text))
        except MailError:  # It is logged.
            return False
        return True

    async def sent(self) -> None:
        """Wait until every letter is handed over or given up."""
        if self._leaving:
            await asyncio.wait(self._leaving)

    def _send(self, to: str, subject: str, text: str) -> None:
        if self._mailer is None:
            return
        if len(self._leaving) >= limits.MAILS_WAITING_MAX:
            _log.warning("mail_dropped", subject=subject, waiting=len(self._leaving))
            return
        task = asyncio.create_task(_try_to_hand_over(self._mailer, self._mail(to, subject, text)))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    def _mail(self, to: str, subject: str, text: str) -> Mail:
        return Mail(to, f"{subject} (Undercroft)", text + _FOOT.format(origin=self._origin))


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


async def _hand_over(mailer: Mailer, mail: Mail) -> None:
    try:
        await mailer.send(mail)
    except MailError as error:
        _log.warning("mail_not_sent", subject=mail.subject, error=str(error))
        raise


async def _try_to_hand_over(mailer: Mailer, mail: Mail) -> None:
    with suppress(MailError):  # It is logged, and has to be asked for again.
        await _hand_over(mailer, mail)
