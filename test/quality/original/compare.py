"""Holds the verdicts of write-cases.ts against olmOCR-bench's own.

    python compare.py CASES.jsonl OLMOCR

OLMOCR is a clone of https://github.com/allenai/olmocr. Needs rapidfuzz, fuzzysearch and beautifulsoup4. Formulas are left
out: the original renders them in a browser.
"""

import json
import sys
import types
from collections import Counter

cases, olmocr = sys.argv[1:3]


def stub(name, **members):
    module = types.ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module


# What the tests themselves do not need.
stub("tqdm", tqdm=lambda things, **_: things)
sys.path.insert(0, olmocr)
for package in ["olmocr", "olmocr.bench", "olmocr.bench.katex"]:
    stub(package, __path__=[f"{olmocr}/{package.replace('.', '/')}"])
stub("olmocr.bench.katex.render", compare_rendered_equations=None, render_equation=None)

from olmocr.bench.tests import load_single_test  # noqa: E402

OWN = {"about", "url"}
agreed, differ, crashed = Counter(), [], 0
with open(cases, encoding="utf-8") as lines:
    for line in lines:
        case = json.loads(line)
        fact = {key: value for key, value in case["fact"].items() if key not in OWN}
        if fact["type"] == "math":
            continue
        try:
            passed, why = load_single_test(fact).run(case["text"])
        except IndexError:
            # Its tables cannot have a span over cells that are not there.
            crashed += 1
            continue
        if passed == case["passed"]:
            agreed[fact["type"], passed] += 1
        else:
            differ.append((fact, case["text"], passed, why))

for (kind, passed), count in sorted(agreed.items()):
    print(f"{kind:9} {'borne out' if passed else 'not      '} {count:6} agree")
print(f"{sum(agreed.values())} agree, {len(differ)} differ, {crashed} that the original cannot judge")
for fact, text, passed, why in differ[:20]:
    print(json.dumps({"fact": fact, "original": passed, "why": why[:300], "text": text[:400]}, ensure_ascii=False))
sys.exit(1 if differ else 0)
