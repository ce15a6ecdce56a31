"""Reads Autobahn's index.json and fails on what must not be in it."""

import collections
import json
import sys

# Bad text within a frame: we say so when the frame is whole, which the suite calls correct and late.
LATE = {"6.4.3", "6.4.4"}

cases = json.load(open(sys.argv[1]))["fantail"]
behaviours = collections.Counter(case["behavior"] for case in cases.values())
closes = collections.Counter(case["behaviorClose"] for case in cases.values())
print(f"{len(cases)} cases: {dict(behaviours)}; closes: {dict(closes)}")
wrong = {
    name: (case["behavior"], case["behaviorClose"])
    for name, case in cases.items()
    if case["behavior"] not in ("OK", "INFORMATIONAL") and not (name in LATE and case["behavior"] == "NON-STRICT")
    or case["behaviorClose"] not in ("OK", "INFORMATIONAL")
}
for name, found in sorted(wrong.items()):
    print(f"{name}: {found[0]}, closed {found[1]}", file=sys.stderr)
sys.exit(bool(wrong or not cases))
