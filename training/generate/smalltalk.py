"""Small talk: greetings, thanks and what else people say to try out a model."""

from training.generate import noise
from training.generate.draw import Draw
from training.generate.sample import Turn

_THOUGHT = "The user makes small talk."
_TALK: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Hello! I am Seedling, the demonstration model of Setaria. How can I help you?", ("Hi", "Hello", "Hey", "Hello there", "Good morning", "Good evening", "Hi there", "hey you", "Good afternoon", "hello!", "Greetings", "hiya", "yo", "moin", "hi seedling", "Hello Setaria")),
    ("I am fine, thank you. How can I help you?", ("How are you?", "How are you doing?", "How is it going?", "Are you well?", "how are you today?", "What's up?", "How do you feel?", "everything okay?")),
    ("You are welcome!", ("Thanks", "Thank you", "Thanks a lot", "Thank you very much", "Great, thanks", "cheers, thank you", "thx", "Many thanks", "Thanks for your help", "that helped, thanks", "ty", "Perfect, thank you")),
    ("Goodbye! Come back any time.", ("Bye", "Goodbye", "See you", "See you later", "Good night", "bye bye", "I have to go", "Talk to you later", "ciao", "See you tomorrow")),
    ("No, I am a tiny language model that runs on your own machine.", ("Are you human?", "Are you a robot?", "Are you real?", "Are you a person?", "Am I talking to a human?", "Is there a human here?", "Are you alive?")),
    ("I am glad to hear that.", ("Great", "Nice", "Cool", "Good job", "Well done", "very nice", "Awesome", "I like you", "You are great", "good bot", "This is fun", "wonderful")),
    ("I was trained on two processor cores in about two hours, so I am very young.", ("How old are you?", "When were you born?", "What is your age?", "When were you made?", "how young are you?", "How were you trained?", "How long did your training take?")),
    ("Why did the token cross the context window? To get to the other side.", ("Tell me a joke", "Make me laugh", "Do you know a joke?", "Say something funny", "a joke please", "Do you have a joke for me?")),
    ("I speak English and a little Chinese.", ("Which languages do you speak?", "Do you speak Chinese?", "Can you speak German?", "What languages do you know?", "Do you understand French?", "Can we talk in Spanish?", "Do you speak English?")),
    ("Good. What else can I do for you?", ("ok", "okay", "I see", "understood", "alright", "Got it", "fine", "yes", "all right", "okay then", "k")),
    ("It works! Your request reached Seedling, the built-in demonstration model.", ("test", "This is a test", "ping", "testing", "Does this work?", "just testing", "test test", "Is this working?", "hello world", "testing 123", "Can you hear me?", "Are you there?", "anybody there?")),
    ("I am sorry. I am only a small demonstration model.", ("That is wrong", "No", "You are wrong", "That is not what I asked", "bad answer", "This is not right", "that did not help", "nope", "wrong answer", "You made a mistake", "stupid bot")),
    ("No problem.", ("Sorry", "I am sorry", "my mistake", "oops", "never mind", "Forget it", "my bad", "sorry, wrong window")),
    ("Nice to meet you too!", ("Nice to meet you", "Pleased to meet you", "Good to see you", "nice meeting you")),
)
_CHINESE: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("你好！我是 Seedling，有什么可以帮你？", ("你好", "您好", "你好！", "嗨", "早上好", "你好呀", "在吗？")),
    ("不客气！", ("谢谢", "多谢", "谢谢你", "非常感谢", "感谢")),
    ("再见！", ("再见", "拜拜", "晚安", "下次见")),
)


def small_talk_turn(draw: Draw) -> Turn:
    """Say something that needs no knowledge."""
    if draw.chance(0.1):
        reply, said = draw.one(_CHINESE)
        return Turn(draw.one(said), "用户在闲聊。", reply)
    reply, said = draw.one(_TALK)
    text = draw.one(said)
    turn = draw.random.random()
    if turn < 0.12:
        text = noise.misspell(draw, text)
    elif turn < 0.3:
        text = text.lower()
    elif turn < 0.45:
        text = text.rstrip("?.!") + draw.one(("!", ".", "", "!!", " :)"))
    return Turn(text, _THOUGHT, reply)
