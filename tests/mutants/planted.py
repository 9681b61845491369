"""Faults planted by hand: a line of a program, what stands there instead, and the quick tests that must see it.

Owns the form and the list. They are for what generated mutants do not reach: the shells, publish.lua, and rules whose
breach takes several lines. The text that is replaced must stand in its file exactly once; where it does not, the
program has changed, and the fault must be planted anew.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Planted(NamedTuple):
    """One fault."""

    what: str
    """What is wrong with it, as one would tell it."""
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    """At least one of them fails; as pytest takes them."""

    def planted_in(self, text: str) -> str:
        """
        Return a file's text with the fault.

        Raises:
            ValueError: If the text to be replaced does not stand there exactly once.
        """
        found = text.count(self.old)
        if found != 1:
            raise ValueError(f"{self.what}: its text stands {found} times in {self.file}; plant it anew")
        return text.replace(self.old, self.new)


_ENGINE: Final = "services/matching/engine.py"
_GATEWAY: Final = "services/gateway/gateway.py"
_SERVICE: Final = "services/gateway/fan_out.py"
_LEADER: Final = "services/matching/aio/leader.py"
_SCRIPT: Final = "services/matching/aio/publish.lua"
_LEASE: Final = "services/matching/aio/lease.py"
_ACCOUNTS: Final = "services/matching/accounts"
_PROOF: Final = "services/ledger/proof"
_QUERIES: Final = "services/ledger/queries"
_UNIT: Final = "tests/unit/services"
_SHELLS: Final = "tests/integration"
_SIMULATION: Final = "tests/simulation"

PLANTED: Final = (
    Planted(
        "a user cancels another's order by its order_id",
        _ENGINE,
        "        return account, account.find(command.order_id, command.client_order_id)\n",
        "        found = account.find(command.order_id, command.client_order_id)\n"
        "        books = [each.book for each in self.instruments.values() if command.order_id in each.book.orders]\n"
        "        return account, found or (books[0].orders[command.order_id] if books else None)\n",
        (f"{_UNIT}/matching/test_others_orders.py",),
    ),
    Planted(
        "a user replaces another's order by its order_id",
        _ENGINE,
        "        account, order = self._find(command)\n        if account is None or order is None:\n"
        "            return _outcome(command, not_found(command), command.order_id)\n"
        "        market = self.instruments[order.instrument]\n        price",
        "        books = [each.book for each in self.instruments.values() if command.order_id in each.book.orders]\n"
        "        account, order = self._find(command)\n"
        "        order = order or (books[0].orders[command.order_id] if books else None)\n"
        "        if account is None or order is None:\n"
        "            return _outcome(command, not_found(command), command.order_id)\n"
        "        market = self.instruments[order.instrument]\n        price",
        (f"{_UNIT}/matching/test_others_orders.py",),
    ),
    Planted(
        "the snapshot schedule forgets statuses",
        "services/matching/recovery/snapshot_schedule.py",
        "    symbols.update(dict.fromkeys(status.instrument for status in packet.statuses "
        "if status.instrument is not None))\n",
        "",
        (f"{_UNIT}/matching/recovery/test_snapshot_schedule.py",),
    ),
    Planted(
        "one gateway's Present makes another gateway's users absent",
        "services/matching/presence.py",
        "        for user in users:\n",
        "        self._seen.update({user: tick - 10**6 for user, tick in self._seen.items() if user not in users})\n"
        "        for user in users:\n",
        (f"{_UNIT}/matching/test_cancel_on_disconnect.py",),
    ),
    Planted(
        "a rejected order's id counts as used",
        _ENGINE,
        "        self.execution(account, _REJECTED, order, 0, reason=refusal.code)\n",
        "        self.client_order_ids.add(account, order.client_order_id, self.last_order_id + 1)\n"
        "        self.execution(account, _REJECTED, order, 0, reason=refusal.code)\n",
        (f"{_UNIT}/matching/test_others_orders.py",),
    ),
    Planted(
        "a window is kept over a new epoch",
        "services/gateway/channel.py",
        "        self._windows.pop(symbol, None)\n",
        "",
        (f"{_UNIT}/gateway/test_fan_out.py",),
    ),
    Planted(
        "a slow user's owed bytes are never reset while it keeps up",
        "services/gateway/subscriber.py",
        "        if not unsent:\n            self.owed_bytes = 0\n",
        "",
        (f"{_UNIT}/gateway/test_fan_out.py",),
    ),
    Planted(
        "a slow user's owed bytes are never reset when it has drained",
        _SERVICE,
        "        subscriber.lagging_since = None\n        subscriber.owed_bytes = 0\n",
        "        subscriber.lagging_since = None\n",
        (f"{_UNIT}/gateway/test_fan_out.py",),
    ),
    Planted(
        "one that has drained is told everything in one turn",
        "services/gateway/catch_up.py",
        "            if number == CHANNELS_A_PART or rows >= WHOLE_ROWS_MAX:\n",
        "            if False:\n",
        (f"{_UNIT}/gateway/test_resuming.py",),
    ),
    Planted(
        "one that lags again between two parts is told the same ones first",
        _SERVICE,
        "        if len(told) < len(subscriber.channels):  # those",
        "        if False:  # those",
        (f"{_UNIT}/gateway/test_resuming.py",),
    ),
    Planted(
        "one that lags again between two parts goes on hearing changes",
        "services/gateway/subscriber.py",
        "LagVerdict.LAGS_AGAIN if self.is_resuming and unsent",
        "LagVerdict.LAGS if self.is_resuming and unsent",
        (f"{_UNIT}/gateway/test_resuming.py",),
    ),
    Planted(
        "kept trades are not cleared by a load",
        "services/gateway/replica.py",
        "            self.trades.clear()  # what is kept must be contiguous\n",
        "            pass\n",
        (f"{_UNIT}/gateway/test_replica.py",),
    ),
    Planted(
        "the cached snapshot of a channel ignores the epoch",
        "services/gateway/channel.py",
        " or held.epoch != instrument.book.epoch",
        "",
        (f"{_UNIT}/gateway/test_fan_out.py",),
    ),
    Planted(
        "idle shares are never forgotten",
        _GATEWAY,
        "            self._shares = {user: share for user, share in self._shares.items() if share.connections}\n",
        "            pass\n",
        (f"{_UNIT}/gateway/test_gateway.py",),
    ),
    Planted(
        "all shares are forgotten with the idle ones",
        _GATEWAY,
        "            self._shares = {user: share for user, share in self._shares.items() if share.connections}\n",
        "            self._shares = {}\n",
        (f"{_UNIT}/gateway/test_gateway.py",),
    ),
    Planted(
        "nothing is read back for healing at start",
        "services/matching/aio/recovery/store_recovery.py",
        "        return kept if previous == last_id else KeptPackets()\n",
        "        return KeptPackets()\n",
        (f"{_SHELLS}/test_leader.py::test_what_an_earlier_leader_published_can_be_healed",),
    ),
    Planted(
        "the descriptor is kept while bytes are unsent",
        "services/gateway/aio/connection.py",
        "NO_DESCRIPTOR if self._is_behind else self._descriptor",
        "self._descriptor",
        (f"{_SHELLS}/test_gateway.py::test_nothing_is_written_past_what_is_unsent",),
    ),
    Planted(
        "the lease is released though another holds it",
        _LEASE,
        "~= ARGV[1] then return 0 end\\nreturn redis.call('DEL'",
        "== '' then return 0 end\\nreturn redis.call('DEL'",
        (f"{_SHELLS}/test_lease.py",),
    ),
    Planted(
        "the lease is renewed though another holds it",
        _LEASE,
        "~= ARGV[1] then return 0 end\\nreturn redis.call('PEXPIRE'",
        "== '' then return 0 end\\nreturn redis.call('PEXPIRE'",
        (f"{_SHELLS}/test_lease.py",),
    ),
    Planted(
        "a READONLY primary keeps its connections",
        "services/matching/aio/publisher.py",
        "            await self.hang_up()\n            raise RedisConnectionError(",
        "            raise RedisConnectionError(",
        (f"{_SHELLS}/test_publish.py::test_a_primary_that_has_become_a_replica_is_left",),
    ),
    Planted(
        "a failed checkpoint is not made up for",
        _LEADER,
        "        if self.checkpoints.has_failed:\n            self._schedule.everything()\n",
        "",
        (f"{_SHELLS}/test_leader.py::test_a_checkpoint_that_failed_is_made_up_for_with_the_next_packet",),
    ),
    Planted(
        "a checkpoint under way is not abandoned when the leader stores one itself",
        _LEADER,
        "        self.checkpoints.abandon()\n",
        "",
        (f"{_SHELLS}/test_leader.py::test_a_checkpoint_under_way_is_abandoned_once_the_leader_has_stored_one_itself",),
    ),
    Planted(
        "a staged checkpoint is not abandoned",
        "services/matching/aio/recovery/checkpoint_writer.py",
        "        self._ready = None\n        self.has_failed = False\n",
        "        self.has_failed = False\n",
        (f"{_SHELLS}/test_checkpoint_writer.py::test_one_that_waits_and_is_abandoned_is_never_ready",),
    ),
    Planted(
        "a failed checkpoint stays failed for ever",
        "services/matching/aio/recovery/checkpoint_writer.py",
        "        self._ready = None\n        self.has_failed = False\n",
        "        self._ready = None\n",
        (f"{_SHELLS}/test_leader.py::test_a_checkpoint_that_failed_is_made_up_for_with_the_next_packet",),
    ),
    Planted(
        "the reader goes on from where it was after a rewind",
        "services/matching/aio/service.py",
        "await self._reader.begin_anew(leader.engine.log_id)\n                    return\n",
        "return\n",
        (f"{_SIMULATION}/test_scenarios.py",),
    ),
    Planted(
        "the listing is not compared",
        "services/gateway/aio/feed_reader.py",
        "        if same_listing != listing_data:\n",
        "        if False:\n",
        (f"{_SHELLS}/test_feed_reader.py::test_snapshots_of_a_listing_that_grew_meanwhile_are_not_taken",),
    ),
    Planted(
        "a shutdown stores nothing",
        "services/matching/aio/service.py",
        "                await leader.finish()\n",
        "",
        (f"{_SIMULATION}/test_scenarios.py",),
    ),
    Planted(
        "a shutdown keeps the lease",
        "services/matching/aio/service.py",
        "                await self._lease.release()\n",
        "",
        (f"{_SIMULATION}/test_scenarios.py",),
    ),
    Planted(
        "a batch given up is queued again",
        "services/gateway/aio/command_appender.py",
        "        if not may_be_in:\n            self._orders.withdraw(commands)\n",
        "        self._orders._queue.extendleft(reversed(commands))\n",
        (f"{_SHELLS}/test_command_appender.py",),
    ),
    Planted(
        "publish.lua does not look at the lease",
        _SCRIPT,
        "if type(holder) == 'string' and holder ~= leader then",
        "if false then",
        (f"{_SHELLS}/test_publish.py",),
    ),
    Planted(
        "publish.lua does not compare",
        _SCRIPT,
        "if last ~= predecessor then\n  local last_term",
        "if false then\n  local last_term",
        (f"{_SHELLS}/test_publish.py",),
    ),
    Planted(
        "publish.lua knows every store",
        _SCRIPT,
        "if store ~= known_store then",
        "if false then",
        (f"{_SHELLS}/test_publish.py",),
    ),
    Planted(
        "publish.lua forgets the checkpoint in a minute",
        _SCRIPT,
        "  redis.call('PERSIST', newest)\n",
        "",
        (f"{_SHELLS}/test_publish.py",),
    ),
    Planted(
        "publish.lua takes no lease",
        _SCRIPT,
        "redis.call('SET', KEYS[1], leader, 'PX', lease_ms)\n",
        "",
        (f"{_SHELLS}/test_publish.py",),
    ),
    Planted(
        "healing stores no checkpoint",
        _LEADER,
        "        self.rewound = True\n        self._store_everything(publication)\n",
        "        self.rewound = True\n",
        (f"{_SHELLS}/test_leader.py::test_healing_stores_a_checkpoint_of_what_the_log_lost",),
    ),
    Planted(
        "a term is not above what was seen",
        _LEASE,
        "math.max(last, tonumber(ARGV[1]))",
        "last",
        (f"{_SHELLS}/test_lease.py",),
    ),
    Planted(
        "a standby replaces a history that went on without it",
        "services/matching/aio/takeover.py",
        "        if last_id < shadow.feed_id and last_id.position > shadow.feed_id.position:\n",
        "        if False:\n",
        (f"{_SHELLS}/test_leader.py::test_a_standby_does_not_replace_a_history_that_went_on_without_it",),
    ),
    Planted(
        "an order that is carried out does not keep its user's holding",
        f"{_ACCOUNTS}/funded_account.py",
        "        holding.orders += 1  # resting or not",
        "        holding.orders += rests  # resting or not",
        (f"{_UNIT}/matching/accounts/test_reservation.py",),
    ),
    Planted(
        "a market order is worth what the reference says, however it would trade",
        f"{_ACCOUNTS}/accounting.py",
        "            return max(reference * quantity, cost)\n",
        "            return reference * quantity\n",
        (f"{_UNIT}/matching/accounts/test_limits.py",),
    ),
    Planted(
        "an ask is worth its own limit alone",
        f"{_ACCOUNTS}/accounting.py",
        "            or (order.side is not _BID and reference * quantity > gate.notional_max)\n",
        "",
        (f"{_UNIT}/matching/accounts/test_limits.py",),
    ),
    Planted(
        "the exchange's two accounts give 2^63-1 each",
        f"{_ACCOUNTS}/accounting.py",
        "SYSTEM_ACCOUNTS else SYSTEM_ACCOUNTS\n",
        "SYSTEM_ACCOUNTS else (command.debit,)\n",
        (f"{_UNIT}/matching/accounts/test_transfers.py",),
    ),
    Planted(
        "the collar stays around the first reference",
        f"{_ACCOUNTS}/accounting.py",
        "        if reference != gate.reference:\n            gate.refer(reference)\n",
        "        if not gate.reference:\n            gate.refer(reference)\n",
        (f"{_UNIT}/matching/accounts/test_edges_of_limits.py",),
    ),
    Planted(
        "a withdrawal ends bids of other currencies too",
        f"{_ACCOUNTS}/accounting.py",
        "        return [order for order in orders if instruments[order.instrument].instrument.currency == asset]\n",
        "        return orders\n",
        (f"{_UNIT}/matching/accounts/test_edges_of_limits.py",),
    ),
    Planted(
        "an account's gates outlive a change of its groups",
        f"{_ACCOUNTS}/administration.py",
        "            holding.gate = NOT_COMPILED\n",
        "            pass\n",
        (f"{_UNIT}/matching/accounts/test_edges_of_limits.py",),
    ),
    Planted(
        "users with one group in common share all limits",
        f"{_ACCOUNTS}/limits.py",
        '        key = (user if is_named else "", account.groups, market.symbol)\n',
        '        key = (user if is_named else "", account.groups[:1], market.symbol)\n',
        (f"{_UNIT}/matching/accounts/test_edges_of_limits.py",),
    ),
    Planted(
        "one administrator closes an instrument alone",
        f"{_ACCOUNTS}/proposals.py",
        "        return command.state is not MarketState.HALTED\n",
        "        return command.state is MarketState.OPEN\n",
        (f"{_UNIT}/matching/accounts/test_decisions.py",),
    ),
    Planted(
        "only the first action of a proposal is asked whether it needs two",
        f"{_ACCOUNTS}/decisions.py",
        "needs_two(each.command) or self._rules.loosens(each.command) for each in actions\n",
        "needs_two(each.command) or self._rules.loosens(each.command) for each in actions[:1]\n",
        (f"{_UNIT}/matching/accounts/test_decisions.py",),
    ),
    Planted(
        "a proposal is known by its actions but for their instruments",
        f"{_ACCOUNTS}/proposals.py",
        '{"list_instrument": 2, "set_market_state": 2}',
        '{"list_instrument": 3, "set_market_state": 3}',
        (f"{_UNIT}/matching/accounts/test_decisions.py",),
    ),
    Planted(
        "a proposal makes more actions wait than may",
        f"{_ACCOUNTS}/proposals.py",
        "        if self._open_actions + len(actions) > OPEN_ACTIONS_MAX:\n",
        "        if self._open_actions > OPEN_ACTIONS_MAX:\n",
        (f"{_UNIT}/matching/accounts/test_decisions.py",),
    ),
    Planted(
        "a leaf is hashed without its prefix, so a node can pass for one",
        f"{_PROOF}/merkle.py",
        '_LEAF: Final = b"\\x00"\n',
        '_LEAF: Final = b""\n',
        ("tests/property/test_merkle.py",),
    ),
    Planted(
        "a node is hashed as a leaf is",
        f"{_PROOF}/merkle.py",
        '_NODE: Final = b"\\x01"\n',
        '_NODE: Final = b"\\x00"\n',
        ("tests/property/test_merkle.py",),
    ),
    Planted(
        "siblings of a path are swapped",
        f"{_PROOF}/merkle.py",
        "            found = node_hash(sibling, found)\n",
        "            found = node_hash(found, sibling)\n",
        ("tests/property/test_merkle.py",),
    ),
    Planted(
        "heads of one block are never compared",
        f"{_PROOF}/merkle.py",
        "        return not path and old_root == new_root\n",
        "        return not path\n",
        ("tests/property/test_merkle.py",),
    ),
    Planted(
        "the chain value forgets the epoch",
        f"{_PROOF}/block_chain.py",
        "        return _LAYOUT.pack(_TAG, *self)\n",
        "        return _LAYOUT.pack(_TAG, *self._replace(epoch=0))\n",
        (f"{_UNIT}/ledger/test_block_chain.py",),
    ),
    Planted(
        "all histories have the same salts",
        f"{_PROOF}/salt.py",
        "_PLACE.pack(_PURPOSE, history, number)",
        "_PLACE.pack(_PURPOSE, 0, number)",
        (f"{_UNIT}/ledger/test_block_chain.py",),
    ),
    Planted(
        "a block goes on from the chain before it is committed",
        f"{_PROOF}/block_chain.py",
        "        self._ahead = sealed, ChainState(number, chain, growth.peaks), head\n",
        "        self._ahead = sealed, ChainState(number, chain, growth.peaks), head\n"
        "        self.state = self._ahead[1]\n",
        (f"{_UNIT}/ledger/test_block_chain.py",),
    ),
    Planted(
        "a receipt may be written in any way that means the same",
        f"{_PROOF}/proof_file.py",
        "    if data == canonical:\n        return\n",
        "    if data:\n        return\n",
        (f"{_UNIT}/ledger/test_receipt.py",),
    ),
    Planted(
        "an execution of one block is shown in another",
        f"{_PROOF}/receipt.py",
        '    if fields["history"] != facts.history or not',
        '    if fields["history"] == 0 and not',
        (f"{_UNIT}/ledger/test_receipt.py",),
    ),
    Planted(
        "a receipt adds up two people's executions",
        f"{_PROOF}/receipt.py",
        '        for name in ("user", "order_id"):\n',
        "        for name in ():\n",
        (f"{_UNIT}/ledger/test_receipt.py",),
    ),
    Planted(
        "a head may name any last block",
        f"{_PROOF}/receipt.py",
        "    if facts.number == head.number and chain != head.chain:\n",
        "    if False:\n",
        (f"{_UNIT}/ledger/test_receipt.py",),
    ),
    Planted(
        "everybody gets everybody's receipts",
        "services/ledger/aio/proof_api.py",
        "            visible(table, asked(read, identity, {}).viewer),\n",
        "",
        (f"{_SHELLS}/ledger/test_proof_api.py",),
    ),
    Planted(
        "a receipt is made of a row that was changed",
        f"{_PROOF}/block_chain.py",
        "nodes[place : place + 1] != [root_of(piece)]:\n",
        "not nodes:\n",
        (f"{_SHELLS}/ledger/test_proof_store.py",),
    ),
    Planted(
        "an auditor's WHERE for everybody",
        f"{_QUERIES}/viewer.py",
        "    return or_(own, of_instrument) if viewer.sees_all else own\n",
        "    return or_(own, of_instrument)\n",
        (f"{_UNIT}/ledger/queries/test_viewer.py",),
    ),
    Planted(
        "an entitlement hides nothing of what is public",
        f"{_QUERIES}/viewer.py",
        "    if viewer.instruments is None or not rule.instrument:\n",
        "    if not viewer.sees_all or viewer.instruments is None or not rule.instrument:\n",
        (f"{_SHELLS}/ledger/test_api_roles.py",),
    ),
    Planted(
        "a page begins with the last row of the one before",
        f"{_QUERIES}/record_query.py",
        "    return tuple_(*columns) < key if descending else tuple_(*columns) > key\n",
        "    return tuple_(*columns) <= key if descending else tuple_(*columns) >= key\n",
        (f"{_SHELLS}/ledger/test_api_pages.py",),
    ),
    Planted(
        "whoever bought and sold is told to everybody",
        f"{_QUERIES}/member.py",
        "    return tuple(member for member in shape if sees_all or not member.for_readers_of_all)\n",
        "    return tuple(member for member in shape if sees_all or member.name)\n",
        (f"{_SHELLS}/ledger/test_api_roles.py",),
    ),
    Planted(
        "a time is searched for up to the packet before it",
        f"{_QUERIES}/place_search.py",
        "            if found is None or found[1] >= time:\n",
        "            if found is None or found[1] > time:\n",
        (f"{_UNIT}/ledger/queries/test_place_search.py",),
    ),
    Planted(
        "nobody notices that whoever asked for an export has left",
        "services/ledger/aio/api_export.py",
        "                tasks.start_soon(_until_gone, receive, tasks.cancel_scope)\n",
        "",
        (f"{_SHELLS}/ledger/test_api_exports.py",),
    ),
    Planted(
        "a text that begins with = is a formula in a spreadsheet",
        f"{_QUERIES}/csv_file.py",
        "text and text[0] in _FIRST else",
        "text is False else",
        (f"{_SHELLS}/ledger/test_api_exports.py",),
    ),
    Planted(
        "the close of a candle is that of the trade that was read last",
        f"{_QUERIES}/candle_query.py",
        "        first, last = (self, later) if self.first_trade_id < later.first_trade_id else (later, self)\n",
        "        first, last = later, self\n",
        ("tests/property/test_candles_by_width.py",),
    ),
)
