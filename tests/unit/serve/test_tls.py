"""Certificates."""

from __future__ import annotations

import shutil

import pytest

from undercroft.serve import tls
from undercroft.serve.exits import StartError


def test_a_usable_pair_makes_a_context(certificates):
    tls.make_context(certificates.cert_file, certificates.key_file)


def test_a_pair_that_does_not_belong_together_is_a_clear_error(certificates):
    with pytest.raises(StartError, match=r"^--tls-cert, --tls-key: "):
        tls.make_context(certificates.ca_file, certificates.key_file)


def test_files_that_are_no_certificates_are_a_clear_error(tmp_path, certificates):
    (tmp_path / "x").write_text("x")
    with pytest.raises(StartError, match="cannot be used"):
        tls.make_context(tmp_path / "x", certificates.key_file)


def test_a_reload_that_fails_leaves_the_old_pair(tmp_path, certificates):
    cert = tmp_path / "cert.pem"
    shutil.copy(certificates.cert_file, cert)
    context = tls.make_context(cert, certificates.key_file)
    cert.write_text("x")
    with pytest.raises(StartError):
        tls.reload(context, cert, certificates.key_file)
    shutil.copy(certificates.cert_file, cert)
    tls.reload(context, cert, certificates.key_file)
