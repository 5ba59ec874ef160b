"""Outbox: sends at once, where no event loop turns."""

from setaria.core.outbox import Outbox, Way


class PromptOutbox(Outbox):
    """Keeps nothing."""

    def put(self, way: Way, data: bytes) -> None:
        way.send(data)
