"""What is written for Slack, as Markdown."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from folkmoot.cutting import cut
from folkmoot.modules.incoming.actions import read
from folkmoot.modules.incoming.mrkdwn import to_markdown


@pytest.mark.parametrize(
    ("slack", "markdown"),
    [
        ("plain", "plain"),
        ("*bold* and _italic_ and ~gone~", "**bold** and _italic_ and ~~gone~~"),
        ("*bold ~and gone~*", "**bold ~~and gone~~**"),
        ("2 * 3 * 4 and a*b*c", "2 * 3 * 4 and a*b*c"),
        ("**bold already**", "**bold already**"),
        ("~/bin and ~/lib", "~/bin and ~/lib"),
        ("`*not bold*` &amp; ```\n*nor* &lt;this&gt;\n```", "`*not bold*` & ```\n*nor* <this>\n```"),
        ("```code```", "```\ncode\n```"),
        ("```never closed", "```never closed"),
        ("<https://example.org/a?b=1&amp;c=2>", "<https://example.org/a?b=1&c=2>"),
        ("<https://example.org|the *page* [1]>", r"[the \*page\* \[1\]](<https://example.org>)"),
        ("<mailto:a@b.org|a@b.org>", "[a@b.org](<mailto:a@b.org>)"),
        ("<javascript:alert(1)|click>", "<javascript:alert(1)|click>"),
        ("<https://example.org/>)(<x|y>", "<https://example.org/>)(<x|y>"),
        ("<!here> <!channel> <!everyone|everyone>", "@here @channel @everyone"),
        ("<!date^1392734382^{date}|yesterday>", "yesterday"),
        ("<!subteam^S1|@ops>", "@ops"),
        ("<@U1> <@U1|ada> <#C1|general>", "@U1 @ada #general"),
        ("1 &lt; 2 &amp;amp; 3", "1 < 2 &amp; 3"),
        (r"C:\*temp", r"C:\\*temp"),
        ("<none>", "<none>"),
        ("", ""),
    ],
)
def test_marks(slack: str, markdown: str) -> None:
    assert to_markdown(slack) == markdown


def test_an_alert_of_alertmanager() -> None:
    payload = {
        "channel": "#ops", "username": "Alertmanager", "icon_emoji": ":fire:", "link_names": False,
        "attachments": [{
            "title": "[FIRING:1] disk_full <db1>", "title_link": "http://prom:9093/#/alerts?receiver=ops",
            "text": "*Disk* of `db1` is full", "fallback": "not shown", "color": "danger", "mrkdwn_in": ["text"],
            "fields": [{"title": "Severity", "value": "page", "short": True}, {"title": "Left", "value": 0}],
            "footer": "prom_1",
        }],
    }  # fmt: skip
    assert read(payload) == (
        r"> **[\[FIRING:1\] disk\_full \<db1\>](<http://prom:9093/#/alerts?receiver=ops>)**"
        "\n"
        "> **Disk** of `db1` is full\n"
        "> **Severity:** page\n"
        "> **Left:** 0\n"
        r"> prom\_1"
    )


def test_blocks_take_the_place_of_the_text() -> None:
    payload: dict[str, object] = {
        "text": "shown where there are no blocks",
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "Deploy *7*"}},
            {"type": "section", "text": {"type": "mrkdwn", "text": "By <@U1|ada>"},
             "fields": [{"type": "mrkdwn", "text": "*Branch*\nmain"}, {"type": "plain_text", "text": "a_b"}],
             "accessory": {"type": "image", "image_url": "https://e.org/i.png", "alt_text": "a cat"}},
            {"type": "divider"},
            {"type": "context", "elements": [
                {"type": "mrkdwn", "text": "_soon_"}, {"type": "plain_text", "text": "x"}]},
            {"type": "actions", "elements": [
                {"type": "button", "text": {"type": "plain_text", "text": "Open"}, "url": "https://e.org"},
                {"type": "button", "text": {"type": "plain_text", "text": "Does nothing here"}}]},
            {"type": "image", "image_url": "https://e.org/g.png", "title": {"type": "plain_text", "text": "Graph"}},
            {"type": "markdown", "text": "**as it is**"},
            {"type": "something new", "text": "unknown"},
        ],
    }  # fmt: skip
    assert read(payload).split("\n\n") == [
        r"**Deploy \*7\***",
        "By @ada\n**Branch**\nmain\na\\_b\n[a cat](<https://e.org/i.png>)",
        "_soon_ · x",
        "[Open](<https://e.org>)",
        "[Graph](<https://e.org/g.png>)",
        "**as it is**",
    ]


def test_rich_text() -> None:
    def section(*elements: dict[str, Any], kind: str = "rich_text_section") -> dict[str, Any]:
        return {"type": kind, "elements": list(elements)}

    def word(text: str, **style: bool) -> dict[str, Any]:
        return {"type": "text", "text": text, "style": style}

    elements = [
        section(word("Done "), word("twice ", bold=True), word("a_b", code=True), {"type": "emoji", "name": "tada"}),
        {"type": "rich_text_list", "style": "ordered", "elements": [section(word("one")), section(word("two"))]},
        {"type": "rich_text_list", "indent": 1, "elements": [section({"type": "link", "url": "https://e.org"})]},
        section(word("said\nso"), kind="rich_text_quote"),
        section(word("x = *1*\n"), kind="rich_text_preformatted"),
        section({"type": "user", "user_id": "U1"}, {"type": "broadcast", "range": "here"}),
    ]
    assert read({"blocks": [{"type": "rich_text", "elements": elements}]}).split("\n") == [
        "Done **twice** `a_b`:tada:", "1. one", "2. two", "   - <https://e.org>", "> said", "> so",
        "```", "x = *1*", "```", "@U1@here",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"body": "**ours**, and not *Slack's*"}, "**ours**, and not *Slack's*"),
        ({"body": " x ", "text": "y"}, "x"),
        ({"body": None, "text": "y"}, "y"),
        ({"text": "*plain*", "mrkdwn": False}, r"\*plain\*"),
        ({"text": 7}, "7"),
        ({"text": "a\x00b\ud800"}, "ab?"),
        ({"attachments": [{"fallback": "only this", "color": "good"}]}, "> only this"),
        ({"attachments": [{"pretext": "before", "text": "a\nb"}]}, "before\n\n> a\n> b"),
        ({"text": "t", "blocks": []}, "t"),
        ({"text": "t", "blocks": [{"type": "divider"}]}, "t"),
        ({"text": ["x"], "blocks": "x", "attachments": {"text": "x"}}, ""),
        ({"text": True}, ""),
        ({}, ""),
    ],
)
def test_what_is_said(payload: dict[str, object], said: str) -> None:
    assert read(payload) == said


NAMES = ["text", "type", "blocks", "attachments", "elements", "fields", "title", "value", "accessory", "url", "style"]
KINDS = ["section", "header", "rich_text", "rich_text_section", "rich_text_list", "mrkdwn", "image", "text", "link"]
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(KINDS)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(["text", "blocks", "attachments", "body"]), JSON))
def test_no_payload_is_a_fault(payload: dict[str, object]) -> None:
    read(payload).encode()


@pytest.mark.parametrize("mark", ["```", "`", "<", "*", "~", "*a", "<a|", "&amp;", "*_~", " *a ~b", "\\"])
def test_a_text_of_marks_takes_no_longer_than_another(mark: str) -> None:
    """A ratio to plain text of the same length: what grows with the square of it would be thousands of times slower."""

    def took_s(text: str) -> float:
        began = time.process_time()
        to_markdown(text)
        return time.process_time() - began

    assert took_s(mark * (200_000 // len(mark))) < 0.05 + 200 * took_s("word " * 40_000)


def test_a_long_body_is_cut_and_says_so() -> None:
    assert cut("x" * 10, 10) == "x" * 10
    assert cut("x" * 11, 10) == "x" * 10 + "…\n\n(cut: there were 11 characters)"
    assert cut("```\n" + "x" * 90, 10) == "```\nxxxxxx…\n```\n\n(cut: there were 94 characters)"


def test_json_of_slack_is_read_as_it_is_written() -> None:
    assert read(json.loads('{"text": "caf\\u00e9 \\ud83c\\udf89"}')) == "café 🎉"
