"""Provenance: the versions of a quadrant as people see them."""

from protocol.view import Seen, VersionView
from services.keeper.store import Store

VERSION_LIMIT = 1_000


def versions_of(store: Store, x: int, y: int) -> list[VersionView]:
    """The newest versions of one quadrant, the newest first, each with where it came from."""
    rows = store.versions.of_quadrant(x, y, limit=VERSION_LIMIT)
    seen = store.versions.seen_by([row["version"] for row in rows])
    return [
        VersionView(
            version=row["version"],
            layer=row["layer"],
            created_at=row["created_at"],
            current=bool(row["stands"]),
            job=row["job_id"],
            plan=row["plan_id"],
            model_id=row["model_id"],
            prompt=row["prompt"],
            negative_prompt=row["negative_prompt"],
            seed=row["seed"],
            parameters=row["parameters"],
            template=row["template"],
            renders=row["renders"],
            saw=[
                Seen(version=version, layer=layer, x=x, y=y)
                for version, layer, x, y in seen.get(row["version"], [])
            ],
            worker=row["worker"],
            seconds=row["seconds"],
            model_seconds=row["model_seconds"],
            cost=row["cost"],
            attempt=row["attempt"],
            source=row["source"],
            seam=row["seam"],
            flagged=bool(row["flagged"]),
            scaffold=bool(row["scaffold"]),
            stale=bool(row["stale"]),
            sha256=row["sha256"],
        )
        for row in rows
    ]
