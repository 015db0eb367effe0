"""Lets schemathesis send bodies of `application/x-ndjson`: what it makes up for them is text already."""

import schemathesis

schemathesis.serializer.alias("application/x-ndjson", "text/plain")
