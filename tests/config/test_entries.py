"""Upstreams and models of the configuration file: what is read, what is refused, and where it says the fault is."""

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from setaria.config import ConfigError, Settings, settings_from_json, settings_to_json
from setaria.core.entries import (
    DeploymentEntry,
    Entries,
    ModelEntry,
    ThinkingStyle,
    Timeouts,
    UpstreamEntry,
    UpstreamKind,
    doubt_base_url,
)
from setaria.wire import upstream_codec

Load = Callable[[str], Settings]

UPSTREAM = "[[upstreams]]\nname = 'a'\nkind = 'openai'\nbase_url = 'http://h/v1'\n"
MODEL = "[[models]]\nid = 'm'\ndeployments = [{ upstream = 'a', model = 'M' }]\n"
WHOLE = """
[[upstreams]]
name = "vllm-1"
kind = "openai"
base_url = "http://127.0.0.1:8000/v1/"
api_key_env = "VLLM_KEY"
headers = { x-team = "blue" }
pass_fields = ["service_tier"]
concurrency = 8
ca_file = "ca.pem"

[[upstreams]]
name = "claude"
kind = "anthropic"
base_url = "https://api.example.com"
api_key_file = "/run/secrets/claude"

[[models]]
id = "mimo-v2.5-pro"
display_name = "MiMo Pro"
description = "a large model"
aliases = ["mimo-v2.5-pro[1m]"]
context_tokens = 1048576
output_tokens = 131072
capabilities = ["tools", "thinking", "json", "search", "image"]
thinking = "disabled"
reasoning_replay = "pass"
rescue = "off"
on_client_gone = "drain"
drain_tokens = 500
timeouts = { connect_s = 5, first_token_s = 120, between_tokens_s = 0.5, total_s = 3600 }
deployments = [
    { upstream = "vllm-1", model = "XiaomiMiMo/MiMo-V2.5-Pro", weight = 3, thinking_style = "chat_template_kwargs" },
    { upstream = "claude", model = "opus" },
]

[[models]]
id = "tiny"
[[models.deployments]]
upstream = "local"
model = "models/tiny"
"""


def test_everything_is_read(file: Path, load: Load) -> None:
    """Each key comes as it was written: addresses without the last slash, paths from the file's folder."""
    expected = Entries(
        upstreams=(
            UpstreamEntry(
                name="vllm-1",
                kind="openai",
                base_url="http://127.0.0.1:8000/v1",
                api_key_env="VLLM_KEY",
                headers={"x-team": "blue"},
                pass_fields=("service_tier",),
                concurrency=8,
                ca_file=str(file.parent / "ca.pem"),
            ),
            UpstreamEntry(
                name="claude",
                kind="anthropic",
                base_url="https://api.example.com",
                api_key_file="/run/secrets/claude",
            ),
        ),
        models=(
            ModelEntry(
                id="mimo-v2.5-pro",
                display_name="MiMo Pro",
                description="a large model",
                aliases=("mimo-v2.5-pro[1m]",),
                context_tokens=1_048_576,
                output_tokens=131_072,
                capabilities=("tools", "thinking", "json", "search", "image"),
                thinking="disabled",
                on_client_gone="drain",
                drain_tokens=500,
                timeouts=Timeouts(connect_s=5, first_token_s=120, between_tokens_s=0.5, total_s=3600),
                deployments=(
                    DeploymentEntry(
                        upstream="vllm-1",
                        model="XiaomiMiMo/MiMo-V2.5-Pro",
                        weight=3,
                        thinking_style="chat_template_kwargs",
                    ),
                    DeploymentEntry(upstream="claude", model="opus"),
                ),
            ),
            ModelEntry(
                id="tiny",
                deployments=(DeploymentEntry(upstream="local", model=str(file.parent / "models/tiny")),),
            ),
        ),
    )
    settings = load(WHOLE)
    assert settings.entries == expected
    assert settings_from_json(settings_to_json(settings)) == settings


def test_without_entries_there_are_none(load: Load) -> None:
    """A file without upstreams and models has none."""
    assert load("[server]\n").entries == Entries()


def test_a_local_upstream_may_have_another_name(load: Load) -> None:
    """The built-in engine can be named; its models that have no slash are its own."""
    settings = load("[[upstreams]]\nname = 'here'\nkind = 'local'\nconcurrency = 2\n" + MODEL.replace("'a'", "'here'"))
    assert settings.entries.upstreams == (UpstreamEntry(name="here", kind="local", concurrency=2),)
    assert settings.entries.models[0].deployments[0].model == "M"


@pytest.mark.parametrize(
    "text, problem",
    [
        ("\n[[upstreams]]\nname = 'a'\n", ":2: upstreams lacks kind; allowed: openai, anthropic, local"),
        (UPSTREAM + "\n[[upstreams]]\nnmae = 'b'\n", ":7: nmae is no setting of upstreams; did you mean name?"),
        (UPSTREAM + "api_key = 'p4ss'\n", ":5: api_key is no setting of upstreams; did you mean api_key_"),
        (UPSTREAM + "api_key_env = 'sk-p4ss'\n", ":5: upstreams.api_key_env can't be that; allowed: the name of an"),
        (UPSTREAM + "api_key_env = 'SETARIA_KEY'\n", ":5: upstreams.api_key_env can't be that; allowed: the name of"),
        (UPSTREAM + "api_key_env = 'A'\napi_key_file = 'b'\n", ":6: api_key_env and api_key_file are both set; keep"),
        (UPSTREAM.replace("openai", "opnai"), ":3: upstreams.kind can't be 'opnai'; did you mean openai?; allowed: "),
        (UPSTREAM.replace("http://h/v1", "http://ann:p4ss@h"), ":4: upstreams.base_url can't be that; allowed: an add"),
        (UPSTREAM.replace("http://h/v1", "h:80"), ":4: upstreams.base_url can't be that; allowed: an address such as"),
        (UPSTREAM.replace("http://h/v1", ""), ":1: the upstream a has no base_url; it says where the server is"),
        (UPSTREAM.replace("'a'", "'local'"), ":2: the name local belongs to the built-in engine; take another one"),
        (UPSTREAM.replace("openai", "local"), ":4: an upstream of kind local has no base_url; remove it"),
        (UPSTREAM.replace("'a'", "'a b'"), ":2: upstreams.name can't be 'a b'; allowed: 1 to 64 letters, digits"),
        (UPSTREAM + "concurrency = -1\n", ":5: upstreams.concurrency can't be -1; allowed: a whole number from 0 to"),
        (UPSTREAM + "pass_fields = [1]\n", ":5: upstreams.pass_fields can't be 1; allowed: a text"),
        (UPSTREAM + "pass_fields = 'x'\n", ":5: upstreams.pass_fields can't be 'x'; allowed: a list, each of it a te"),
        (UPSTREAM + "headers = { x = 1 }\n", ":5: upstreams.headers can't be that; allowed: a table of texts"),
        (UPSTREAM + "headers = { 'a b' = '' }\n", ":5: 'a b' is no name of a header; allowed: letters, digits and das"),
        (UPSTREAM + "[upstreams.headers]\nx = ''\nAuthorization = 'p4ss'\n", ":7: the header Authorization would show"),
        (UPSTREAM + "headers = { Host = 'h' }\n", ":5: the header Host is Setaria's own; remove it"),
        (UPSTREAM + "headers = { x = 'p4ss\\u0007' }\n".replace("'", '"'), ":5: the value of the header x has charact"),
        (UPSTREAM * 2, ":6: there are two upstreams named a; rename one"),
        ("upstreams = 1\n", ":1: upstreams must be tables that begin with [[upstreams]] each"),
        ("[models]\n", ":1: models must be tables that begin with [[models]] each"),
        ("[[models]]\n", ":1: models lacks id; allowed: 1 to 128 letters, digits and signs"),
        ("[[models]]\nid = 'm'\n", ":1: models lacks deployments; allowed: a list, each of it a table"),
        ("[[models]]\nid = 'm'\ndeployments = []\n", ":3: the model m has no deployments; they say which upstreams"),
        (MODEL, ":3: there is no upstream a in this file; there are: local"),
        (UPSTREAM + MODEL.replace("'a'", "'aa'"), ":7: there is no upstream aa in this file; did you mean a?"),
        (UPSTREAM + MODEL + "tokens = 1\n", ":8: tokens is no setting of models; did you mean "),
        (
            UPSTREAM + MODEL + "context_tokens = '1'\n",
            ":8: models.context_tokens can't be '1'; allowed: a whole number",
        ),
        (UPSTREAM + MODEL + "context_tokens = 1\n", ":5: output_tokens (32768) can't be above context_tokens (1)"),
        (
            UPSTREAM + MODEL + "output_tokens = 200000\n",
            ":8: output_tokens (200000) can't be above context_tokens (131",
        ),
        (
            UPSTREAM + MODEL + "capabilities = ['tool']\n",
            ":8: models.capabilities can't be 'tool'; did you mean tools?",
        ),
        (UPSTREAM + MODEL + "thinking = true\n", ":8: models.thinking can't be True; allowed: enabled, disabled"),
        (UPSTREAM + MODEL + 'description = "a\\u0007"\n', ":8: description has characters that can't be printed"),
        (
            UPSTREAM + MODEL + "reasoning_replay = 'restore'\n",
            ":8: models.reasoning_replay 'restore' is not yet availa",
        ),
        (UPSTREAM + MODEL + "reasoning_replay = 'x'\n", ":8: models.reasoning_replay can't be 'x'; allowed: pass"),
        (UPSTREAM + MODEL + "rescue = 'strict'\n", ":8: models.rescue 'strict' is not yet available; allowed: off"),
        (UPSTREAM + MODEL + "timeouts = { conect_s = 1 }\n", ":8: conect_s is no setting of models.timeouts; did you"),
        (UPSTREAM + MODEL + "timeouts = 3\n", ":8: models.timeouts must be a table"),
        (
            UPSTREAM + MODEL + "[models.timeouts]\n\ntotal_s = 0\n",
            ":10: models.timeouts.total_s can't be 0; allowed: a ",
        ),
        (UPSTREAM + MODEL + "aliases = ['m']\n", ":8: the model m has the name m twice"),
        (UPSTREAM + MODEL * 2, ":9: two models have the name m; rename one"),
        (UPSTREAM + MODEL + MODEL.replace("'m'", "'n'") + "aliases = ['m']\n", ":11: two models have the name m; ren"),
        (
            UPSTREAM + "[[models]]\nid = 'm'\n[[models.deployments]]\nupstream = 'a'\nmodel = 'M'\nwieght = 1\n",
            ":10: wieght is no setting of models.deployments; did you mean weight?",
        ),
        (
            UPSTREAM
            + "[[models]]\nid = 'm'\ndeployments = [\n  { upstream = 'a', model = 'M' },\n"
            "  { upstream = 'a', model = 'N',\n    thinking_style = 'anthropc' } ]\n".replace("',\n   ", "',"),
            ":9: models.deployments.thinking_style can't be 'anthropc'; did you mean anthropic?; allowed: thinking_",
        ),
        (
            UPSTREAM + "[[models]]\nid = 'm'\ndeployments = [{ upstream = 'a', model = 'M' }, 3]\n",
            ":7: models.deployments must be a table",
        ),
        (
            UPSTREAM + "[[models]]\nid = 'm'\ndeployments = [{upstream='a', model='M'},\n {upstream='a', model='M'}]\n",
            ":8: the model m has M on a twice",
        ),
    ],
)
def test_a_wrong_entry_is_refused(file: Path, load: Load, text: str, problem: str) -> None:
    """The message says file, line, what is wrong, the nearest right name or what is allowed, and no secret."""
    with pytest.raises(ConfigError) as refusal:
        load(text)
    assert str(refusal.value)[: len(f"{file}{problem}")] == f"{file}{problem}"
    assert "p4ss" not in str(refusal.value)


@pytest.mark.parametrize(
    "kind, url, doubt",
    [
        ("openai", "http://h:8000/v1", ""),
        ("openai", "https://h/api/paas/v4", ""),
        ("openai", "https://h/v1beta/openai", ""),
        ("openai", "http://h:8000", "most servers of this kind want it to end in /v1"),
        ("anthropic", "https://h", ""),
        ("anthropic", "https://h/v1", "ends in /v1, which is added by itself; leave it out"),
    ],
)
def test_an_address_that_looks_wrong_is_doubted(kind: UpstreamKind, url: str, doubt: str) -> None:
    """An OpenAI address wants a version, an Anthropic one none."""
    said = doubt_base_url(UpstreamEntry(name="a", kind=kind, base_url=url))
    assert (bool(said), doubt in said) == (bool(doubt), True)


def test_thinking_styles_are_those_of_the_protocols() -> None:
    """What an operator may write is what the protocols know."""
    assert get_args(ThinkingStyle) == get_args(upstream_codec.ThinkingStyle)
