# What Home Assistant does with a message on a state topic: the template, with Jinja itself, and its own filter. One JSON document a line
# in, {template, payload}, and one out: what came of it, or why nothing did.

import json
import sys

from jinja2.sandbox import ImmutableSandboxedEnvironment

environment = ImmutableSandboxedEnvironment()
environment.filters["to_json"] = lambda value: json.dumps(value, ensure_ascii=False)

for line in sys.stdin:
    asked = json.loads(line)
    variables = {"value": asked["payload"]}
    try:
        variables["value_json"] = json.loads(asked["payload"])
    except ValueError:
        pass
    try:
        answer = {"rendered": environment.from_string(asked["template"]).render(variables)}
    except Exception as error:
        answer = {"error": repr(error)}
    print(json.dumps(answer), flush=True)
