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
