"""OpenAPI 3.1, generated from the types the handlers use."""

from __future__ import annotations

import re
import typing
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.json_schema import models_json_schema

from backend.errors import ERRORS, ErrorCode
from backend.http.endpoint import Operation, operations_of

_GROUP = re.compile(r"\(\?P<(\w+)>[^)]*\)")
_ALWAYS = (ErrorCode.BAD_REQUEST, ErrorCode.RATE_LIMITED, ErrorCode.INTERNAL, ErrorCode.UNAVAILABLE)
_GUARDED = (ErrorCode.UNAUTHENTICATED, ErrorCode.TOKEN_EXPIRED, ErrorCode.FORBIDDEN)
JSON = "application/json"
REF = "#/components/schemas/{model}"


def openapi(routes: Sequence[tuple[str, type]], *, title: str, version: str, server: str) -> dict[str, Any]:
    """The document for all JSON routes, in the order of the route table."""
    described = [
        (pattern, name, op, getattr(handler, "refused_in", JSON))
        for pattern, handler in routes
        for name, op in operations_of(handler).items()
    ]
    refs, definitions = _schemas([op for _, _, op, _ in described])
    paths: dict[str, dict[str, Any]] = {}
    for pattern, name, op, refused_in in described:
        path = path_of(pattern)
        paths.setdefault(path, {})[name] = _operation(path, name, op, refused_in, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": version,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": definitions | {"Error": _error_schema()},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            },
        },
    }


def path_of(pattern: str) -> str:
    """A route's pattern as an address with names in it."""
    return re.sub(r"\\(.)", r"\1", _GROUP.sub(r"{\1}", pattern))


def _schemas(operations: list[Operation]) -> tuple[dict[tuple[Any, str], Any], dict[str, Any]]:
    inputs = {(model, "validation") for op in operations for model in (op.body, op.form) if model is not None}
    answers = {model for op in operations for model in (_answer_model(op), op.refusal) if model is not None}
    outputs = {(model, "serialization") for model in answers}
    pairs = sorted(inputs | outputs, key=lambda pair: (pair[0].__module__, pair[0].__qualname__, pair[1]))
    refs, top = models_json_schema(typing.cast(Any, pairs), ref_template=REF)
    return typing.cast(Any, refs), top.get("$defs", {})


def _answer_model(op: Operation) -> type[BaseModel] | None:
    candidates = typing.get_args(op.answer) or (op.answer,)
    models = [
        kind for kind in (op.answer, *candidates) if isinstance(kind, type) and issubclass(kind, BaseModel)
    ]
    return models[0] if models else None


def _operation(
    path: str, name: str, op: Operation, refused_in: str, refs: dict[tuple[Any, str], Any]
) -> dict[str, Any]:
    out: dict[str, Any] = {
        "operationId": f"{name}{re.sub(r'[^A-Za-z0-9]+', '_', path)}".rstrip("_"),
        "summary": op.summary,
        "tags": [op.tag],
        "parameters": _parameters(path, op),
        "responses": _responses(op, refused_in, refs),
    }
    if op.description:
        out["description"] = op.description
    for kind, model in ((JSON, op.body), ("application/x-www-form-urlencoded", op.form)):
        if model is not None:
            content = {kind: {"schema": refs[(model, "validation")]}}
            out["requestBody"] = {"required": not _may_be_empty(model), "content": content}
    out["security"] = [{"bearer": []}] if op.access.permission else []
    if op.access.permission:
        out["x-permission"] = str(op.access.permission)
    else:
        out["x-public-because"] = op.access.public_reason
    return out


def _may_be_empty(model: type[BaseModel]) -> bool:
    """Whether saying nothing says enough: an empty body is read as an empty object."""
    try:
        model.model_validate({})
    except ValidationError:
        return False
    return True


def _parameters(path: str, op: Operation) -> list[dict[str, Any]]:
    found = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
    ]
    if op.query is not None:
        schema = op.query.model_json_schema(by_alias=True, ref_template=REF)
        required = set(schema.get("required", ()))
        found += [
            {"name": name, "in": "query", "required": name in required, "schema": _inlined(part, schema)}
            for name, part in schema.get("properties", {}).items()
        ]
    return found


def _inlined(part: Any, schema: dict[str, Any]) -> Any:
    """Query enums are small: put them in place instead of into the components."""
    if isinstance(part, dict):
        if "$ref" in part:
            return schema["$defs"][part["$ref"].rsplit("/", 1)[1]]
        return {key: _inlined(value, schema) for key, value in part.items()}
    if isinstance(part, list):
        return [_inlined(value, schema) for value in part]
    return part


def _responses(op: Operation, refused_in: str, refs: dict[tuple[Any, str], Any]) -> dict[str, Any]:
    model = _answer_model(op)
    status = 204 if op.status == 200 and op.answer is type(None) else op.status
    good: dict[str, Any] = {"description": "OK"}
    if op.media != JSON:
        good["content"] = {op.media: {"schema": {"type": "object"}}}
    elif model is not None:
        good["content"] = {JSON: {"schema": refs[(model, "serialization")]}}
    responses: dict[str, Any] = {str(status): good}
    guarded = _GUARDED if op.access.permission else ()
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(
        (*_ALWAYS, *guarded, ErrorCode.NOT_FOUND, ErrorCode.BODY_TOO_LARGE, *op.errors)
    ):
        by_status.setdefault(ERRORS[code].status, []).append(str(code))
    schema = refs[(op.refusal, "serialization")] if op.refusal else {"$ref": "#/components/schemas/Error"}
    for error_status, codes in sorted(by_status.items()):
        responses[str(error_status)] = {
            "description": ", ".join(codes),
            "content": {refused_in: {"schema": schema if refused_in == JSON else {"type": "object"}}},
        }
    return responses


def _error_schema() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message", "data", "request_id"],
                "properties": {
                    "code": {"type": "string", "enum": [str(code) for code in ErrorCode]},
                    "message": {"type": "string", "description": "Chinese text for the user."},
                    "data": {"type": "object"},
                    "request_id": {"type": "string"},
                },
            }
        },
    }
