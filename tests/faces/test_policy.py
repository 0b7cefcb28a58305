"""`policy`: the table of what follows, for people and for programs."""


def test_the_policy_is_shown_as_a_table(call):
    said = call("policy")

    assert said.code == 0
    assert "not there: all is as usual" in said.out
    assert "truncated" in said.out
    assert "longer, nothing" in said.out


def test_the_policy_is_the_one_of_the_home(call, home):
    home.mkdir()
    (home / "backburner.toml").write_text("[retry.server_error]\ntimes = 2\n")

    said = call("policy", "--json")

    assert said.json["config"] == str(home / "backburner.toml")
    assert said.json["outcomes"]["server_error"]["times"] == 2
    assert said.json["outcomes"]["refused"]["then"] == "nothing"


def test_a_wrong_policy_stops_every_command_that_opens_the_queue(call, home, requests):
    home.mkdir()
    (home / "backburner.toml").write_text("[retry.truncated]\nthen = 'again'\n")

    said = call("enqueue", requests, "--json")

    assert said.code == 4
    assert "retry.truncated.then" in said.error["message"]
