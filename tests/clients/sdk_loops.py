"""SDK loops: a whole loop of tool calls with the official Python SDKs, streaming and not.

`python sdk_loops.py chat|messages BASE_URL KEY MODEL PROMPT` runs the loop twice and prints what was said at the end.
"""

import json
import sys
from pathlib import Path
from typing import Any

READ = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
WRITE = {
    "type": "object",
    "properties": {"path": {"type": "string"}, "content": {"type": "string"}},
    "required": ["path", "content"],
}
SCHEMAS = {"read_file": READ, "write_file": WRITE}
MOST_TURNS = 5


def use_tool(name: str, arguments: dict[str, str]) -> str:
    """Do what the model asks for."""
    file = Path(arguments["path"])
    if name == "read_file":
        return file.read_text()
    file.write_text(arguments["content"])
    return "written"


def run_openai(base_url: str, key: str, model: str, prompt: str, *, stream: bool) -> str:
    """Run the loop with the OpenAI SDK; gives the last text."""
    import openai  # noqa: PLC0415 - each SDK has an environment of its own

    tools: Any = [{"type": "function", "function": {"name": n, "parameters": s}} for n, s in SCHEMAS.items()]
    messages: list[Any] = [{"role": "user", "content": prompt}]
    with openai.OpenAI(base_url=f"{base_url}/v1", api_key=key, max_retries=0) as client:
        for _ in range(MOST_TURNS):
            if stream:
                with client.chat.completions.stream(model=model, messages=messages, tools=tools) as events:
                    message: Any = events.get_final_completion().choices[0].message
            else:
                message = client.chat.completions.create(model=model, messages=messages, tools=tools).choices[0].message
            assert message.reasoning_content
            if not message.tool_calls:
                return str(message.content)
            messages.append(message)
            for call in message.tool_calls:
                result = use_tool(call.function.name, json.loads(call.function.arguments))
                messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    raise AssertionError("the loop does not end")


def run_anthropic(base_url: str, key: str, model: str, prompt: str, *, stream: bool) -> str:
    """Run the loop with the Anthropic SDK; gives the last text."""
    import anthropic  # noqa: PLC0415 - as above

    asked: Any = {"model": model, "max_tokens": 2048, "thinking": {"type": "enabled", "budget_tokens": 1024}}
    asked["tools"] = [{"name": name, "input_schema": schema} for name, schema in SCHEMAS.items()]
    messages: list[Any] = [{"role": "user", "content": prompt}]
    with anthropic.Anthropic(base_url=f"{base_url}/anthropic", api_key=key, max_retries=0) as client:
        for _ in range(MOST_TURNS):
            if stream:
                with client.messages.stream(messages=messages, **asked) as events:
                    answer: Any = events.get_final_message()
            else:
                answer = client.messages.create(messages=messages, **asked)
            assert answer.content[0].signature
            if answer.stop_reason != "tool_use":
                return "".join(block.text for block in answer.content if block.type == "text")
            messages.append({"role": "assistant", "content": answer.content})
            results = [
                {"type": "tool_result", "tool_use_id": block.id, "content": use_tool(block.name, block.input)}
                for block in answer.content
                if block.type == "tool_use"
            ]
            messages.append({"role": "user", "content": results})
    raise AssertionError("the loop does not end")


def main() -> None:
    """Run the loop of one SDK both ways."""
    client, base_url, key, model, prompt = sys.argv[1:]
    run = {"chat": run_openai, "messages": run_anthropic}[client]
    for stream in (False, True):
        print(run(base_url, key, model, prompt, stream=stream))


if __name__ == "__main__":
    main()
