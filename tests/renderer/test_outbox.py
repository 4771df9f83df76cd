"""What a page leaves in its file is read where it stands, and only under its own name."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from services.renderer.frame import size
from services.renderer.outbox import BYTES, HEAD, PLACE_BYTES, PLACES, Outbox, new_mark


def profile(folder: Path, mark: str, length: int = BYTES) -> Path:
    """A browser's profile with the page's file deep in it, among others."""
    deep = folder / "Default" / "File System" / "000"
    deep.mkdir(parents=True)
    for name, content in (("00", b"another file"), ("01", mark.encode())):
        with (deep / name).open("wb") as file:
            file.write(content)
            file.truncate(length)
    (folder / "SingletonLock").symlink_to("nowhere")
    return deep / "01"


def put(path: Path, place: int, name: str, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(name.encode().ljust(HEAD, b"\0") + content)


def test_a_frame_is_read_under_its_name_alone(tmp_path: Path) -> None:
    mark = new_mark()
    path = profile(tmp_path, mark)
    assert Outbox.find(tmp_path, new_mark()) is None
    outbox = Outbox.find(tmp_path, mark)
    assert outbox is not None
    places = [outbox.take(1_000) for _ in range(PLACES + 1)]
    assert sorted(place for place in places if place is not None) == [0, PLACE_BYTES]
    assert places[-1] is None, "all places are taken"
    put(path, PLACE_BYTES, "7-abc", b"planes")
    found = outbox.read(PLACE_BYTES, "7-abc", 6)
    assert found is not None
    assert found.tobytes() == b"planes"
    assert outbox.read(PLACE_BYTES, "7-ab", 6) is None
    assert outbox.read(0, "7-abc", 6) is None
    outbox.give_back(PLACE_BYTES)
    assert outbox.take(PLACE_BYTES) is None, "it would not fit"
    assert outbox.take(PLACE_BYTES - HEAD) == PLACE_BYTES
    outbox.close()
    outbox.close()
    assert outbox.read(PLACE_BYTES, "7-abc", 6) is None


def test_a_file_of_another_size_or_cut_short_is_no_frame(tmp_path: Path) -> None:
    mark = new_mark()
    path = profile(tmp_path / "short", mark, BYTES - 1)
    assert Outbox.find(tmp_path, mark) is None
    path.unlink()
    path = profile(tmp_path / "whole", mark)
    outbox = Outbox.find(tmp_path, mark)
    assert outbox is not None
    put(path, 0, "1-a", bytes(100))
    with path.open("r+b") as file:
        file.truncate(HEAD + 50)
    assert outbox.read(0, "1-a", 100) is None
    outbox.close()


def test_no_thread_keeps_the_memory_of_frames_it_has_read(tmp_path: Path) -> None:
    length, threads = size(1024, 1024), 8
    mark = new_mark()
    path = profile(tmp_path, mark)
    outbox = Outbox.find(tmp_path, mark)
    assert outbox is not None
    put(path, 0, "1-a", bytes([7]) * length)
    turn = threading.Barrier(threads)

    def read_three() -> int:
        turn.wait()
        found = [outbox.read(0, "1-a", length) for _ in range(3)]
        return sum(one[-1] for one in found if one is not None)

    with ThreadPoolExecutor(threads) as pool:
        before = psutil.Process().memory_info().rss
        for _ in range(2):
            assert list(pool.map(lambda _: read_three(), range(threads))) == [3 * 7] * threads
        kept = psutil.Process().memory_info().rss - before
    outbox.close()
    assert kept < 2 * length, f"{kept >> 20} MB of {threads * 3} frames that nobody has any more"
