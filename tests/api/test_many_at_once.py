"""More requests at once than the server has threads, and than the database has connections."""

import asyncio
from collections import Counter

from httpx import ASGITransport, AsyncClient

from tests.api.conftest import Door


def test_none_waits_for_ever(door: Door) -> None:
    async def ask() -> Counter[int]:
        async with AsyncClient(transport=ASGITransport(door.client.app), base_url="http://here", timeout=None) as client:
            headers = {"Authorization": f"Bearer {door.keys['reader']}"}
            answers = await asyncio.gather(*(client.get("/api/v1/programmes", headers=headers) for _ in range(120)))
        return Counter(answer.status_code for answer in answers)

    assert asyncio.run(asyncio.wait_for(ask(), 25)) == {200: 120}
