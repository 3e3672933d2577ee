"""A licensed download, with a choice of sizes and a progress bar."""

from pathlib import Path

from embedkit import Download, DownloadSize, EmbedKit


def largest(kit: EmbedKit, id: str) -> DownloadSize:
    return max(kit.api.downloads.sizes(id), key=lambda size: size.width or 0)


def save(kit: EmbedKit, id: str, folder: Path) -> Path:
    done: Download = kit.api.downloads.save(
        id, folder, progress=show, overwrite=True, file_type="jpg", height=2000
    )
    return Path(done.path)


def show(done: int, total: int | None) -> None:
    print(f"{done} of {total or '?'} bytes")
