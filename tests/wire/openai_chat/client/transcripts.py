"""Transcripts: what model servers send, in the shapes of each of them, and what it is read as."""

from typing import NamedTuple

from setaria.core.dialogue import Dialogue, Message, Sampling, Text
from setaria.core.events import Event, Finish, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStart, UsageReport
from setaria.core.usage import Usage

ASKED = Dialogue(
    messages=(Message("user", (Text("Hello"),)),),
    thinking=True,
    max_output_tokens=1000,
    sampling=Sampling(temperature=1.0, top_p=0.95, stop=("END",)),
)


class Transcript(NamedTuple):
    """One stream: the server's name of the model, the body, and the events it is read as."""

    model: str
    body: bytes
    events: list[Event]


def sse(*chunks: str, end: str = "\n\n") -> bytes:
    """Frame chunks as events."""
    return "".join(f"data: {chunk}{end}" for chunk in chunks).encode()


def choice(delta: str, finish: str = "null", more: str = "") -> str:
    """Write a chunk of the plainest form."""
    return f'{{"model":"m","choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}{more}}}]}}'


def told(**fields: object) -> str:
    """Write a chunk with these usage fields; names of details hold an underscore pair."""
    inner = ",".join(f'"{name}":{value}' for name, value in fields.items())
    return f'{{"model":"m","choices":[],"usage":{{{inner}}}}}'


def report(**fields: int) -> UsageReport:
    """Make the report of a call."""
    return UsageReport(Usage(**fields), "upstream")


USAGE = told(prompt_tokens=5, completion_tokens=2, total_tokens=7)
REPORT = report(input_tokens=5, output_tokens=2)
STOP = choice("{}", '"stop"')
CALLS = choice("{}", '"tool_calls"')


def called(*deltas: str, finish: str = CALLS) -> bytes:
    """Frame deltas of tool calls, the finish, the usage and the end mark."""
    return sse(*(choice(f'{{"tool_calls":[{delta}]}}') for delta in deltas), finish, USAGE, "[DONE]")


def calls(*pairs: tuple[str, str, str]) -> list[Event]:
    """Make the events of whole calls (id, name, arguments), each told at once, to the end of the answer."""
    events: list[Event] = []
    for index, (call_id, name, arguments) in enumerate(pairs):
        events += [ToolCallStart(index, call_id, name), ToolCallDelta(index, arguments)]
    return [*events, Finish("tool_calls"), REPORT]


VLLM_HEAD = '"id":"chatcmpl-95f7","object":"chat.completion.chunk","created":1782114956,"model":"org/Model"'
SGLANG_HEAD = '"id":"5a1f","object":"chat.completion.chunk","created":1782114956,"model":"org/Model"'
LLAMA_TAIL = '"created":1782114956,"id":"chatcmpl-Xy","model":"m.gguf","system_fingerprint":"b1","object":"c"'
DEEPSEEK_HEAD = (
    '"id":"f0","object":"chat.completion.chunk","created":1,"model":"deepseek-chat","system_fingerprint":"fp"'
)
OPENAI_HEAD = (
    '"id":"chatcmpl-B","object":"chat.completion.chunk","created":1,"model":"gpt-5.1","service_tier":"default",'
    '"system_fingerprint":null'
)


def vllm(delta: str, finish: str = "null", stop: str = "") -> str:
    """Write a chunk as vLLM does."""
    choices = f'[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish}{stop},"token_ids":null}}]'
    return f'{{{VLLM_HEAD},"choices":{choices}}}'


def sglang(delta: str, finish: str = "null", stop: str = "null") -> str:
    """Write a chunk as SGLang does: all fields, most of them null."""
    choices = f'[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish},"matched_stop":{stop}}}]'
    return f'{{{SGLANG_HEAD},"choices":{choices},"usage":null}}'


def llama(delta: str, finish: str = "null") -> str:
    """Write a chunk as llama.cpp does: the choices first."""
    return f'{{"choices":[{{"finish_reason":{finish},"index":0,"delta":{delta}}}],{LLAMA_TAIL}}}'


def deepseek(delta: str, finish: str = "null", usage: str = "") -> str:
    """Write a chunk as DeepSeek does: the usage beside the finish."""
    return (
        f'{{{DEEPSEEK_HEAD},"choices":[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish}}}]{usage}}}'
    )


def openai(delta: str, finish: str = "null") -> str:
    """Write a chunk as OpenAI does, padded against the measuring of lengths."""
    return (
        f'{{{OPENAI_HEAD},"choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}}}],'
        f'"usage":null,"obfuscation":"xK3"}}'
    )


SERVERS = {
    "vLLM, reasoning and a stop string": Transcript(
        "org/Model",
        sse(
            vllm('{"role":"assistant","content":""}'),
            vllm('{"reasoning":"Let me"}'),
            vllm('{"reasoning":" see."}'),
            vllm('{"content":"Grün \\u2028 ok"}'),
            vllm('{"content":""}', '"stop"', ',"stop_reason":"END"'),
            f'{{{VLLM_HEAD},"choices":[],"usage":{{"prompt_tokens":16,"total_tokens":20,"completion_tokens":4,'
            '"prompt_tokens_details":{"cached_tokens":6}}}',
            "[DONE]",
        ),
        [
            ReasoningDelta("Let me"),
            ReasoningDelta(" see."),
            TextDelta("Grün \u2028 ok"),
            Finish("stop", "END"),
            report(input_tokens=10, cached_input_tokens=6, output_tokens=4),
        ],
    ),
    "vLLM, tool calls and usage in every chunk": Transcript(
        "org/Model",
        sse(
            *(
                f'{chunk[:-1]},"usage":{{"prompt_tokens":9,"total_tokens":{9 + count},"completion_tokens":{count}}}}}'
                for count, chunk in enumerate(
                    (
                        vllm('{"role":"assistant","content":""}'),
                        vllm(
                            '{"tool_calls":[{"id":"chatcmpl-tool-1","type":"function","index":0,'
                            '"function":{"name":"look","arguments":""}}]}'
                        ),
                        vllm('{"tool_calls":[{"index":0,"function":{"arguments":"{\\"at\\": "}}]}'),
                        vllm('{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}'),
                        vllm('{"content":""}', '"tool_calls"', ',"stop_reason":null'),
                    )
                )
            ),
            f'{{{VLLM_HEAD},"choices":[],"usage":{{"prompt_tokens":9,"total_tokens":14,"completion_tokens":5}}}}',
            "[DONE]",
        ),
        [
            ToolCallStart(0, "chatcmpl-tool-1", "look"),
            ToolCallDelta(0, '{"at": '),
            ToolCallDelta(0, "1}"),
            Finish("tool_calls"),
            report(input_tokens=9, output_tokens=5),
        ],
    ),
    "SGLang, with nulls everywhere": Transcript(
        "org/Model",
        sse(
            sglang('{"role":"assistant","content":"","reasoning_content":null,"tool_calls":null}'),
            sglang('{"role":null,"content":null,"reasoning_content":"Hm","tool_calls":null}'),
            sglang('{"role":null,"content":"Yes","reasoning_content":null,"tool_calls":null}'),
            sglang('{"role":null,"content":null,"reasoning_content":null,"tool_calls":null}', '"stop"', "151645"),
            f'{{{SGLANG_HEAD},"choices":[],"usage":{{"prompt_tokens":20,"total_tokens":23,"completion_tokens":3,'
            '"prompt_tokens_details":null,"reasoning_tokens":1}}',
            "[DONE]",
        ),
        [
            ReasoningDelta("Hm"),
            TextDelta("Yes"),
            Finish("stop"),
            report(input_tokens=20, output_tokens=3, reasoning_tokens=1),
        ],
    ),
    "llama.cpp, choices first, comments between": Transcript(
        "m.gguf",
        b": ping\n\n"
        + sse(
            llama('{"role":"assistant","content":null}'),
            llama('{"reasoning_content":"So"}'),
            llama('{"content":"Hi"}'),
            llama("{}", '"length"'),
            f'{{"choices":[],{LLAMA_TAIL},"usage":{{"completion_tokens":3,"prompt_tokens":8,"total_tokens":11}},'
            '"timings":{"prompt_n":8}}',
            "[DONE]",
        ),
        [
            ReasoningDelta("So"),
            TextDelta("Hi"),
            Finish("length"),
            report(input_tokens=8, output_tokens=3),
        ],
    ),
    "DeepSeek, usage beside the finish, keep-alive comments": Transcript(
        "deepseek-chat",
        b": keep-alive\n\n: keep-alive\n\n"
        + sse(
            deepseek('{"role":"assistant","content":null,"reasoning_content":""}'),
            deepseek('{"content":null,"reasoning_content":"Well"}'),
            deepseek('{"content":"A","reasoning_content":null}'),
            deepseek(
                '{"content":"","reasoning_content":null}',
                '"stop"',
                ',"usage":{"prompt_tokens":30,"completion_tokens":9,"total_tokens":39,"prompt_tokens_details":'
                '{"cached_tokens":20},"completion_tokens_details":{"reasoning_tokens":7},'
                '"prompt_cache_hit_tokens":20,"prompt_cache_miss_tokens":10}',
            ),
            "[DONE]",
        ),
        [
            ReasoningDelta("Well"),
            TextDelta("A"),
            Finish("stop"),
            report(input_tokens=10, cached_input_tokens=20, output_tokens=9, reasoning_tokens=7),
        ],
    ),
    "OpenAI, two parallel calls": Transcript(
        "gpt-5.1",
        sse(
            openai(
                '{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_a","type":"function",'
                '"function":{"name":"look","arguments":""}}],"refusal":null}'
            ),
            openai('{"tool_calls":[{"index":0,"function":{"arguments":"{\\"x\\":"}}]}'),
            openai('{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}'),
            openai(
                '{"tool_calls":[{"index":1,"id":"call_b","type":"function","function":{"name":"hear","arguments":""}}]}'
            ),
            openai('{"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]}'),
            openai("{}", '"tool_calls"'),
            f'{{{OPENAI_HEAD},"choices":[],"usage":{{"prompt_tokens":81,"completion_tokens":18,"total_tokens":99,'
            '"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":'
            '{"reasoning_tokens":0,"audio_tokens":0}},"obfuscation":""}',
            "[DONE]",
        ),
        [
            ToolCallStart(0, "call_a", "look"),
            ToolCallDelta(0, '{"x":'),
            ToolCallDelta(0, "1}"),
            ToolCallStart(1, "call_b", "hear"),
            ToolCallDelta(1, "{}"),
            Finish("tool_calls"),
            report(input_tokens=81, output_tokens=18),
        ],
    ),
    "OpenAI on Azure: a first chunk without a model, then a refusal": Transcript(
        "gpt-5.1",
        sse(
            '{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[]}',
            openai('{"role":"assistant","content":"","refusal":null}'),
            openai('{"refusal":"I can\'t"}'),
            openai("{}", '"content_filter"'),
            "[DONE]",
        ),
        [TextDelta("I can't"), Finish("content_filter")],
    ),
}

ODD_STREAMS = {
    "CRLF line ends and an event in two data lines": Transcript(
        "m",
        b'\xef\xbb\xbfevent: message\r\nid: 1\r\ndata: {"model":"m","choices":[{"index":0,\r\n'
        b'data: "delta":{"content":"A"},"finish_reason":null}]}\r\n\r\n' + sse(STOP, USAGE, "[DONE]", end="\r\n\r\n"),
        [TextDelta("A"), Finish("stop"), REPORT],
    ),
    "CR line ends": Transcript(
        "m", sse(choice('{"content":"A"}'), STOP, USAGE, "[DONE]", end="\r\r"), [TextDelta("A"), Finish("stop"), REPORT]
    ),
    "an end without [DONE] and without the last blank line": Transcript(
        "m", sse(choice('{"content":"A"}'), STOP, USAGE)[:-1], [TextDelta("A"), Finish("stop"), REPORT]
    ),
    "[DONE] after the usage, without a finish reason": Transcript(
        "m", sse(choice('{"content":"A"}'), USAGE, "[DONE]"), [TextDelta("A"), Finish("stop"), REPORT]
    ),
    "[DONE] after a call, without a finish reason": Transcript(
        "m",
        sse(choice('{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}]}'), USAGE, "[DONE]"),
        [ToolCallStart(0, "c", "f"), ToolCallDelta(0, "{}"), Finish("tool_calls"), REPORT],
    ),
    "[DONE] without a finish reason and without usage": Transcript(
        "m", sse(choice('{"reasoning_content":"A"}'), "[DONE]"), [ReasoningDelta("A"), Finish("stop")]
    ),
    "data after [DONE]": Transcript(
        "m", sse(choice('{"content":"A"}'), STOP, "[DONE]", choice('{"content":"B"}')), [TextDelta("A"), Finish("stop")]
    ),
    "an error after the finish reason": Transcript(
        "m", sse(choice('{"content":"A"}'), STOP, '{"error":{"message":"late"}}'), [TextDelta("A"), Finish("stop")]
    ),
    "a null error": Transcript(
        "m",
        sse(choice('{"content":"A"}')[:-1] + ',"error":null}', STOP, "[DONE]"),
        [TextDelta("A"), Finish("stop")],
    ),
    "usage before the finish": Transcript("m", sse(USAGE, STOP, "[DONE]"), [Finish("stop"), REPORT]),
    "usage twice: the last counts": Transcript(
        "m",
        sse(STOP, told(prompt_tokens=1, completion_tokens=1, total_tokens=2), USAGE, "[DONE]"),
        [Finish("stop"), REPORT],
    ),
    "usage twice, the last one unknown": Transcript(
        "m", sse(STOP, USAGE, told(prompt_tokens="null"), "[DONE]"), [Finish("stop"), REPORT]
    ),
    "a finish reason in every chunk": Transcript(
        "m",
        sse(choice('{"content":"A"}', '"stop"'), choice('{"content":"B"}', '"stop"'), "[DONE]"),
        [TextDelta("A"), TextDelta("B"), Finish("stop")],
    ),
    "an empty finish reason": Transcript(
        "m", sse(choice('{"content":"A"}', '""'), STOP), [TextDelta("A"), Finish("stop")]
    ),
    "a reason that nobody knows": Transcript("m", sse(choice("{}", '"eos"')), [Finish("stop")]),
    "a stop that is a token": Transcript("m", sse(choice("{}", '"stop"', ',"stop_reason":151645')), [Finish("stop")]),
    "a stop string that was not asked": Transcript(
        "m", sse(choice("{}", '"stop"', ',"matched_stop":"###"')), [Finish("stop")]
    ),
    "looping output": Transcript("m", sse(choice("{}", '"repetition_truncation"')), [Finish("repetition_truncation")]),
    "other choices": Transcript(
        "m",
        sse(
            '{"model":"m","choices":[{"index":1,"delta":{"content":"B"},"finish_reason":"stop"},'
            '{"index":0,"delta":{"content":"A"}}]}',
            STOP,
        ),
        [TextDelta("A"), Finish("stop")],
    ),
    "a choice without delta": Transcript(
        "m", sse('{"model":"m","choices":[{"finish_reason":null}]}', STOP), [Finish("stop")]
    ),
    "both names of reasoning": Transcript(
        "m", sse(choice('{"reasoning_content":"R","reasoning":"R"}'), STOP), [ReasoningDelta("R"), Finish("stop")]
    ),
    "reasoning that is no text": Transcript(
        "m", sse(choice('{"reasoning":{"effort":"low"},"content":"A"}'), STOP), [TextDelta("A"), Finish("stop")]
    ),
    "think marks in the text": Transcript(
        "m",
        sse(
            choice('{"content":"\\n<thi"}'),
            choice('{"content":"nk>Hm</th"}'),
            choice('{"content":"ink>\\n\\nYes <b"}'),
            STOP,
        ),
        [ReasoningDelta("Hm"), TextDelta("Yes <b"), Finish("stop")],
    ),
    "a think mark that comes whole": Transcript(
        "m",
        sse(choice('{"content":"<think>"}'), choice('{"content":"Hm</think>Yes"}'), STOP),
        [ReasoningDelta("Hm"), TextDelta("Yes"), Finish("stop")],
    ),
    "text that only begins like a think mark": Transcript(
        "m", sse(choice('{"content":" <th"}'), choice('{"content":"e>"}'), STOP), [TextDelta(" <the>"), Finish("stop")]
    ),
    "text that ends where a think mark could begin": Transcript(
        "m", sse(choice('{"content":" <t"}'), STOP), [TextDelta(" <t"), Finish("stop")]
    ),
    "think marks in the text after reasoning told apart": Transcript(
        "m",
        sse(
            choice('{"content":" "}'),
            choice('{"reasoning_content":"R"}'),
            choice('{"content":"<think>"}'),
            STOP,
        ),
        [TextDelta(" "), ReasoningDelta("R"), TextDelta("<think>"), Finish("stop")],
    ),
    "a chunk that is neither choice nor error": Transcript("m", sse('{"type":"ping"}', STOP), [Finish("stop")]),
}

CALL_STREAMS = {
    "the index is missing": Transcript(
        "m",
        called(
            '{"id":"a","function":{"name":"f","arguments":"{}"}}',
            '{"id":"b","function":{"name":"g","arguments":"{\\"x\\":1}"}}',
        ),
        calls(("a", "f", "{}"), ("b", "g", '{"x":1}')),
    ),
    "the same index for several ids": Transcript(
        "m",
        called(
            '{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}},'
            '{"index":0,"id":"b","function":{"name":"g","arguments":"{\\"x\\":1}"}}',
        ),
        calls(("a", "f", "{}"), ("b", "g", '{"x":1}')),
    ),
    "the same index and id for two functions: the second gets an id of ours": Transcript(
        "m",
        called(
            '{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}',
            '{"index":0,"id":"a","function":{"name":"g","arguments":"{\\"x\\":1}"}}',
        ),
        calls(("a", "f", "{}"), ("call_", "g", '{"x":1}')),
    ),
    "id and name repeated in every piece": Transcript(
        "m",
        called(
            '{"index":0,"id":"a","function":{"name":"f","arguments":""}}',
            '{"index":0,"id":"a","function":{"name":"f","arguments":"{\\"x\\""}}',
            '{"index":0,"id":"a","function":{"name":"f","arguments":":1}"}}',
        ),
        [ToolCallStart(0, "a", "f"), ToolCallDelta(0, '{"x"'), ToolCallDelta(0, ":1}"), Finish("tool_calls"), REPORT],
    ),
    "the name alone repeated": Transcript(
        "m",
        called(
            '{"index":0,"id":"a","function":{"name":"f","arguments":"{\\"x\\""}}',
            '{"index":0,"function":{"name":"f","arguments":":1}"}}',
        ),
        [ToolCallStart(0, "a", "f"), ToolCallDelta(0, '{"x"'), ToolCallDelta(0, ":1}"), Finish("tool_calls"), REPORT],
    ),
    "a new id for every piece": Transcript(
        "m",
        called(
            '{"index":0,"id":"a","function":{"name":"f"}}',
            '{"index":0,"id":"b","function":{"name":null,"arguments":"{\\"x\\":1"}}',
            '{"index":0,"id":"c","function":{"arguments":"}"}}',
        ),
        [ToolCallStart(0, "a", "f"), ToolCallDelta(0, '{"x":1'), ToolCallDelta(0, "}"), Finish("tool_calls"), REPORT],
    ),
    "the id after the name": Transcript(
        "m",
        called('{"index":0,"function":{"name":"f"}}', '{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}'),
        calls(("a", "f", "{}")),
    ),
    "a name in two pieces": Transcript(
        "m",
        called(
            '{"index":0,"id":"a","function":{"name":"get_"}}',
            '{"index":0,"function":{"name":"it"}}',
            '{"index":0,"function":{"arguments":"{}"}}',
        ),
        calls(("a", "get_it", "{}")),
    ),
    "arguments as an object": Transcript(
        "m",
        called('{"index":0,"id":"a","function":{"name":"f","arguments":{"x":"}","y":{}}}}'),
        calls(("a", "f", '{"x":"}","y":{}}')),
    ),
    "null arguments, and none at all": Transcript(
        "m",
        called(
            '{"index":0,"id":"a","function":{"name":"f","arguments":null}}',
            '{"index":1,"id":"b","function":{"name":"g"}}',
        ),
        calls(("a", "f", "{}"), ("b", "g", "{}")),
    ),
    "two objects in one call's arguments": Transcript(
        "m",
        called(
            '{"index":0,"id":"a","function":{"name":"f","arguments":"{\\"x\\":1}{\\"x\\":\\"{\\\\\\"\\"} {\\"x\\":3}"}}'
        ),
        calls(("a", "f", '{"x":1}'), ("call_", "f", '{"x":"{\\""}'), ("call_", "f", '{"x":3}')),
    ),
    "two objects in pieces, the second cut": Transcript(
        "m",
        called(
            '{"index":0,"id":"a","function":{"name":"f","arguments":"{\\"x\\":1}{"}}',
            '{"index":0,"function":{"arguments":"\\"x\\":"}}',
            finish=choice("{}", '"length"'),
        ),
        [*calls(("a", "f", '{"x":1}'), ("call_", "f", '{"x":'))[:-2], Finish("length"), REPORT],
    ),
    "the whole arguments told once more, and a bracket too many": Transcript(
        "m",
        called(
            '{"index":0,"id":"a","function":{"name":"f","arguments":"{\\"x\\":1}"}}',
            '{"index":0,"function":{"arguments":"{\\"x\\":1}"}}',
            '{"index":0,"function":{"arguments":"}"}}',
        ),
        calls(("a", "f", '{"x":1}')),
    ),
    "empty parallel calls": Transcript(
        "m",
        called(
            '{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}',
            '{"index":1,"id":"","function":{"name":"","arguments":""}},{"index":2}',
            '{"index":3,"id":"b","type":"function"}',
        ),
        calls(("a", "f", "{}")),
    ),
    "calls that take turns come out one after another": Transcript(
        "m",
        called(
            '{"index":0,"id":"a","function":{"name":"f","arguments":"{\\"x\\""}}',
            '{"index":1,"id":"b","function":{"name":"g","arguments":"{"}}',
            '{"index":0,"function":{"arguments":":1}"}}',
            '{"index":1,"function":{"arguments":"}"}}',
        ),
        [
            ToolCallStart(0, "a", "f"),
            ToolCallDelta(0, '{"x"'),
            ToolCallDelta(0, ":1}"),
            ToolCallStart(1, "b", "g"),
            ToolCallDelta(1, "{"),
            ToolCallDelta(1, "}"),
            Finish("tool_calls"),
            REPORT,
        ],
    ),
    "text and reasoning between the pieces of a call": Transcript(
        "m",
        sse(
            choice('{"content":"Let me look."}'),
            choice('{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\\"x\\""}}]}'),
            choice('{"content":"Hm "}'),
            choice('{"reasoning_content":"so"}'),
            choice('{"content":"well","tool_calls":[{"index":0,"function":{"arguments":":1"}}]}'),
            choice('{"content":"!","tool_calls":[{"index":0,"function":{"arguments":"}"}}]}'),
            choice('{"content":"Done."}'),
            CALLS,
            USAGE,
            "[DONE]",
        ),
        [
            TextDelta("Let me look."),
            ToolCallStart(0, "a", "f"),
            ToolCallDelta(0, '{"x"'),
            ToolCallDelta(0, ":1"),
            ToolCallDelta(0, "}"),
            TextDelta("Hm "),
            ReasoningDelta("so"),
            TextDelta("well"),
            TextDelta("!"),
            TextDelta("Done."),
            Finish("tool_calls"),
            REPORT,
        ],
    ),
    "text between calls that take turns": Transcript(
        "m",
        sse(
            choice('{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]}'),
            choice('{"tool_calls":[{"index":1,"id":"b","function":{"name":"g","arguments":"{"}}]}'),
            choice('{"content":"Hm"}'),
            choice('{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}'),
            choice('{"tool_calls":[{"index":1,"function":{"arguments":"}"}}]}'),
            CALLS,
            USAGE,
            "[DONE]",
        ),
        [
            ToolCallStart(0, "a", "f"),
            ToolCallDelta(0, "{"),
            ToolCallDelta(0, "}"),
            ToolCallStart(1, "b", "g"),
            ToolCallDelta(1, "{"),
            ToolCallDelta(1, "}"),
            TextDelta("Hm"),
            Finish("tool_calls"),
            REPORT,
        ],
    ),
    "text in a call that is cut": Transcript(
        "m",
        sse(
            choice('{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]}'),
            choice('{"content":"Hm"}'),
            choice("{}", '"length"'),
            USAGE,
        ),
        [ToolCallStart(0, "a", "f"), ToolCallDelta(0, "{"), TextDelta("Hm"), Finish("length"), REPORT],
    ),
    "names without ids and indexes": Transcript(
        "m",
        called('{"function":{"name":"f"}}', '{"function":{"name":"g","arguments":"{}"}}'),
        calls(("call_", "f", "{}"), ("call_", "g", "{}")),
    ),
    "a function call of old": Transcript(
        "m",
        sse(
            choice('{"function_call":{"name":"f","arguments":""}}'),
            choice('{"function_call":{"arguments":"{}"}}'),
            choice("{}", '"function_call"'),
            USAGE,
        ),
        calls(("call_", "f", "{}")),
    ),
    "`stop` after a call": Transcript(
        "m",
        called('{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}', finish=STOP),
        calls(("a", "f", "{}")),
    ),
    "`tool_calls` without a call": Transcript("m", sse(CALLS, USAGE), [Finish("stop"), REPORT]),
}

TRANSCRIPTS = SERVERS | ODD_STREAMS | CALL_STREAMS
