"""Requests that come from an address, with a key or without."""

import asyncio
from typing import Any

import httpx
from fastapi import FastAPI

PEER = "203.0.113.7"


def send(
    app: FastAPI, method: str, path: str, key: str = "", peer: str = PEER, **options: Any
) -> httpx.Response:
    """Send a request from an address, with a key or without."""
    headers = {**options.pop("headers", {})}
    if key:
        headers["Authorization"] = f"Bearer {key}"

    async def request() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(peer, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, headers=headers, **options)

    return asyncio.run(request())


def statuses(app: FastAPI, times: int, **options: Any) -> list[int]:
    """What so many requests one after the other are answered with."""
    return [send(app, "GET", "/model", **options).status_code for _ in range(times)]
