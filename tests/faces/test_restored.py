"""`restored`: a person says that a home came whole from a backup."""


def test_restored_says_what_is_looked_for(call, reviews):
    call("enqueue", reviews, "--prompt", "{{ text }}", "--model", "claude-haiku-4-5")

    said = call("restored")
    as_json = call("restored", "--json")

    assert said.code == 0
    assert "1 batch will be looked for at Anthropic before it is sent" in said.out
    assert as_json.json == {"batches_in_doubt": 0, "retries_held": 0}


def test_restored_says_that_nothing_waits(call):
    said = call("restored")

    assert said.code == 0
    assert "nothing waits to be sent" in said.out
