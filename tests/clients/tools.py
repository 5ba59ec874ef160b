"""Tools: what each is installed from, and how it is told of the platform and given its task, without a terminal.

`docs/tools.md` says the same for people.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from tests.end_to_end.asking import Client

CONTEXT_TOKENS, OUTPUT_TOKENS = 200_000, 32_000
_SDK_LOOPS = Path(__file__).parent / "sdk_loops.py"


class Task(NamedTuple):
    """One run: a home for the tool alone, the folder it works in, and where its model is."""

    home: Path
    work: Path
    program: str
    client: Client
    base_url: str
    key: str
    model: str

    @property
    def prompt(self) -> str:
        """What the tool is asked to do."""
        return f"Read {self.work}/hello.txt, write its secret word into {self.work}/out.txt, then say the word."

    def write(self, path: str, content: object) -> Path:
        """Write a configuration, as JSON or as it is, below the tool's home."""
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        return file


class Command(NamedTuple):
    """A command, and the variables that it needs beyond a home and a path."""

    arguments: list[str]
    variables: dict[str, str]


class Tool(NamedTuple):
    """A tool: its packages, each with its version, the program among what they install, and how to run it."""

    name: str
    registry: Literal["npm", "PyPI"]
    packages: tuple[str, ...]
    program: str
    clients: tuple[Client, ...]
    run: Callable[[Task], Command]

    @property
    def version(self) -> str:
        """The version of its first package."""
        return self.packages[0].replace("==", "@").rpartition("@")[2]


def run_claude_code(task: Task) -> Command:
    """Run Claude Code."""
    task.write(".claude.json", {"hasCompletedOnboarding": True})
    models = ("MODEL", "DEFAULT_OPUS_MODEL", "DEFAULT_SONNET_MODEL", "DEFAULT_HAIKU_MODEL")
    variables = {f"ANTHROPIC_{name}": task.model for name in models}
    variables |= {"ANTHROPIC_BASE_URL": f"{task.base_url}/anthropic", "ANTHROPIC_AUTH_TOKEN": task.key}
    variables |= {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1"}
    options = ["--output-format", "json", "--allowedTools", "Read,Write"]
    return Command([task.program, "-p", task.prompt, *options], variables)


def _provider(task: Task, name: str) -> dict[str, object]:
    """Write what OpenCode and its offspring want to know."""
    model: dict[str, object] = {"name": task.model, "reasoning": True, "tool_call": True}
    model["limit"] = {"context": CONTEXT_TOKENS, "output": OUTPUT_TOKENS}
    if task.client == "chat":
        model["interleaved"] = {"field": "reasoning_content"}
    package, path = {"chat": ("openai-compatible", "/v1"), "messages": ("anthropic", "/anthropic/v1")}[task.client]
    options = {"baseURL": task.base_url + path, "apiKey": task.key}
    provider = {"npm": f"@ai-sdk/{package}", "name": name, "options": options, "models": {task.model: model}}
    return {
        "autoupdate": False,
        "share": "disabled",
        "enabled_providers": ["setaria"],
        "model": f"setaria/{task.model}",
        "small_model": f"setaria/{task.model}",
        "provider": {"setaria": provider},
        "permission": {"edit": "allow", "bash": "allow", "webfetch": "deny", "external_directory": "allow"},
    }


def _switch_off(prefix: str) -> dict[str, str]:
    names = ("AUTOUPDATE", "MODELS_FETCH", "LSP_DOWNLOAD", "DEFAULT_PLUGINS", "SHARE", "SESSION_INGEST")
    return {f"{prefix}_DISABLE_{name}": "1" for name in names}


def run_opencode(task: Task) -> Command:
    """Run OpenCode."""
    task.write(".config/opencode/opencode.json", _provider(task, "Setaria"))
    return Command([task.program, "run", task.prompt], _switch_off("OPENCODE"))


def run_kilo_code(task: Task) -> Command:
    """Run Kilo Code, an offspring of OpenCode."""
    task.write(".config/kilo/kilo.json", _provider(task, "Setaria"))
    variables = _switch_off("KILO") | {"KILO_TELEMETRY_LEVEL": "off"}
    return Command([task.program, "run", "--auto", task.prompt], variables)


def run_cline(task: Task) -> Command:
    """Run Cline; `cline auth` writes the same file."""
    name, path = {"chat": ("openai-compatible", "/v1"), "messages": ("anthropic", "/anthropic/v1")}[task.client]
    settings = {"provider": name, "apiKey": task.key, "model": task.model, "baseUrl": task.base_url + path}
    provider = {"settings": settings, "updatedAt": "2026-01-01T00:00:00.000Z", "tokenSource": "manual"}
    file = {"version": 1, "lastUsedProvider": name, "modes": {}, "providers": {name: provider}}
    task.write(".cline/data/settings/providers.json", file)
    options = ["--json", "--auto-approve", "true", "-P", name, "-k", task.key, "-m", task.model, "-t", "90"]
    return Command(
        [task.program, *options, task.prompt], {"CLINE_TELEMETRY_DISABLED": "1", "CLINE_NO_AUTO_UPDATE": "1"}
    )


def run_hermes_agent(task: Task) -> Command:
    """Run Hermes Agent."""
    path, mode = {"chat": ("/v1", "chat_completions"), "messages": ("/anthropic", "anthropic_messages")}[task.client]
    model: dict[str, object] = {
        "provider": "custom",
        "default": task.model,
        "base_url": task.base_url + path,
        "api_key": task.key,
    }
    model |= {"api_mode": mode, "context_length": CONTEXT_TOKENS}
    # JSON is YAML too
    config = {"model": model, "terminal": {"cwd": str(task.work)}, "updates": {"check": False}}
    file = task.write(".hermes/config.yaml", config)
    variables = {"HERMES_HOME": str(file.parent), "HERMES_SKIP_UPDATE_CHECK": "1", "TERMINAL_CWD": str(task.work)}
    return Command([task.program, "-t", "file", "--yolo", "-z", task.prompt], variables)


def run_openclaw(task: Task) -> Command:
    """Run OpenClaw."""
    api, path = {"chat": ("openai-completions", "/v1"), "messages": ("anthropic-messages", "/anthropic")}[task.client]
    model: dict[str, object] = {"id": task.model, "name": task.model, "reasoning": True, "input": ["text"]}
    model |= {"contextWindow": CONTEXT_TOKENS, "maxTokens": OUTPUT_TOKENS}
    provider = {"baseUrl": task.base_url + path, "apiKey": task.key, "api": api, "models": [model]}
    defaults = {"model": {"primary": f"setaria/{task.model}"}}
    config = {"models": {"providers": {"setaria": provider}}, "agents": {"defaults": defaults}}
    file = str(task.write("openclaw.json", config))
    options = ["--config", file, "--no-auth-env-only", "--cwd", str(task.work), "--timeout", "150", "--json"]
    return Command([task.program, "agent", "exec", *options, task.prompt], {})


def run_codebuddy_code(task: Task) -> Command:
    """Run CodeBuddy Code."""
    model: dict[str, object] = {
        "id": task.model,
        "name": task.model,
        "url": f"{task.base_url}/v1/chat/completions",
        "apiKey": task.key,
    }
    model |= {"maxInputTokens": CONTEXT_TOKENS, "maxOutputTokens": OUTPUT_TOKENS, "supportsToolCall": True}
    task.write(".codebuddy/models.json", {"models": [model], "availableModels": [task.model]})
    return Command([task.program, "-y", "-p", task.prompt, "--model", task.model], {})


def run_sdk(task: Task) -> Command:
    """Run a script with the official Python SDK."""
    arguments = [task.client, task.base_url, task.key, task.model, task.prompt]
    return Command([task.program, str(_SDK_LOOPS), *arguments], {})


BOTH: tuple[Client, ...] = ("chat", "messages")
TOOLS = (
    Tool("OpenAI SDK", "PyPI", ("openai==3.54.0",), "bin/python", ("chat",), run_sdk),
    Tool("Anthropic SDK", "PyPI", ("anthropic==1.17.0",), "bin/python", ("messages",), run_sdk),
    Tool("Claude Code", "npm", ("@anthropic-ai/claude-code@2.1.330",), "claude", ("messages",), run_claude_code),
    Tool("OpenCode", "npm", ("opencode-ai@1.18.33",), "opencode", BOTH, run_opencode),
    Tool("Cline", "npm", ("cline@3.0.65",), "cline", BOTH, run_cline),
    Tool("Hermes Agent", "PyPI", ("hermes-agent==0.19.0", "anthropic==0.87.0"), "bin/hermes", BOTH, run_hermes_agent),
    Tool("Kilo Code", "npm", ("@kilocode/cli@7.7.7",), "kilo", BOTH, run_kilo_code),
    Tool("OpenClaw", "npm", ("openclaw@2026.9.6",), "openclaw", BOTH, run_openclaw),
    Tool("CodeBuddy Code", "npm", ("@tencent-ai/codebuddy-code@latest",), "codebuddy", ("chat",), run_codebuddy_code),
)
