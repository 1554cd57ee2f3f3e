"""FHIR's invariants that concern what we emit, by the names that FHIR gives them; its models do not check them."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Part = Mapping[str, Any]
QUESTION = {"boolean", "decimal", "integer", "choice", "coding"}
"""The types of our items that take an answer."""


def find_breaches(resource: Part) -> list[str]:
    """The invariants that a resource, or anything in it, breaks, each with where."""
    return list(_look(resource, str(resource.get("resourceType"))))


def _look(part: Any, path: str) -> Iterator[str]:
    if isinstance(part, Mapping):
        if kind := part.get("resourceType"):
            for rule in (*EVERYWHERE, *RULES.get(kind, ())):
                yield from (f"{path}: {name}" for name in rule(part))
        yield from (f"{path}: {name}" for name in _check_element(part))
        for name, inner in part.items():
            yield from _look(inner, f"{path}.{name}")
    elif isinstance(part, list):
        if not part:
            yield f"{path}: ele-1, an empty list"
        for place, inner in enumerate(part):
            yield from _look(inner, f"{path}[{place}]")
    elif part is None or part == "":
        yield f"{path}: ele-1, nothing there"
    elif isinstance(part, str) and part != part.strip():
        yield f"{path}: blanks around a text"


def _check_element(part: Part) -> Iterator[str]:
    """ele-1: an element has a value or children; ext-1: an extension has one value, or extensions."""
    if not part:
        yield "ele-1"
    for extension in part.get("extension", ()):
        values = [name for name in extension if name.startswith("value")]
        if len(values) + ("extension" in extension) != 1:
            yield "ext-1"
    if {"system", "value", "code"} <= part.keys() and not part["system"]:
        yield "qty-3"


def _check_resource(resource: Part) -> Iterator[str]:
    """The shape of ids, names and addresses."""
    if "id" in resource and not re.fullmatch(r"[A-Za-z0-9.-]{1,64}", resource["id"]):
        yield "id"
    name = resource.get("name")
    if isinstance(name, str) and not re.fullmatch(r"[A-Z][A-Za-z0-9_]{0,254}", name):
        yield "que-0, csd-0, cpb-0, opd-0"
    if re.search(r"[|#]", resource.get("url", "")):
        yield "cnl-1"


def _check_contained(resource: Part) -> Iterator[str]:
    for contained in resource.get("contained", ()):
        if "contained" in contained:
            yield "dom-2"
        if f"#{contained.get('id')}" not in str(resource):
            yield "dom-3"
        if {"versionId", "lastUpdated"} & contained.get("meta", {}).keys():
            yield "dom-4"
        if "security" in contained.get("meta", {}):
            yield "dom-5"


def _check_narrative(resource: Part) -> Iterator[str]:
    """A narrative is XHTML of the allowed kind, and says something."""
    if text := resource.get("text"):
        if not text["div"].startswith('<div xmlns="http://www.w3.org/1999/xhtml">'):
            yield "txt-1"
        if set(re.findall(r"</?([a-z0-9]+)", text["div"])) - {"div", "p", "ul", "li", "b", "br"}:
            yield "txt-1"
        if not re.sub(r"<[^>]*>", "", text["div"]).strip():
            yield "txt-2"


def list_items(questionnaire: Part) -> Iterator[Part]:
    """Every item of a questionnaire, however deep."""
    for item in questionnaire.get("item", ()):
        yield item
        yield from list_items(item)


def _check_questionnaire(form: Part) -> Iterator[str]:
    items = list(list_items(form))
    twice = [name for name, times in Counter(i["linkId"] for i in items).items() if times > 1]
    yield from (f"que-2 at {name}" for name in twice)
    kinds = {item["linkId"]: item["type"] for item in items}
    for item in items:
        found = (*_check_item(item), *_check_when(item, kinds), *_check_bounds(item))
        yield from (f"{name} at {item['linkId']}" for name in found)


def _check_item(item: Part) -> Iterator[str]:
    kind, options = item["type"], "answerOption" in item
    if kind not in QUESTION | {"group", "display"}:
        yield "a type that we do not use"
    broken = {
        "que-1": (kind == "group" and "item" not in item) or (kind == "display" and "item" in item),
        "que-3": kind == "display" and "code" in item,
        "que-4": options and "answerValueSet" in item,
        "que-5": options != (kind in ("choice", "coding")),
        "que-6": kind == "display" and ("required" in item or "repeats" in item),
        "que-8": kind in ("group", "display") and "initial" in item,
        "que-9": kind == "display" and "readOnly" in item,
        "que-10": "maxLength" in item and kind in QUESTION - {"decimal", "integer"},
        "que-11": options and "initial" in item,
        "que-12": len(item.get("enableWhen", ())) > 1 and "enableBehavior" not in item,
        "que-13": len(item.get("initial", ())) > 1 and not item.get("repeats"),
        "que-14": "answerConstraint" in item and not options,
        "que-15": len(item["linkId"]) > 255,
    }
    yield from (name for name, is_broken in broken.items() if is_broken)
    chosen = [
        (o["valueCoding"]["system"], o["valueCoding"]["code"]) for o in item.get("answerOption", ())
    ]
    if len(chosen) != len(set(chosen)):
        yield "an option twice"


def _check_when(item: Part, kinds: Mapping[str, str]) -> Iterator[str]:
    for rule in item.get("enableWhen", ()):
        kind = kinds.get(rule["question"])
        (value,) = (name for name in rule if name.startswith("answer"))
        if rule["operator"] == "exists" and value != "answerBoolean":
            yield "que-7"
        if kind is None:
            yield "enableWhen asks for an item that is not there"
        elif rule["operator"] != "exists" and value.lower() != f"answer{kind}":
            yield "enableWhen asks for another kind of answer"


def _check_bounds(item: Part) -> Iterator[str]:
    """Bounds, by minValue and maxValue, have the type of the item, and leave something between them."""
    bounds = {}
    for extension in item.get("extension", ()):
        name = extension["url"].rpartition("/")[2]
        if name in ("minValue", "maxValue"):
            ((kind, bounds[name]),) = ((k, v) for k, v in extension.items() if k != "url")
            if kind.lower() != f"value{item['type']}":
                yield f"{name} is of another type"
        if name == "variable":
            given = extension["valueExpression"]
            if not re.fullmatch(r"[A-Za-z0-9.-]{1,64}", given["name"]):
                yield "exp-1, the name of a variable"
    if bounds and bounds["minValue"] >= bounds["maxValue"]:
        yield "nothing lies between minValue and maxValue"


def _check_codes(codes: Part) -> Iterator[str]:
    listed = [concept["code"] for concept in codes["concept"]]
    if len(listed) != len(set(listed)):
        yield "csd-1"
    if codes["content"] == "complete" and codes["count"] != len(listed):
        yield "count is another"


def _check_values(values: Part) -> Iterator[str]:
    for include in values.get("compose", {}).get("include", ()):
        if not {"system", "valueSet"} & include.keys():
            yield "vsd-1"
        if "concept" in include and "system" not in include:
            yield "vsd-2"
    expansion = values.get("expansion")
    if expansion is None:
        return
    listed = [one.get("code") for one in expansion["contains"]]
    if None in listed or len(listed) != len(set(listed)):
        yield "vsd-9, or a code twice"
    if expansion["total"] != len(listed) or not {"timestamp", "_timestamp"} & expansion.keys():
        yield "an expansion that is not whole"


def _check_capability(told: Part) -> Iterator[str]:
    if not told.get("rest"):
        yield "cpb-1"
    if not {"description", "software", "implementation"} & told.keys():
        yield "cpb-2"
    if told["kind"] == "instance" and "implementation" not in told:
        yield "cpb-14"
    for rest in told.get("rest", ()):
        kinds = [resource["type"] for resource in rest["resource"]]
        if len(kinds) != len(set(kinds)):
            yield "cpb-9"


def _check_operation(told: Part) -> Iterator[str]:
    """opd-1 to opd-3, and what is asked of a type must name it."""
    parameters = told.get("parameter", [])
    for parameter in parameters:
        if ("type" in parameter) == ("part" in parameter):
            yield "opd-1"
        if "searchType" in parameter and parameter.get("type") != "string":
            yield "opd-2"
        if "targetProfile" in parameter and parameter.get("type") not in ("Reference", "canonical"):
            yield "opd-3"
        if parameter["max"] != "*" and int(parameter["max"]) < max(parameter["min"], 1):
            yield "max is less than min"
    if len({(one["name"], one["use"]) for one in parameters}) < len(parameters):
        yield "a parameter twice"
    if (told["type"] or told["instance"]) != ("resource" in told):
        yield "of a type, and of none"


def _check_bundle(bundle: Part) -> Iterator[str]:
    if "total" in bundle and bundle["type"] not in ("searchset", "history"):
        yield "bdl-1"
    addresses = [entry["fullUrl"] for entry in bundle.get("entry", ()) if "fullUrl" in entry]
    if len(addresses) != len(set(addresses)):
        yield "bdl-7"
    for entry in bundle.get("entry", ()):
        if "search" in entry and bundle["type"] != "searchset":
            yield "bdl-2"
        if not {"resource", "request", "response"} & entry.keys():
            yield "bdl-5"
        if "/_history/" in entry.get("fullUrl", ""):
            yield "bdl-8"


def _check_observation(seen: Part) -> Iterator[str]:
    values = [name for name in seen if name.startswith("value")]
    if values and "dataAbsentReason" in seen:
        yield "obs-6"
    own = {(code.get("system"), code.get("code")) for code in seen["code"].get("coding", ())}
    for component in seen.get("component", ()):
        codes = {(c.get("system"), c.get("code")) for c in component["code"].get("coding", ())}
        if values and own & codes:
            yield "obs-7"


def _check_risk(risk: Part) -> Iterator[str]:
    """ras-2; and ours: a habit score is no probability."""
    for prediction in risk.get("prediction", ()):
        if any(name.startswith("probability") for name in prediction):
            yield "a probability"


def _check_outcome(outcome: Part) -> Iterator[str]:
    if not outcome.get("issue"):
        yield "an OperationOutcome without issues"


EVERYWHERE = (_check_resource, _check_contained, _check_narrative)
RULES: Mapping[str, tuple[Callable[[Part], Iterator[str]], ...]] = {
    "Questionnaire": (_check_questionnaire,),
    "CodeSystem": (_check_codes,),
    "ValueSet": (_check_values,),
    "CapabilityStatement": (_check_capability,),
    "OperationDefinition": (_check_operation,),
    "Bundle": (_check_bundle,),
    "Observation": (_check_observation,),
    "RiskAssessment": (_check_risk,),
    "OperationOutcome": (_check_outcome,),
}
