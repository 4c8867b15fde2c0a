"""Sealed columns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.store.crypto import Keyring, TamperedError


@given(st.text())
def test_what_is_sealed_opens_only_in_its_place(text: str) -> None:
    """Words sealed for one row do not open in another."""
    key, _ = Keyring(("a" * 20,)).new_data_key("c:1")
    sealed = key.seal(text, "row:1")

    assert text == key.open(sealed, "row:1")
    with pytest.raises(TamperedError):
        key.open(sealed, "row:2")


@given(st.integers(0, 40))
def test_an_altered_byte_is_refused(position: int) -> None:
    """Tampered data is refused, never read."""
    key, _ = Keyring(("a" * 20,)).new_data_key("c:1")
    sealed = bytearray(key.seal("quelques mots assez longs", "row:1"))
    sealed[position % len(sealed)] ^= 1

    with pytest.raises(TamperedError):
        key.open(bytes(sealed), "row:1")


def test_old_keys_open_and_new_ones_seal() -> None:
    """After a rotation what was sealed before still opens, and can be wrapped anew so that the old key may go."""
    old, both, new = Keyring(("o" * 20,)), Keyring(("n" * 20, "o" * 20)), Keyring(("n" * 20,))
    _, wrapped = old.new_data_key("c:1")
    address = old.seal_address("+33600000000", "contacts:1")

    assert "+33600000000" == both.open_address(address, "contacts:1")
    assert old.lookup_hashes("whatsapp", "x")[0] in both.lookup_hashes("whatsapp", "x")
    sealed = both.unwrap(wrapped, "c:1").seal("mot", "row:1")
    assert "mot" == new.unwrap(both.rewrap(wrapped, "c:1"), "c:1").open(sealed, "row:1")
    with pytest.raises(TamperedError):
        new.unwrap(wrapped, "c:1")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_sealed_address_opens_only_in_its_place(address: str) -> None:
    """Who wrote is sealed for one row: moved to another person's row, the address is refused."""
    keyring = Keyring(("a" * 20,))
    sealed = keyring.seal_address(address, "contacts:1")

    assert address == keyring.open_address(sealed, "contacts:1")
    with pytest.raises(TamperedError):
        keyring.open_address(sealed, "contacts:2")


def test_a_conversation_key_moved_or_cut_short_is_refused() -> None:
    """One conversation's key does not open in another's row, and half a value is refused like an altered one."""
    keyring = Keyring(("a" * 20,))
    key, wrapped = keyring.new_data_key("c:1")
    sealed = key.seal("mot", "row:1")

    for place, value in (("c:2", wrapped), ("c:1", wrapped[:-1]), ("c:1", b""), ("c:1", wrapped[:4])):
        with pytest.raises(TamperedError):
            keyring.unwrap(value, place)
    for length in range(len(sealed)):
        with pytest.raises(TamperedError):
            key.open(sealed[:length], "row:1")


@given(st.integers(0, 200))
def test_an_altered_address_is_refused(position: int) -> None:
    """An answer never goes to an address somebody changed, the name of the key included."""
    keyring = Keyring(("a" * 20, "b" * 20))
    sealed = bytearray(keyring.seal_address("+33600000000", "contacts:1"))
    sealed[position % len(sealed)] ^= 1

    with pytest.raises(TamperedError):
        keyring.open_address(bytes(sealed), "contacts:1")


def test_two_conversations_share_no_key_and_no_seal() -> None:
    """Destroying one conversation's key erases that one alone, and equal words do not look equal."""
    keyring = Keyring(("a" * 20,))
    (first, _), (second, _) = keyring.new_data_key("c:1"), keyring.new_data_key("c:2")
    sealed = first.seal("mot", "row:1")

    assert sealed != first.seal("mot", "row:1")
    with pytest.raises(TamperedError):
        second.open(sealed, "row:1")


def test_an_address_is_looked_up_without_being_readable() -> None:
    """Look-up hashes depend on the secret, the channel and the address, and the current key's comes first (P14)."""
    both, new = Keyring(("n" * 20, "o" * 20)), Keyring(("n" * 20,))
    hashes = both.lookup_hashes("whatsapp", "+33600000000")

    assert 2 == len(set(hashes))
    assert new.lookup_hashes("whatsapp", "+33600000000") == hashes[:1]
    assert not {*hashes} & {*both.lookup_hashes("telegram", "+33600000000")}
    assert not {*hashes} & {*both.lookup_hashes("whatsapp", "+33600000001")}
    assert not any(b"600000000" in item for item in hashes)


def test_a_keyring_without_a_key_is_refused() -> None:
    """Nothing is ever stored unsealed for want of a key."""
    with pytest.raises(ValueError, match="at least one secret key"):
        Keyring(())
