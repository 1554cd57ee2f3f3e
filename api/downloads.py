"""Files as answers: in parts if so wished (Range), named by an ETag, and never in a cache."""

from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.types import Message, Receive, Scope, Send

from api.fixed import is_known
from api.problems import put_problem

PIECE = 256 * 1024
"""Bytes that are sent at a time."""


class Download(FileResponse):
    """A file about people, which no cache may keep."""

    chunk_size = PIECE

    def __init__(self, path: Path, media_type: str, name: str) -> None:
        """Of a file that is there.

        Raises:
            FileNotFoundError: when it is not, or no longer.
        """
        super().__init__(
            path,
            media_type=media_type,
            filename=name,
            stat_result=path.stat(),
            headers={"Cache-Control": "no-store"},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, or what is asked for of it."""
        etag = self.headers["etag"]
        if is_known(Headers(scope=scope), etag):
            await Response(status_code=304, headers={"ETag": etag})(scope, receive, send)
            return
        refused = False

        async def send_problems(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] in {400, 416}:
                refused = True  # what the framework says to a Range that cannot be had is no problem of ours
                headers = {"Content-Range": f"bytes */{self.headers['content-length']}"}
                problem = put_problem(scope["request_id"], 416, headers=headers)
                await problem(scope, receive, send)
            elif not refused:
                await send(message)

        if scope.get("is_head"):
            scope = {**scope, "method": "HEAD"}  # the file need not be read
        if not Headers(scope=scope).get("range", "").strip().lower().startswith("bytes="):
            # A unit that is not known is no reason to refuse (RFC 9110, 14.2).
            scope = {**scope, "headers": [one for one in scope["headers"] if one[0] != b"range"]}
        await super().__call__(scope, receive, send_problems)
