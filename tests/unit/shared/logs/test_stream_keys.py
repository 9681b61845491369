"""Key names: what ACLs, clusters and people at a redis-cli rely on."""

from __future__ import annotations

from shared.logs.stream_keys import StreamKeys


def test_every_key_of_a_shard_has_its_hash_tag() -> None:
    """One Lua script touches them all, and in a Redis Cluster it may only if they are on one node."""
    keys = StreamKeys(3)
    named = [value for name, value in vars(keys).items() if name not in {"prefix", "shard"}]
    named += [keys.snapshot("ACME"), keys.staged(keys.checkpoint, "7-1"), keys.staged(keys.accounts, "7-1")]
    assert all(key.startswith("oo:{3}:") for key in named)
    assert len(set(named)) == len(named)


def test_the_names_are_the_documented_ones() -> None:
    keys = StreamKeys()
    assert (keys.commands, keys.feed, keys.snapshot("ACME")) == (
        "oo:{0}:commands",
        "oo:{0}:feed",
        "oo:{0}:snapshot:ACME",
    )
