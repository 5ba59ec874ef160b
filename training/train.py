"""Train: one run from the first token to the last; started again, it goes on where its checkpoint stands.

    python -m training.train [--run NAME] [--tokens 30e6] [--minutes M] [--processes 2] [--steps N]
        [--start CHECKPOINT | --from FOLDER] [--rate SHARE]

The rate warms up over 40 steps, is flat for 45% of the tokens and then falls in a line. Everything is seeded, so a run
that was broken off and one that was not see the same batches. SIGTERM ends a run with a checkpoint.
Each process has one thread and trains on batches of its own; a step is one batch of each.
"""

import argparse
import shutil
import signal
import time
from pathlib import Path
from types import FrameType

import torch
from torch import multiprocessing
from torch.nn import functional

from training.batches import BATCH_TOKENS, Batch, make_batch, plan_batches
from training.checkpoint import Progress, Trained, checkpoint_path, load_checkpoint, save_checkpoint
from training.model import Network, Shape
from training.muon import Muon
from training.places import run_folder
from training.published import published_weights, take_tokenizer
from training.shards import ShardMaker
from training.together import agree, free_port, join, mean_gradients
from training.tokenizer import load_tokenizer

_SEED = 3
_MATRIX_RATE = 0.02
_OTHER_RATE = 3e-3
_WARM_UP_STEPS = 40
_FLAT_SHARE = 0.45
_LEAST_SHARE = 0.02
_LEARNT = 0.99
_FLAT_NAME = "flat.pt"
_CHECKPOINT_EVERY_S = 300
_REPORT_EVERY = 25
_SPEED_UNKNOWN_S = 240
_SHARD_AFTER_PUBLISHED = 7_100
"""Where a run begins to draw its data that goes on from a model: behind all that the model may have seen."""

_DEVELOPMENT_EVERY = 250


class Meter:
    """Sums loss and hits over the tokens that are learnt, and tells the speed of this process."""

    def __init__(self, tokens: int) -> None:
        self._started_at = time.monotonic()
        self._first_tokens = tokens
        self._loss = 0.0
        self._hits = 0
        self._count = 0

    def add(self, loss: float, hits: int, count: int) -> None:
        """Count one batch."""
        self._loss += loss
        self._hits += hits
        self._count += count

    def reachable_tokens(self, progress: Progress, minutes: float) -> int:
        """Tell how many tokens the run will have seen when this process is so many minutes old.

        In its first minutes the speed says nothing yet: the run's own total stands.
        """
        passed_s = time.monotonic() - self._started_at
        if passed_s < _SPEED_UNKNOWN_S:
            return progress.total_tokens
        left_s = max(0.0, minutes * 60 - passed_s)
        return progress.tokens + int(left_s * self._speed(progress))

    def report(self, progress: Progress) -> str:
        """Write the progress line and begin new sums."""
        speed = self._speed(progress)
        left_minutes = (progress.total_tokens - progress.tokens) / speed / 60
        line = (
            f"step {progress.step} tokens {progress.tokens / 1e6:.2f}M of {progress.total_tokens / 1e6:.1f}M "
            f"loss {self._loss / self._count:.4f} hits {self._hits / self._count:.4f} "
            f"{speed:.0f} tokens/s left {left_minutes:.0f} min"
        )
        self._loss, self._hits, self._count = 0.0, 0, 0
        return line

    def _speed(self, progress: Progress) -> float:
        return (progress.tokens - self._first_tokens) / max(time.monotonic() - self._started_at, 1e-9)


class Run:
    """One run in its folder, as process number `rank` of so many sees it; the first one writes and reports."""

    def __init__(
        self,
        folder: Path,
        total_tokens: int,
        start: Path | None,
        published: Path | None,
        rate: float,
        place: tuple[int, int],
    ) -> None:
        torch.manual_seed(_SEED)
        self._rate = rate
        self._rank, self._processes = place
        self._folder = folder
        path = checkpoint_path(folder)
        self._shards = ShardMaker(load_tokenizer(folder))
        network = Network(Shape())
        adam = torch.optim.AdamW(network.others(), lr=_OTHER_RATE, betas=(0.9, 0.97), weight_decay=0.0, eps=1e-10)
        self._trained = Trained(network, Muon(network.matrices(), _MATRIX_RATE), adam)
        # Compiled, the small steps between the products are done at once: 7,400 tokens a second instead of 5,600 (rows
        # of 256, one core), 4,900 instead of 3,350 (rows of 512). Needs a C++ compiler and a minute at the start.
        self._forward = torch.compile(network, dynamic=True) if shutil.which("g++") else network
        self._progress = Progress(total_tokens)
        if path.exists() or start:
            self._progress = load_checkpoint(path if path.exists() else start or path, self._trained)
            self._progress.total_tokens = total_tokens
            self._say(f"going on from step {self._progress.step}")
        elif published:
            network.load_state_dict(published_weights(published, network.shape))
            self._progress.shard = _SHARD_AFTER_PUBLISHED
        self._development = self._shards.development_shard()
        self._is_stopped = self._is_told_to_stop = False
        signal.signal(signal.SIGTERM, self._stop)

    def train(self, last_step: int | None, minutes: float) -> None:
        """Train to the end, or to a step; a checkpoint every five minutes.

        With a number of minutes the run is made as long as they allow, and no longer than was asked for.
        """
        most_tokens = self._progress.total_tokens
        progress = self._progress
        meter = Meter(progress.tokens)
        saved_at = begun_at = time.monotonic()
        seconds = progress.seconds
        while progress.tokens < progress.total_tokens:
            shard = self._shards.training_shard(progress.shard)
            groups = plan_batches(shard, progress.shard, self._processes)
            while progress.batch < len(groups) and progress.tokens < progress.total_tokens:
                if self._is_stopped or progress.step == last_step:
                    break
                own = progress.batch + self._rank
                meter.add(*self._learn(make_batch(shard, groups[own], (progress.shard, own))))
                progress.seconds = seconds + time.monotonic() - begun_at
                if progress.step % _REPORT_EVERY == 0:
                    if minutes:
                        progress.total_tokens = agree(min(most_tokens, meter.reachable_tokens(progress, minutes)))
                    self._say(meter.report(progress))
                if progress.step % _DEVELOPMENT_EVERY == 0:
                    self._report_development()
                if time.monotonic() - saved_at > _CHECKPOINT_EVERY_S:
                    self._save()
                    saved_at = time.monotonic()
            if self._is_stopped or progress.step == last_step:
                break
            if progress.batch >= len(groups):
                progress.shard, progress.batch = progress.shard + 1, 0
        self._save()
        self._say(f"done: {progress.step} steps, {progress.tokens} tokens, {progress.seconds:.0f} s")
        self._report_development()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        """End after the step under way, with a checkpoint."""
        self._is_told_to_stop = True

    def _advance(self, tokens: int) -> None:
        """Count a step; where the flat rate ends, the state is kept for longer runs to start from."""
        progress = self._progress
        progress.tokens += tokens
        progress.step += 1
        progress.batch += self._processes
        is_falling = progress.tokens >= _FLAT_SHARE * progress.total_tokens
        if is_falling and not (self._folder / _FLAT_NAME).exists():
            self._save(_FLAT_NAME)

    def _save(self, *name: str) -> None:
        if self._rank == 0:
            save_checkpoint(self._folder, self._trained, self._progress, *name)

    def _say(self, line: str) -> None:
        if self._rank == 0:
            print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)

    def _report_development(self) -> None:
        if self._rank == 0:
            self._say(f"step {self._progress.step} development loss {self._develop():.4f}")

    def _learn(self, batch: Batch) -> tuple[float, int, int]:
        """Take one step; give the loss's sum, the hits and the count of the learnt tokens."""
        share = self._rate * _rate_share(self._progress)
        trained = self._trained
        losses, logits, targets, weights = self._losses(batch)
        ((losses * weights).sum() / weights.sum()).backward()
        counts = [batch.ids.numel(), int(self._is_told_to_stop)]
        tokens, stops = mean_gradients(trained.network.parameters(), counts)
        self._is_stopped = stops > 0
        torch.nn.utils.clip_grad_norm_(trained.network.others(), 1.0)
        for group in trained.adam.param_groups:
            group["lr"] = _OTHER_RATE * share
        trained.adam.step()
        trained.muon.step(share)
        trained.network.zero_grad(set_to_none=True)
        is_learnt = weights > _LEARNT
        hits = logits.detach()[is_learnt].argmax(-1) == targets[is_learnt]
        self._advance(tokens)
        return losses.detach()[is_learnt].sum().item(), int(hits.sum()), len(hits)

    def _losses(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        weights = batch.weights[:, 1:].reshape(-1)
        chosen = torch.nonzero(weights)[:, 0]
        with torch.autocast("cpu", torch.bfloat16):
            forward = self._forward if torch.is_grad_enabled() else self._trained.network
            logits = forward(batch.ids[:, :-1], batch.positions[:, :-1], chosen).float()
        targets = batch.ids[:, 1:].reshape(-1)[chosen]
        return functional.cross_entropy(logits, targets, reduction="none"), logits, targets, weights[chosen]

    @torch.no_grad()
    def _develop(self) -> float:
        """Give the mean loss of the learnt tokens of the development dialogues."""
        loss, count = 0.0, 0
        for number, group in enumerate(plan_batches(self._development, 0)):
            losses, _, _, weights = self._losses(make_batch(self._development, group, (0, number)))
            is_learnt = weights > _LEARNT
            loss += losses[is_learnt].sum().item()
            count += int(is_learnt.sum())
        return loss / count


def _rate_share(progress: Progress) -> float:
    """Give the share of the full rate.

    Worked, for 10 million tokens: step 9: .25; at 4 million: 1; at 7.25 million: .5; at 9.99 million: .02.
    """
    done = progress.tokens / progress.total_tokens
    falling = 1.0 if done < _FLAT_SHARE else max(_LEAST_SHARE, (1 - done) / (1 - _FLAT_SHARE))
    return min(1.0, (progress.step + 1) / _WARM_UP_STEPS) * falling


def _work(rank: int, options: argparse.Namespace, port: int) -> None:
    """Train as one of the processes."""
    torch.set_num_threads(1)
    join(rank, options.processes, port)
    folder = run_folder(options.run)
    place = (rank, options.processes)
    run = Run(folder, int(options.tokens), options.start, options.published, options.rate, place)
    run.train(options.steps, options.minutes)


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="seedling", help="the run's name; a run goes on from its checkpoint")
    parser.add_argument("--tokens", type=float, default=30e6, help="tokens to train on in all")
    parser.add_argument("--processes", type=int, default=2, help="as many as there are cores")
    parser.add_argument("--minutes", type=float, default=0.0, help="end within so many minutes, rate and all")
    parser.add_argument("--steps", type=int, default=None, help=f"stop at this step of {BATCH_TOKENS} tokens a process")
    parser.add_argument("--start", type=Path, default=None, help="checkpoint that a new run starts from")
    parser.add_argument(
        "--from",
        type=Path,
        default=None,
        dest="published",
        help="folder of a finished model whose weights to go on from",
    )
    parser.add_argument("--rate", type=float, default=1.0, help="share of the full rate at its highest")
    options = parser.parse_args()
    folder = run_folder(options.run)
    if options.published and not checkpoint_path(folder).exists():
        take_tokenizer(options.published, folder)
    load_tokenizer(folder)  # made here where there is none, not by each process
    workers = multiprocessing.spawn(_work, (options, free_port()), options.processes, join=False)
    signal.signal(signal.SIGTERM, lambda *_: [worker.terminate() for worker in workers.processes])
    while not workers.join():
        pass


if __name__ == "__main__":
    main()
