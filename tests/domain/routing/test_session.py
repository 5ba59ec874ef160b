"""What tells that two calls belong to one conversation."""

from setaria.core.dialogue import Dialogue, Message, Sampling, Text
from setaria.domain.routing.session import session_from_dialogue, session_from_header


def dialogue(*messages: Message) -> Dialogue:
    """Make a dialogue of these messages."""
    return Dialogue(messages, thinking=False, max_output_tokens=1, sampling=Sampling(1.0, 1.0))


def say(role: str, *texts: str) -> Message:
    """Make a message of text blocks."""
    return Message(role, tuple(Text(text) for text in texts))  # type: ignore[arg-type]  # roles are checked elsewhere


def test_a_named_session_is_one() -> None:
    """The header's value is what counts, and an empty one names nothing."""
    named = session_from_header(b"abc")
    assert named is not None
    assert session_from_header(b"abc") == named
    assert session_from_header(b"abd") != named
    assert session_from_header(b"") is None


def test_later_turns_are_the_same_conversation() -> None:
    """System text and first user message stay; how they are cut into blocks does not matter."""
    first = session_from_dialogue(dialogue(say("system", "Be ", "brief."), say("user", "Hello")))
    assert first is not None
    later = dialogue(say("system", "Be brief."), say("user", "Hello"), say("assistant", "Hi"), say("user", "More"))
    assert session_from_dialogue(later) == first
    assert session_from_dialogue(dialogue(say("system", "Be brief."), say("user", "Other"))) != first


def test_without_words_there_is_no_session() -> None:
    """A bad fingerprint would send everybody to one place."""
    assert session_from_dialogue(dialogue(say("system", "Be brief."))) is None
    assert session_from_dialogue(dialogue(say("user"))) is None
