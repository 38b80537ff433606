"""A file of each form that is imported, whole and with one bad entry."""

from __future__ import annotations

import json

SQUAD = {
    "version": "v2.0",
    "data": [
        {
            "title": "Shop",
            "paragraphs": [
                {
                    "context": "The shop opens at 9.",
                    "qas": [
                        {
                            "id": "1",
                            "question": "When?",
                            "answers": [{"text": "at 9", "answer_start": 15}] * 3,
                        },
                        {"id": "2", "question": "Who?", "is_impossible": True, "answers": []},
                    ],
                }
            ],
        },
        {
            "title": "Road",
            "paragraphs": [
                {
                    "context": "It is long.",
                    "qas": [
                        {"id": "3", "question": "How?", "answers": [{"text": "long"}, {"text": "It is long"}]}
                    ],
                }
            ],
        },
    ],
}
SQUAD_BAD = json.loads(json.dumps(SQUAD))
SQUAD_BAD["data"][0]["paragraphs"][0]["qas"][1] = {"id": "2", "answers": []}
PROMPTFOO = """\
description: greetings
defaultTest:
  assert:
    - type: latency
      threshold: 2000
tests:
  - description: says hello
    vars: {question: Say hello, tone: kind}
    assert:
      - type: equals
        value: Hello!
      - type: icontains
        value: hello
      - type: python
        value: len(output) < 10
  - vars: {question: Who is the king?}
    assert: [{type: is-refusal}]
"""
FILES: dict[str, tuple[str, bytes]] = {
    "csv": (
        "golden.csv",
        b"Frage;Question;Answer;Tags;Split;Owner\n"
        b'x;"When does it\nopen?";at 9;hours, easy;dev;ann\n'
        b"y;Where?;'=Main Street;;;\n",
    ),
    "jsonl": (
        "golden.jsonl",
        b'{"id":"a","input":"When?","expected":["at 9","9"],"tags":["x"],"split":"train"}\n'
        b'{"question":"Where?","reference":"here","lang":"en"}\n'
        b'{"input":"Who?","expected":"Ann","output":"Bob","answer_id":"","trace_id":"t1","span_id":"","app":"shop",'
        b'"kind":"correction","value":"","principal":"user:ann","created_at":"2026","feedback_id":"fbk_1"}\n',
    ),
    "retrieval": (
        "queries.jsonl",
        b'{"query_id":"q1","query":"opening hours","relevant":{"hours.md":2,"shop.md":1}}\n'
        b'{"query_id":"q2","query":"parking","relevant":{"site.md":1}}\n',
    ),
    "squad": ("dev.json", json.dumps(SQUAD).encode()),
    "promptfoo": ("promptfooconfig.yaml", PROMPTFOO.encode()),
    "inspect": (
        "samples.jsonl",
        b'{"input":"When?","target":"at 9","id":1,"metadata":{"level":2}}\n'
        b'{"input":[{"role":"user","content":[{"type":"text","text":"Who?"}]}],"target":["Ann","Bob"],"choices":["a"]}\n',
    ),
}
SPOILED: dict[str, tuple[str, bytes, int]] = {
    "csv": ("golden.csv", b"question,answer,split\nWhen?,at 9,test\nWho?,Ann,sometimes\nHow?,so,\n", 3),
    "jsonl": ("golden.jsonl", b'{"input":"a"}\n\n{"input":NaN}\n{"input":"b"}\n', 3),
    "retrieval": ("q.jsonl", b'{"query":"a","relevant":{"x":1}}\n{"query":"b","relevant":{}}\n', 2),
    "squad": ("dev.json", json.dumps(SQUAD_BAD).encode(), 2),
    "promptfoo": ("t.yaml", b"tests:\n  - vars: {q: a}\n  - assert: []\n  - vars: {q: b}\n", 2),
    "inspect": ("s.jsonl", b'{"input":"a","target":"x"}\n{"input":"","target":"y"}\n', 2),
}
