"""The state machine: all rules together."""

from __future__ import annotations

from hypothesis.stateful import initialize

from model.account_rules import AccountRules
from model.cast import OWNER, flags
from model.file_rules import FileRules
from model.large_file_rules import LargeFileRules
from model.listing_rules import ListingRules


class Machine(AccountRules, FileRules, LargeFileRules, ListingRules):
    """A subclass says by which way to Undercroft, and in which dialects."""

    @initialize(public=flags)
    def begin(self, public: bool) -> None:
        for account, key_id, capabilities in self.driver.begin():
            self.model.add_account(account, key_id, capabilities)
            self.accounts.append(key_id)
        self._create_bucket(self.accounts[OWNER], 0, public, {}, s3=False)
