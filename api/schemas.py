"""Schemas shaped for those who make clients from them: one name for what is the same, one reading for each shape.

What travels is not changed by any of it; it is only said so that every language has a good word for it.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

Schema = dict[str, Any]
REF = "#/components/schemas/"

RENAMED = {"Export": "PersonExport", "Part": "RoutinePart", "Source": "Publication"}
"""Names that some languages keep for themselves, and what stands for them."""

NAMED = {
    "LevelId": ("Level.id", "How much of a habit there is, from the least."),
    "EvidenceGrade": ("HabitScore.evidence_grade", "How sure anyone can be, from the surest."),
    "ClaimVerdict": ("HabitScore.psoas_claim", "How a claim stands in the literature."),
    "ScoreStatus": ("HabitScore.status", "Whether a score is complete, partial or not there yet."),
    "ActionId": ("SafetyAdvice.action", "What safety calls for, from nothing to an emergency."),
    "FlagAction": ("RedFlag.action", "What a red flag calls for when it is answered yes."),
    "PlanKind": ("Plan.kind", "What kind of plan it is."),
    "LeftOutReason": ("LeftOut.reason", "Why a routine is not in a plan."),
    "RoutineSlot": ("RoutineInCatalogue.slot", "The part of a plan in which a routine can stand."),
    "Direction": ("Change.direction", "Where a score went, as far as it can be told."),
    "AnswerKind": ("QuestionToAsk.answer", "What kind of answer a question takes."),
    "QuestionRole": ("QuestionToAsk.role", "What a question is asked for."),
    "RoleInHabit": ("Question.role", "What a question of the model's files is asked for."),
    "RequestPart": ("SectionToAsk.part", "The part of a request in which answers are sent."),
    "Basis": ("Level.basis", "What numbers without a source rest on."),
    "Reading": ("Publication.read", "How closely a source was read."),
    "BatchState": ("Batch.state", "How far a batch is."),
    "FileFormat": ("ColumnsRead.format", "A kind of file."),
    "BatchFormat": ("Batch.format", "What a batch was sent as."),
    "BulkFileType": ("BulkFile.type", "What kind of resource each line of a file is."),
    "WebhookEvent": ("WebhookRequest.event", "What a webhook may be told of."),
    "WebhookState": ("Webhook.state", "Whether anything is sent to a webhook."),
    "MessageKind": ("LastDelivery.event", "What a message tells of."),
    "DeliveryState": ("LastDelivery.state", "What became of a delivery."),
    "DeliveryFault": ("LastDelivery.fault", "Why an attempt came to no answer."),
    "RowStatus": ("BatchResult.psoas_status", "Whether a row was scored."),
    "AuditAction": ("Entry.action", "What was done."),
    "FaultCode": ("ProblemError.code", "What is wrong with a place in a request."),
    "StorageState": ("Readiness.storage", "Whether what is stored can be reached."),
    "ExportFormat": ("export_person.format", "A kind of export."),
    "RoutineId": ("PlanWishes.excluded_routine_id", "A routine of the model."),
}
"""Sets of values that are shared, or whose property alone would be a poor name: where each stands, and what it is."""

TABLES = {
    "LevelCounts": ("Summary.levels", "How many rows have each level."),
    "ChoicePoints": ("Component.choices", "Points by answer."),
    "Weights": ("Quantity.total", "The number that each answer is multiplied by."),
}
"""Tables inside of something else: where each stands, and what it is."""

ANSWER = {
    "Answer": "An answer to one question: true or false, a number, or the id of an option.",
    "AnyAnswer": "An answer to any question: as to one, or the ids of several options.",
}
"""What values of several kinds are called."""


class Place(NamedTuple):
    """Where a schema stands: in which schema or operation, and the property or parameter."""

    owner: str
    name: str


Change = Callable[[Schema, Place], Schema]


def shape_schemas(document: dict[str, Any]) -> None:
    """Name and simplify the schemas of a document, in place."""
    schemas: dict[str, Schema] = document["components"]["schemas"]
    for old, new in RENAMED.items():
        schemas[new] = {**schemas.pop(old), "title": new}
    for reference in _references(document):
        name = reference["$ref"].removeprefix(REF)
        reference["$ref"] = REF + RENAMED.get(name, name)
    _open_answers(document)
    _mark_files(document)
    for change in (_simplify, _Answers(schemas), _Enums(document), _Tables(schemas), _join_null):
        _change_all(document, change)
    document["components"]["schemas"] = dict(sorted(schemas.items()))


def _change_all(document: dict[str, Any], change: Change) -> None:
    """Replace every schema of a document by what a change makes of it, the innermost first."""
    schemas = document["components"]["schemas"]
    for name, schema in list(schemas.items()):
        schemas[name] = _walk(schema, Place(name, ""), change)
    for operation in _operations(document):
        owner = operation["operationId"]
        for parameter in operation.get("parameters", []):
            place = Place(owner, parameter["name"])
            parameter["schema"] = _walk(_without_null(parameter["schema"]), place, change)
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for content in [content for body in bodies for content in body.get("content", {}).values()]:
            if "schema" in content:
                content["schema"] = _walk(content["schema"], Place(owner, "body"), change)


def _walk(schema: Schema, place: Place, change: Change) -> Schema:
    for word in ("properties", "patternProperties"):
        for name, part in schema.get(word, {}).items():
            inner = place._replace(name=name) if word == "properties" else place
            schema[word][name] = _walk(part, inner, change)
    one = place._replace(name=place.name.removesuffix("s"))
    for word, inner in (("items", one), ("additionalProperties", place), ("propertyNames", place)):
        if isinstance(schema.get(word), dict):
            schema[word] = _walk(schema[word], inner, change)
    for word in ("anyOf", "oneOf"):
        if word in schema:
            schema[word] = [_walk(part, place, change) for part in schema[word]]
    return change(schema, place)


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def _references(part: object) -> Iterator[dict[str, Any]]:
    """Every reference in a part of a document."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part
        for inner in part.values():
            yield from _references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _references(inner)


def _open_answers(document: dict[str, Any]) -> None:
    """Let what only the service says have more fields one day; what is sent to it stays closed."""
    schemas = document["components"]["schemas"]
    sent: set[str] = set()
    waiting: list[object] = [operation.get("requestBody") for operation in _operations(document)]
    while waiting:
        for reference in _references(waiting.pop()):
            name = reference["$ref"].removeprefix(REF)
            if name not in sent:
                sent.add(name)
                waiting.append(schemas[name])
    for name, schema in schemas.items():
        if name not in sent and schema.get("additionalProperties") is False:
            del schema["additionalProperties"]


def _mark_files(document: dict[str, Any]) -> None:
    """Say of text that is sent whole that it is a file, so that clients take one."""
    for operation in _operations(document):
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            if media_type != "application/json" and content["schema"].get("type") == "string":
                content["schema"] = {**content["schema"], "format": "binary"}


def _without_null(schema: Schema) -> Schema:
    """The schema of a parameter: it can be left out, but an address has no null."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    return {**kinds[0], **{word: said for word, said in schema.items() if word != "anyOf"}}


def _simplify(schema: Schema, place: Place) -> Schema:
    """Say the usual words instead of the rarer ones that mean the same, and no title that repeats a name."""
    if schema.get("title") == place.name.replace("_", " ").title() or place.name == "body":
        schema.pop("title", None)
    if schema.get("type") == "number":
        schema["format"] = "double"
    is_moment = place.name.endswith("_at") or "(RFC 3339)" in schema.get("description", "")
    if schema.get("type") == "string" and is_moment:
        schema["format"] = "date-time"
    patterns = schema.pop("patternProperties", {})
    if patterns:  # the model's tables have one pattern, and no other key
        ((pattern, value),) = patterns.items()
        schema |= {"propertyNames": {"pattern": pattern}, "additionalProperties": value}
    return schema


class _Answers:
    """Names what may be a value of several kinds: an answer."""

    def __init__(self, schemas: dict[str, Schema]) -> None:
        kinds: list[Schema] = [
            {"type": "boolean"},
            {"type": "number", "format": "double"},
            {"type": "string"},
        ]
        several = {"type": "array", "items": {"type": "string"}}
        for name, one_of in (("Answer", kinds), ("AnyAnswer", [*kinds, several])):
            schemas[name] = {"title": name, "description": ANSWER[name], "oneOf": one_of}

    def __call__(self, schema: Schema, _: Place) -> Schema:
        kinds = {kind.get("type") for kind in schema.get("anyOf", [])}
        if not {"boolean", "number", "string"} <= kinds:
            return schema
        named = {"$ref": REF + ("AnyAnswer" if "array" in kinds else "Answer")}
        if "null" in kinds:
            return {**schema, "anyOf": [named, {"type": "null"}]}
        return {**named, **_said_beside(schema, "anyOf")}


class _Enums:
    """Gives every set of values a name, and the same name wherever the same values stand."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.schemas: dict[str, Schema] = document["components"]["schemas"]
        self.shared: dict[tuple[str, ...], str] = {}
        self.own: dict[tuple[str, tuple[str, ...]], str] = {}
        standing: dict[str, tuple[str, ...]] = {}

        def note(schema: Schema, place: Place) -> Schema:
            if values := _values_of(schema):
                standing[".".join(place)] = values
            return schema

        _change_all(document, note)
        for name, (place, description) in NAMED.items():
            if place in standing:  # a model of one's own may ask for less
                self.shared[standing[place]] = self._add(name, standing[place], description)

    def _add(self, name: str, values: tuple[str, ...], description: str) -> str:
        told = {"title": name, "description": description, "type": "string", "enum": list(values)}
        self.schemas[name] = told
        return name

    def __call__(self, schema: Schema, place: Place) -> Schema:
        values = _values_of(schema)
        name = self.shared.get(values) or self.own.get((place.name, values))
        if not values or not place.name or (name is None and "const" in schema):
            return schema
        if name is None:
            name = _in_one_word(place.name)
            name = _in_one_word(place.owner) + name if name in self.schemas else name
            self.own[place.name, values] = self._add(name, values, f"What {place.name} may be.")
        return {"$ref": REF + name, **_said_beside(schema, "type", "enum", "const")}


class _Tables:
    """Gives tables names that stand where no property names them."""

    def __init__(self, schemas: dict[str, Schema]) -> None:
        self.schemas = schemas
        self.names = {
            Place(*place.split(".")): (name, description)
            for name, (place, description) in TABLES.items()
        }

    def __call__(self, schema: Schema, place: Place) -> Schema:
        if place in self.names:
            if _is_table(schema.get("additionalProperties")):
                schema["additionalProperties"] = self._name(schema["additionalProperties"], place)
            if "anyOf" in schema:
                schema["anyOf"] = [
                    self._name(kind, place) if _is_table(kind) else kind for kind in schema["anyOf"]
                ]
        return schema

    def _name(self, table: Schema, place: Place) -> Schema:
        name, description = self.names[place]
        self.schemas[name] = {"title": name, "description": description, **table}
        return {"$ref": REF + name}


def _is_table(schema: object) -> bool:
    return isinstance(schema, dict) and isinstance(schema.get("additionalProperties"), dict)


def _join_null(schema: Schema, _: Place) -> Schema:
    """Say of a plain value that it may be null in one breath: some generators mix up what is said of two."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) != 1 or len(schema["anyOf"]) != 2 or "type" not in kinds[0]:
        return schema
    return {**kinds[0], **_said_beside(schema, "anyOf"), "type": [kinds[0]["type"], "null"]}


def _values_of(schema: Schema) -> tuple[str, ...]:
    """The values that a schema allows, where it lists them."""
    return tuple(schema.get("enum") or [schema[word] for word in ("const",) if word in schema])


def _said_beside(schema: Schema, *words: str) -> Schema:
    """What is said of a place, without what the place may hold."""
    return {word: said for word, said in schema.items() if word not in words}


def _in_one_word(name: str) -> str:
    parts = name.replace("-", "_").split("_")
    return "".join(part[0].upper() + part[1:] for part in parts if part)
