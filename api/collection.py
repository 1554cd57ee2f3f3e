"""The request collection: every example of the API as a request that can be sent from an editor."""

import json
import re
from collections.abc import Iterator
from typing import Any

from api.document import media_type_sent, read_examples

TAKEN = {
    "assessment": ("store_assessment", "desk_worker"),
    "mapping": ("store_mapping", "minutes"),
    "batch": ("send_batch", "one_bad_row"),
    "bulk": ("bulk_assess", "one_bad_response"),
    "webhook": ("store_webhook", "both_ends"),
}
"""Ids in the addresses of examples, and the example whose answer each is taken over from."""

HEAD = """\
# {title} {version}: a request for each example of the API, in an order in which all of them work.
# Written from the OpenAPI document and its examples by `make openapi`.
#
# For the REST Client of VS Code and the HTTP client of JetBrains. Put in the address of your service
# and a key that `psoas keys create --tenant clinic --scopes records,batch,admin` has made; only what
# is stored needs it. Some of the requests store and erase what belongs to p-0042: send them to a
# service that knows nobody by that name. What became of a batch can be asked for once it is done,
# usually a moment after it was sent.

@host = http://127.0.0.1:8000
@key = put-your-key-here

# Ids come from the answers to requests that were sent before. The client of JetBrains does not take
# them over: there, put the id from the answer behind the = by yourself.
"""


def write_collection(document: dict[str, Any]) -> str:
    """Every example of the operations of an OpenAPI document, as the text of a `.http` file."""
    about = document["info"]
    parts = [HEAD.format(title=about["title"], version=about["version"])]
    for name, where in TAKEN.items():
        answer = f"{name_request(*where)}.response.body.$.id"
        parts.append(f"@{name} = {{{{{answer}}}}}\n")
    for operation in _in_order(document):
        is_guarded = bool(operation.get("security"))
        examples = read_examples(operation["operationId"]).items()
        for name, example in sorted(examples, key=lambda item: item[1]["response"]["status"]):
            title = name_request(operation["operationId"], name)
            parts.append(
                "\n" + "\n".join(_put_request(title, example, is_guarded=is_guarded)) + "\n"
            )
    return "".join(parts)


def name_request(operation: str, example: str) -> str:
    """How the request of an example is called in the collection."""
    return f"{operation}_{example}"


def _in_order(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The operations by their tags, and in each of these what erases comes last."""
    tags = [tag["name"] for tag in document["tags"]]
    found = [
        (tags.index(operation["tags"][0]), method == "delete", operation)
        for path in document["paths"].values()
        for method, operation in path.items()
    ]
    return [operation for *_, operation in sorted(found, key=lambda entry: entry[:2])]


def _put_request(title: str, example: dict[str, Any], *, is_guarded: bool) -> Iterator[str]:
    request = example["request"]
    path = re.sub(r"\{(\w+)\}", r"{{\1}}", request["path"])
    yield f"### {example['summary']}"
    yield f"# @name {title}"
    yield f"# It is answered with {example['response']['status']}."
    yield f"{request['method']} {{{{host}}}}{path}"
    if is_guarded:
        yield "Authorization: Bearer {{key}}"
    body = request.get("text")
    if "json" in request:
        body = json.dumps(request["json"], indent=2, ensure_ascii=False)
    if body is None:
        return
    yield f"Content-Type: {media_type_sent(request)}"
    yield ""
    yield body.rstrip("\n")
