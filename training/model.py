"""Model: a small decoder of the Qwen3 architecture, with the names and the arithmetic of `Qwen3ForCausalLM`.

Grouped-query attention with normalized queries and keys, SwiGLU, rotary positions, tied embeddings: 4.66 million
parameters. The projections that end a block begin at zero, so that training starts from the embeddings alone.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

_LONGEST_PLAIN = 512
"""Up to this length attention as plain matrix products is faster on a processor than the fused one."""

_MASKED = -1e4


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of the network."""

    vocabulary: int = 2048
    width: int = 256
    layers: int = 7
    heads: int = 8
    key_heads: int = 4
    head_width: int = 32
    inner_width: int = 512
    rope_base: float = 10_000.0
    epsilon: float = 1e-6


class Norm(nn.Module):
    """Root-mean-square normalization."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        """Normalize the last dimension."""
        return functional.rms_norm(x, (x.shape[-1],), self.weight.to(x.dtype), self.epsilon)


class Attention(nn.Module):
    """Causal self-attention; each key head serves several query heads."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        inner = shape.heads * shape.head_width
        keys = shape.key_heads * shape.head_width
        self.q_proj = nn.Linear(shape.width, inner, bias=False)
        self.k_proj = nn.Linear(shape.width, keys, bias=False)
        self.v_proj = nn.Linear(shape.width, keys, bias=False)
        self.o_proj = nn.Linear(inner, shape.width, bias=False)
        self.q_norm = Norm(shape.head_width, shape.epsilon)
        self.k_norm = Norm(shape.head_width, shape.epsilon)

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        """Attend to what stands before."""
        rows, length, _ = x.shape
        size = (rows, length, -1, self.shape.head_width)
        query = _rotate(self.q_norm(self.q_proj(x).view(size)), cosine, sine).transpose(1, 2)
        key = _rotate(self.k_norm(self.k_proj(x).view(size)), cosine, sine).transpose(1, 2)
        value = self.v_proj(x).view(size).transpose(1, 2)
        attend = _attend_plainly if length <= _LONGEST_PLAIN else _attend_fused
        mixed = attend(query, key, value)
        return self.o_proj(mixed.transpose(1, 2).reshape(rows, length, -1))


class FeedForward(nn.Module):
    """SwiGLU."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.width, shape.inner_width, bias=False)
        self.up_proj = nn.Linear(shape.width, shape.inner_width, bias=False)
        self.down_proj = nn.Linear(shape.inner_width, shape.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Transform each position by itself."""
        return self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    """Attention and feed-forward, each added to what it read."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.input_layernorm = Norm(shape.width, shape.epsilon)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = Norm(shape.width, shape.epsilon)
        self.mlp = FeedForward(shape)

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        """Go through one layer."""
        x = x + self.self_attn(self.input_layernorm(x), cosine, sine)
        return x + self.mlp(self.post_attention_layernorm(x))


class Network(nn.Module):
    """The whole decoder."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = Norm(shape.width, shape.epsilon)
        steps = torch.arange(0, shape.head_width, 2).float() / shape.head_width
        self.register_buffer("frequencies", 1.0 / shape.rope_base**steps, persistent=False)
        self._start()

    def forward(self, ids: Tensor, positions: Tensor, chosen: Tensor) -> Tensor:
        """Give the logits at the chosen places, which are numbered through all rows."""
        angles = positions[..., None].float() * self.frequencies
        cosine, sine = angles.cos()[:, :, None, :], angles.sin()[:, :, None, :]
        x = self.embed_tokens(ids)
        if torch.is_autocast_enabled("cpu"):
            x, cosine, sine = x.bfloat16(), cosine.bfloat16(), sine.bfloat16()
        for layer in self.layers:
            x = layer(x, cosine, sine)
        x = self.norm(x).reshape(-1, x.shape[-1])[chosen]
        return functional.linear(x, self.embed_tokens.weight)

    def matrices(self) -> list[nn.Parameter]:
        """Give the weights between the embeddings, which Muon trains."""
        return [weight for name, weight in self.named_parameters() if _is_matrix(name, weight)]

    def others(self) -> list[nn.Parameter]:
        """Give embeddings and norms, which AdamW trains."""
        return [weight for name, weight in self.named_parameters() if not _is_matrix(name, weight)]

    def _start(self) -> None:
        for name, weight in self.named_parameters():
            if weight.ndim == 1:
                continue
            if "embed" in name:
                nn.init.normal_(weight, 0, 0.02)
            elif "o_proj" in name or "down_proj" in name:
                nn.init.zeros_(weight)
            else:
                nn.init.normal_(weight, 0, 0.7 / math.sqrt(weight.shape[1]))


def _is_matrix(name: str, weight: Tensor) -> bool:
    return weight.ndim > 1 and "embed" not in name


def _rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    first, second = x.chunk(2, -1)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], -1)


def _attend_plainly(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    rows, heads, length, width = query.shape
    key_heads = key.shape[1]
    # The scale goes to the query, which is small, and not to the scores, which are most of the work.
    grouped = (query * width**-0.5).reshape(rows, key_heads, -1, width)
    scores = torch.matmul(grouped, key.transpose(2, 3)).view(rows, key_heads, heads // key_heads, length, length)
    scores = scores + torch.full((length, length), _MASKED, dtype=scores.dtype).triu(1)
    shares = torch.softmax(scores, -1, dtype=scores.dtype).view(rows, key_heads, -1, length)
    return torch.matmul(shares, value).view(rows, heads, length, width)


def _attend_fused(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    group = query.shape[1] // key.shape[1]
    return functional.scaled_dot_product_attention(
        query, key.repeat_interleave(group, 1), value.repeat_interleave(group, 1), is_causal=True
    )
