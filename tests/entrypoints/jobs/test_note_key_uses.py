"""Note key uses: what a worker has seen of keys reaches the database, and nothing of it is lost."""

import pytest

from setaria.core.errors import Unavailable
from setaria.entrypoints.jobs.note_key_uses import KeyUseNotes
from setaria.gateway.authenticate import authenticate
from tests.fakes.platform import Stage
from tests.gateway.calling import play, received


def test_uses_are_written_once() -> None:
    """Nothing is asked of the database when no key was used."""

    async def story(stage: Stage) -> None:
        notes = KeyUseNotes(stage.ledger, stage.platform.keys)
        stage.ledger.fails = 1
        await notes.write()
        stage.ledger.fails = 0
        await authenticate(received(stage), stage.platform)
        await notes.write()
        await notes.close()
        assert [use.at_ms for use in stage.ledger.uses] == [stage.clock.now_ms()]

    play(story)


def test_what_could_not_be_written_is_written_later() -> None:
    """A use since then counts instead; at the end a database that is away stops nobody."""

    async def story(stage: Stage) -> None:
        notes = KeyUseNotes(stage.ledger, stage.platform.keys)
        await authenticate(received(stage), stage.platform)
        stage.ledger.fails = 2
        with pytest.raises(Unavailable):
            await notes.write()
        await notes.close()
        stage.clock.advance(5)
        await authenticate(received(stage), stage.platform)
        await notes.close()
        assert [use.at_ms for use in stage.ledger.uses] == [stage.clock.now_ms()]

    play(story)
