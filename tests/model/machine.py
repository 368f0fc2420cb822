"""The state machine: all rules together."""

from __future__ import annotations

from hypothesis.stateful import initialize

from model.account_rules import AccountRules
from model.cast import OWNER, flags
from model.file_rules import FileRules
from model.large_file_rules import LargeFileRules
from model.listing_rules import ListingRules
from model.lock_rules import LockRules


class Machine(AccountRules, FileRules, LargeFileRules, ListingRules, LockRules):
    """A subclass says by which way to Undercroft, and in which dialects."""

    @initialize(public=flags, locks=flags)
    def begin(self, public: bool, locks: bool) -> None:
        self.model.default_sse = self.driver.default_sse
        for account, key_id, capabilities in self.driver.begin():
            self.model.add_account(account, key_id, capabilities)
            self.accounts.append(key_id)
        self._create_bucket(self.accounts[OWNER], 0, public, {}, s3=False)
        if locks:
            self.both("lock_bucket", self.accounts[OWNER], False, bucket=self.a_bucket(0))
