"""Handing mail to a real SMTP server: with and without TLS, with a password, and where it fails."""

from __future__ import annotations

import ssl

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword

from harness.asynchronous import asynchronous
from harness.certificates import make_certificates
from harness.mail_server import serving_mail
from undercroft.outgoing.mail import Mail, MailError, SMTPMailer, SMTPServer

LETTER = Mail("somebody@example.com", "A question", "Öffnen Sie dies:\n\nhttps://console.example/reset-password/abc\n")
USER, PASSWORD = "console", "s3cret of the mail server"


def knows(server, session, envelope, mechanism, auth_data):
    right = isinstance(auth_data, LoginPassword) and auth_data == LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=right)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def tls(certificates):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.cert_file, certificates.key_file)
    return context


def server_at(port, **options):
    return SMTPServer("127.0.0.1", port, **{"is_tls": False, "is_local": True, **options})


@asynchronous
async def test_a_letter_arrives_as_it_was_written():
    with serving_mail() as (box, port):
        await SMTPMailer(server_at(port), "Console <console@example.com>").send(LETTER)
    [(sender, recipients, _, message)] = box.mails
    assert (sender, recipients) == ("console@example.com", [LETTER.to])
    assert (message["Subject"], message["Auto-Submitted"]) == (LETTER.subject, "auto-generated")
    assert message.get_content().split() == LETTER.text.split()


@asynchronous
async def test_a_password_is_given_over_tls_that_is_there_from_the_start_or_begun(certificates):
    for options, is_tls in (
        ({"tls_context": tls(certificates), "auth_required": True}, False),
        ({"ssl_context": tls(certificates), "auth_require_tls": False}, True),
    ):
        with serving_mail(authenticator=knows, **options) as (box, port):
            server = server_at(port, is_tls=is_tls, is_local=False, user=USER, password=PASSWORD)
            await SMTPMailer(server, "console@example.com", certificates.ca_file).send(LETTER)
        [(_, _, was_encrypted, _)] = box.mails
        assert was_encrypted


@asynchronous
async def test_a_password_does_not_leave_unencrypted_for_another_machine(certificates):
    with serving_mail(authenticator=knows, auth_require_tls=False) as (box, port):
        server = server_at(port, is_local=False, user=USER, password=PASSWORD)
        with pytest.raises(MailError) as refused:
            await SMTPMailer(server, "console@example.com").send(LETTER)
    assert box.mails == []
    assert PASSWORD not in str(refused.value)


@asynchronous
async def test_a_certificate_of_nobodys_is_not_believed(certificates):
    with serving_mail(ssl_context=tls(certificates)) as (box, port):
        with pytest.raises(MailError):
            await SMTPMailer(server_at(port, is_tls=True, is_local=False), "console@example.com").send(LETTER)
        assert box.mails == []


@asynchronous
async def test_what_the_server_refuses_and_nobody_answering_are_the_same_error():
    with serving_mail() as (box, port):
        box.refuses = True
        with pytest.raises(MailError, match="Not from you"):
            await SMTPMailer(server_at(port), "console@example.com").send(LETTER)
    with pytest.raises(MailError):
        await SMTPMailer(server_at(port), "console@example.com").send(LETTER)


@asynchronous
async def test_an_address_brings_no_header_of_its_own():
    with pytest.raises((MailError, ValueError)):
        await SMTPMailer(server_at(1), "console@example.com").send(LETTER._replace(to="a@b.c\nBcc: d@e.f"))


@pytest.mark.parametrize("address", ["a@[", "=?utf-8?q?a=0ab?=@example.com", "root,b@example.com", "(@x"])
@asynchronous
async def test_an_address_that_no_mail_can_go_to_is_an_error_of_mail_and_no_other(address):
    with pytest.raises(MailError, match="not an address"):
        await SMTPMailer(server_at(1), "console@example.com").send(LETTER._replace(to=address))
