"""`notify` from outside: a test of the channels, what waits, and trying again."""

import pytest

from backburner.errors import NoticeUndelivered

from .conftest import MODEL

HOOK = """
[notify.hook]
webhook = "https://hooks.example.com/x"
secret = { env = "HOOK_SECRET" }
[notify.ops]
apprise = { file = "/nowhere/url" }
kinds = ["run.finished"]
"""


@pytest.fixture
def channels(home):
    home.mkdir(mode=0o700)
    (home / "backburner.toml").write_text(HOOK)


def refuse(channel, _delivery) -> None:
    if channel.name == "hook":
        raise NoticeUndelivered("hooks.example.com answered 500", hint="ask its owner")


def take(_channel, _delivery) -> None:
    pass


@pytest.mark.usefixtures("channels")
def test_a_test_says_of_each_channel_whether_it_arrived(call):
    said = call("notify", "test", post=refuse)

    assert said.code == 4
    assert said.out.splitlines() == [
        "hook (webhook): hooks.example.com answered 500",
        "  ask its owner",
        "ops (apprise): arrived",
    ]
    assert "the test did not reach hook (notice_undelivered)" in said.err
    assert call("notify", "test", "ops", post=refuse).code == 0
    assert call("notify", "test", "opps", post=refuse).code == 2


def test_without_a_channel_one_is_shown_how_to_name_one(call):
    said = call("notify", "test")

    assert said.code == 2
    assert "[notify.ops]" in said.err


@pytest.mark.usefixtures("channels")
def test_what_was_given_up_is_in_list_status_and_doctor_until_it_is_replayed(call, reviews, clock):
    call("run", reviews, "--prompt", "Judge: {{ text }}", *MODEL, "--yes", post=refuse)
    for _ in range(16):
        clock.sleep(3601)
        call("drain", post=refuse)

    listed = call("notify", "list")
    status = call("status")
    doctor = call("doctor", environment={"HOOK_SECRET": "whsec_AAAA"})
    replayed = call("notify", "replay", post=take)

    assert "given up" in listed.out
    assert "hooks.example.com answered 500" in listed.out
    assert "1 notice given up: `backburner notify list` tells why" in status.out
    assert "1 never arrived" in doctor.out
    assert "ops has no secret: the file /nowhere/url cannot be read" in doctor.out
    assert replayed.out == "1 notice to be tried again, 1 arrived\n"
    assert "every notice has arrived" in call("notify", "list").out
    assert call("notify", "replay", "no-such").code == 2


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('[notify.a]\napprise = "slack://token"', "a text"),
        ('[notify.a]\nwebhook = "https://x.example"', "where the secret is"),
        ('[notify.a]\nwebhook = "http://x.example"\nsecret = { env = "S" }', "https://"),
        ('[notify.a]\nwebhook = "https://u:p@x.example"\nsecret = { env = "S" }', "password"),
        ('[notify.a]\napprise = { env = "A" }\nwebhook = "https://x.example"', "apprise a place"),
        ('[notify.a]\napprise = { env = "A" }\nkinds = ["run.done"]', "run.finished"),
        ('[notify.a]\napprise = { env = "A" }\nlane = ["x"]', "did you mean lanes?"),
        ('[notify.a]\napprise = { env = "A" }\nsecret = { env = "B" }', "belongs to a webhook"),
    ],
)
def test_a_channel_that_cannot_be_is_refused(call, home, text, what):
    home.mkdir()
    (home / "backburner.toml").write_text(text)

    said = call("notify", "list")

    assert said.code == 4
    assert what in said.err
    assert "token" not in said.err
