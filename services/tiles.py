"""How a configuration says where tiles lie: a folder, a file, or an address on a server."""

from urllib.parse import urlsplit

from services.section import fault, is_loopback


def on_server(address: str | None) -> bool:
    """Whether an address names a server."""
    return address is not None and address.startswith(("http://", "https://"))


def is_file(tiles: str | None) -> bool:
    """Whether the tiles lie in one file, here or on a server."""
    path = tiles or ""
    if on_server(path):
        return path.partition("?")[0].endswith(".pmtiles")
    return path.endswith((".mbtiles", ".pmtiles"))


def check_tiles(tiles: str, zoom: int | None, *, keyed: bool) -> None:
    """Raise a fault for what is no place of tiles, lacks a zoom, or a key or a place for it."""
    missing = [name for name in ("{z}", "{x}", "{y}") if name not in tiles]
    if "://" in tiles and not on_server(tiles):
        raise fault(("tiles",), "a web address begins with https://")
    if missing and not is_file(tiles):
        files = ".pmtiles" if on_server(tiles) else ".mbtiles or .pmtiles"
        raise fault(
            ("tiles",),
            f"{' and '.join(missing)} is missing in it; it is a folder or an address with {{z}}, "
            f"{{x}} and {{y}}, or a file {files}",
        )
    if not on_server(tiles):
        if keyed:
            raise fault(("api_key",), "only an address on a server has a key")
        return
    check_address("tiles", tiles, keyed=keyed)
    if zoom is None and not is_file(tiles):
        raise fault(("zoom",), "it is missing; a server does not say how far its tiles go")
    check_place_of_key("tiles", tiles, keyed=keyed)


def check_address(field: str, address: str, *, keyed: bool) -> None:
    """Raise a fault if no file can be fetched from there, or a key be read on its way."""
    try:
        url = urlsplit(address)
        host, _ = url.hostname or "", url.port
    except ValueError:
        host = ""
    if not host or url.scheme not in ("http", "https") or "@" in url.netloc or "{" in url.netloc:
        host = ""
    if not host or " " in address:
        raise fault((field,), "it is not a web address that tiles could lie at")
    if keyed and url.scheme == "http" and not is_loopback(host):
        raise fault((field,), "a key would travel in the open; use https")


def check_place_of_key(field: str, address: str, *, keyed: bool) -> None:
    """Raise a fault if a key has no place in the address, or the place no key."""
    if keyed == ("{key}" in address):
        return
    way = f"put {{key}} where it belongs in {field}" if keyed else "name api_key for {key}"
    raise fault(("api_key",), f"a key needs a place, and a place a key: {way}")
