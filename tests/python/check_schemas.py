#!/usr/bin/env python3
"""Holds documents to docs/schemas and the schemas to the documents.

    check_schemas.py SCHEMAS DOCUMENTS

Each DOCUMENTS/NAME.N.json must match SCHEMAS/NAME.schema.json, also when fields that the schema does not describe are
forbidden; and it must not match when any one of its required
fields is taken away.
"""

import copy
import json
import sys
from pathlib import Path

from jsonschema import Draft202012Validator


def main():
    schemas, documents = Path(sys.argv[1]), Path(sys.argv[2])
    files = sorted(documents.glob("*.json"))
    if not files:
        sys.exit("there is no document to check")
    for path in files:
        schema = json.loads((schemas / f"{path.name.split('.')[0]}.schema.json").read_text())
        Draft202012Validator.check_schema(schema)
        document = json.loads(path.read_bytes())
        told(path, "", Draft202012Validator(schema), document)
        told(path, "a field that the schema lacks: ", Draft202012Validator(closed(copy.deepcopy(schema))), document)
        print(f"{path.name}: matches, {without_fields(path, schema, document)} fields needed")
    for path in sorted(schemas.glob("*.schema.json")):
        Draft202012Validator.check_schema(json.loads(path.read_text()))


def told(path, what, validator, document):
    for error in validator.iter_errors(document):
        sys.exit(f"{path.name}: {what}{error.json_path}: {error.message}")


def closed(schema):
    """The schema without room for fields that it does not describe."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            schema.setdefault("additionalProperties", False)
        for value in schema.values():
            closed(value)
    elif isinstance(schema, list):
        for value in schema:
            closed(value)
    return schema


def without_fields(path, schema, document):
    validator = Draft202012Validator(schema)
    required = schema["required"]
    for field in required:
        less = {key: value for key, value in document.items() if key != field}
        if validator.is_valid(less):
            sys.exit(f"{path.name}: matches without {field}")
    return len(required)


if __name__ == "__main__":
    main()
