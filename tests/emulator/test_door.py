"""Keys, versions, workspaces, paths and headers."""

import gzip
import json

import pytest

from backburner.emulator.settings import Switches

BATCHES = "/v1/messages/batches"


@pytest.mark.parametrize(
    "headers",
    [{"x-api-key": "k"}, {"x-api-key": "", "authorization": "Bearer k"}],
)
@pytest.mark.parametrize("version", ["2023-06-01", "2026-10-21"])
def test_both_versions_and_both_ways_to_pass_a_key_are_known(api, headers, version):
    api.headers, api.version = headers, version

    assert api.get(BATCHES).status == 200
    assert api.get(f"{BATCHES}?beta=true").status == 200


@pytest.mark.parametrize("key", ["", "  "])
def test_a_call_without_a_key_is_refused(api, key):
    answer = api.get(BATCHES, x_api_key=key)

    assert answer.status == 401
    assert answer.json["error"]["type"] == "authentication_error"


def test_a_refused_key_is_invalid(emulate):
    api = emulate(refused_keys=frozenset({"bad"}))

    answer = api.get(BATCHES, x_api_key="bad")

    assert (answer.status, answer.message) == (401, "API key is invalid.")
    assert api.get(BATCHES, x_api_key="good").status == 200


@pytest.mark.parametrize("version", ["", "2024-01-01"])
def test_an_unknown_version_is_refused(api, version):
    assert api.get(BATCHES, anthropic_version=version).status == 400


def test_an_unknown_beta_is_refused_unless_lenient(emulate):
    strict, lenient = emulate(), emulate(strict=False)

    answer = strict.get(BATCHES, anthropic_beta="pdfs-2024-09-25, made-up-2026-01-01")

    assert answer.status == 400
    assert answer.message.startswith(
        "Unexpected value(s) `made-up-2026-01-01` for the anthropic-beta"
    )
    assert lenient.get(BATCHES, anthropic_beta="made-up-2026-01-01").status == 200


def test_a_batch_is_seen_in_its_workspace_only(emulate, ask):
    api = emulate(workspaces={"a": "wrkspc_a", "b": "wrkspc_b"})
    answer = api.post(BATCHES, {"requests": [{"custom_id": "x", "params": ask()}]}, x_api_key="a")
    batch_id = answer.json["id"]

    assert answer.headers["anthropic-workspace-id"] == "wrkspc_a"
    assert api.get(f"{BATCHES}/{batch_id}", x_api_key="a").status == 200
    assert api.get(f"{BATCHES}/{batch_id}", x_api_key="b").status == 404
    assert api.get(BATCHES, x_api_key="b").json["data"] == []


def test_a_key_cannot_act_in_another_workspace(emulate):
    api = emulate(workspaces={"a": "wrkspc_a"})

    assert api.get(BATCHES, x_api_key="a", anthropic_workspace_id="wrkspc_a").status == 200
    assert api.get(BATCHES, x_api_key="a", anthropic_workspace_id="wrkspc_b").status == 403


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("PUT", BATCHES, 405),
        ("GET", f"{BATCHES}/x/cancel", 405),
        ("GET", "/v1/messages", 405),
        ("GET", f"{BATCHES}/msgbatch_none", 404),
        ("GET", "/v1/models/none", 404),
    ],
)
def test_wrong_paths_and_verbs_are_errors_of_the_usual_form(api, method, path, status):
    answer = api.call(method, path)

    assert answer.status == status
    assert list(answer.json) == ["type", "error", "request_id"]
    assert answer.headers["request-id"] == answer.json["request_id"]


def test_every_reply_carries_the_usual_headers(api, clock):
    clock.time = 1_790_000_000.0
    answer = api.get(BATCHES)

    assert answer.headers["request-id"].startswith("req_01")
    assert answer.headers["anthropic-workspace-id"].startswith("wrkspc_")
    assert answer.headers["date"] == "Mon, 21 Sep 2026 14:13:20 GMT"
    assert answer.headers["anthropic-ratelimit-requests-limit"] == "4000"
    assert answer.headers["anthropic-ratelimit-requests-remaining"] == "3999"
    assert answer.headers["anthropic-ratelimit-requests-reset"].endswith("Z")


def test_a_compressed_message_is_read(api, ask):
    body = gzip.compress(json.dumps(ask("zipped")).encode())

    answer = api.call("POST", "/v1/messages", body, content_encoding="gzip")

    assert answer.json["content"][0]["text"] == "You said: zipped"


@pytest.mark.parametrize(
    ("encoding", "code"),
    [("zstd", "request_body_encoding_unsupported"), ("gzip", "request_body_encoding_invalid")],
)
def test_another_encoding_is_refused_with_a_code(api, encoding, code):
    answer = api.call("POST", "/v1/messages", b"xx", content_encoding=encoding)

    assert answer.status == 400
    assert answer.json["error"]["details"]["error_code"] == code


def test_compressed_batches_need_a_switch(emulate, ask):
    body = gzip.compress(json.dumps({"requests": [{"custom_id": "a", "params": ask()}]}).encode())
    usual, open_minded = emulate(), emulate(switches=Switches(gzip_batches=True))

    assert usual.call("POST", BATCHES, body, content_encoding="gzip").status == 400
    assert open_minded.call("POST", BATCHES, body, content_encoding="gzip").status == 200
    assert (len(usual.world.ledger()), len(open_minded.world.ledger())) == (0, 1)


def test_a_lenient_emulator_has_a_batch_and_a_model_under_any_name(emulate):
    api = emulate(strict=False)

    assert api.get(f"{BATCHES}/message_batch_id").json["id"] == "message_batch_id"
    assert api.post(f"{BATCHES}/message_batch_id/cancel").status == 200
    assert api.call("DELETE", f"{BATCHES}/message_batch_id").status == 200
    assert api.get("/v1/models/model_id").json["id"] == "model_id"
