"""Keys and sealed columns: who wrote is sealed apart from what was written, and each conversation has its own key.

Sealed value: 4 bytes naming the secret key, 12 bytes nonce, AES-256-GCM ciphertext with tag. The place a value belongs to
(table, column, row) is authenticated with it, so that a sealed value moved to another row is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12
_NAME = 4


class TamperedError(Exception):
    """A sealed value does not open: altered, moved to another row, or sealed with a key we do not hold."""


@dataclass(frozen=True)
class _Subkeys:
    name: bytes
    identity: AESGCM
    wrapping: AESGCM
    lookup: bytes


class Keyring:
    """The secret keys of the installation, newest first; each gives separate keys for addresses, wrapping and look-up."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        if not secrets:
            raise ValueError("a keyring needs at least one secret key")
        self._keys = tuple(_derive(secret) for secret in secrets)
        self._by_name = {keys.name: keys for keys in self._keys}

    def lookup_hashes(self, channel: str, address: str) -> tuple[bytes, ...]:
        """The keyed hashes an address may be stored under, the current key's first (P14)."""
        message = f"{channel}\0{address}".encode()
        return tuple(hmac.digest(keys.lookup, message, "sha256") for keys in self._keys)

    def seal_address(self, address: str, place: str) -> bytes:
        """An address, sealed with the identity key."""
        return self._keys[0].name + _seal(self._keys[0].identity, address.encode(), place)

    def open_address(self, sealed: bytes, place: str) -> str:
        """The address sealed in `sealed`; TamperedError when it does not open."""
        return _open(self._named(sealed).identity, sealed[_NAME:], place).decode()

    def lookup_hash(self, kind: str, value: str) -> bytes:
        """A keyed hash under the current key, for what is only ever compared for a short while (sign-in attempts)."""
        return hmac.digest(self._keys[0].lookup, f"{kind}\0{value}".encode(), "sha256")

    def seal_secret(self, secret: str, place: str) -> bytes:
        """A secret of ours (the second factor of an account), sealed with the wrapping key."""
        return self._keys[0].name + _seal(self._keys[0].wrapping, secret.encode(), place)

    def open_secret(self, sealed: bytes, place: str) -> str:
        """The secret sealed in `sealed`; TamperedError when it does not open."""
        return _open(self._named(sealed).wrapping, sealed[_NAME:], place).decode()

    def is_current(self, sealed: bytes) -> bool:
        """Whether a sealed address, secret or wrapped key was sealed with the key that encrypts now."""
        return sealed[:_NAME] == self._keys[0].name

    def new_data_key(self, place: str) -> tuple[DataKey, bytes]:
        """A fresh key for one conversation, and the same key wrapped for storage. Destroying the wrapped key erases."""
        raw = AESGCM.generate_key(256)
        return DataKey(raw), self._keys[0].name + _seal(self._keys[0].wrapping, raw, place)

    def unwrap(self, wrapped: bytes, place: str) -> DataKey:
        """The conversation's key."""
        return DataKey(_open(self._named(wrapped).wrapping, wrapped[_NAME:], place))

    def rewrap(self, wrapped: bytes, place: str) -> bytes:
        """The same conversation key, wrapped with the current secret key."""
        raw = _open(self._named(wrapped).wrapping, wrapped[_NAME:], place)
        return self._keys[0].name + _seal(self._keys[0].wrapping, raw, place)

    def _named(self, sealed: bytes) -> _Subkeys:
        keys = self._by_name.get(sealed[:_NAME])
        if keys is None:
            raise TamperedError("sealed with a key that is not in SECRET_KEYS")
        return keys


class DataKey:
    """The key of one conversation: seals its texts, notes and engine state."""

    def __init__(self, raw: bytes) -> None:
        self._cipher = AESGCM(raw)

    def seal(self, text: str, place: str) -> bytes:
        """`text`, sealed for `place` (table.column:row)."""
        return _seal(self._cipher, text.encode("utf-8", "surrogatepass"), place)

    def open(self, sealed: bytes, place: str) -> str:
        """The text sealed for `place`; TamperedError when it does not open."""
        return _open(self._cipher, sealed, place).decode("utf-8", "surrogatepass")


def _derive(secret: str) -> _Subkeys:
    def subkey(info: bytes) -> bytes:
        return HKDF(algorithm=hashes.SHA256(), length=32, salt=b"relais", info=info).derive(secret.encode())

    name = hashlib.sha256(b"relais key name\0" + subkey(b"name")).digest()[:_NAME]
    return _Subkeys(name, AESGCM(subkey(b"identity")), AESGCM(subkey(b"wrapping")), subkey(b"lookup"))


def _seal(cipher: AESGCM, data: bytes, place: str) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + cipher.encrypt(nonce, data, place.encode())


def _open(cipher: AESGCM, sealed: bytes, place: str) -> bytes:
    try:
        return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], place.encode())
    except (InvalidTag, ValueError):
        raise TamperedError(f"a sealed value of {place.partition(':')[0]} does not open") from None
