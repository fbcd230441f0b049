"""The proxy before a small service of its own, and what it does to PutRecords."""

import http.client
import json
from collections.abc import Iterator
from random import Random
from urllib.parse import urlsplit

import pytest

from faults.meddling import PutRecordsTrouble
from faults.proxy import Answer, Call, Forward, Loss, Meddle, Proxy, pass_on

KINESIS = "Kinesis_20131202."


class Service:
    """Says what it was asked; a proxy whose calls never go any further is one, too."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def __call__(self, call: Call, _: Forward) -> Answer:
        self.calls.append(call)
        if call.operation == "PutRecords":
            entries = json.loads(call.body)["Records"]
            results = [{"SequenceNumber": str(entry["Data"]), "ShardId": "0"} for entry in entries]
            return Answer(200, json.dumps({"FailedRecordCount": 0, "Records": results}).encode())
        return Answer(201, call.method.encode() + b" " + call.body, {"X-Said": call.path})


@pytest.fixture
def service() -> Iterator[tuple[Service, str]]:
    it = Service()
    with Proxy("http://127.0.0.1:1", it) as proxy:
        yield it, proxy.url


def ask(url: str, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes, str | None]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        connection.request(
            method, path, body=body, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )
        response = connection.getresponse()
        return response.status, response.read(), response.getheader("X-Said")
    finally:
        connection.close()


def put(url: str, count: int) -> list[dict[str, str]]:
    body = json.dumps({"StreamName": "s", "Records": [{"Data": number} for number in range(count)]}).encode()
    _, answer, _ = ask(url, "POST", "/", body, X_Amz_Target=f"{KINESIS}PutRecords")
    content = json.loads(answer)
    assert content["FailedRecordCount"] == sum("ErrorCode" in each for each in content["Records"])
    found: list[dict[str, str]] = content["Records"]
    return found


def test_what_is_not_meddled_with_comes_through_whole(service: tuple[Service, str]) -> None:
    _, url = service
    with Proxy(url, pass_on) as proxy:
        assert ask(proxy.url, "PUT", "/a?b=c", b"body") == (201, b"PUT body", "/a?b=c")
        assert ask(proxy.url, "GET", "/") == (201, b"GET ", "/")
        ask(proxy.url, "POST", "/", X_Amz_Target=f"{KINESIS}GetRecords")
        assert proxy.calls == {"PUT": 1, "GET": 1, "GetRecords": 1}


@pytest.mark.parametrize(("loss", "arrived"), [(Loss.CALL, 0), (Loss.ANSWER, 1)])
def test_a_loss_is_a_connection_that_ends(service: tuple[Service, str], loss: Loss, arrived: int) -> None:
    it, url = service

    def lose(call: Call, forward: Forward) -> Loss:
        if loss is Loss.ANSWER:
            forward(call)
        return loss

    meddle: Meddle = lose
    with Proxy(url, meddle) as proxy, pytest.raises(http.client.RemoteDisconnected):
        ask(proxy.url, "PUT", "/", b"body")
    assert len(it.calls) == arrived


def test_a_service_that_is_gone_is_a_lost_call() -> None:
    with Proxy("http://127.0.0.1:1", pass_on) as proxy, pytest.raises(http.client.RemoteDisconnected):
        ask(proxy.url, "GET", "/")


def test_an_answer_of_its_own_never_reaches_the_service(service: tuple[Service, str]) -> None:
    it, url = service
    with Proxy(url, lambda _call, _forward: Answer(503, b"busy")) as proxy:
        assert ask(proxy.url, "GET", "/") == (503, b"busy", None)
    assert it.calls == []


def test_refused_entries_stay_behind_and_the_others_keep_their_places(service: tuple[Service, str]) -> None:
    it, url = service
    trouble = PutRecordsTrouble(Random(1), refused=0.3, lost=0)
    with Proxy(url, trouble) as proxy:
        results = put(proxy.url, 400)
    refused = [number for number, result in enumerate(results) if "ErrorCode" in result]
    # Three in ten of 400: within four standard deviations.
    assert 83 < len(refused) < 157
    assert {results[number]["ErrorCode"] for number in refused} == {
        "ProvisionedThroughputExceededException",
        "InternalFailure",
    }
    passed = [int(result["SequenceNumber"]) for result in results if "ErrorCode" not in result]
    assert passed == [number for number in range(400) if number not in set(refused)]
    [call] = it.calls
    assert [entry["Data"] for entry in json.loads(call.body)["Records"]] == passed
    assert trouble.counts == {"calls": 1, "entries": 400, "entries refused": len(refused), "answers lost": 0}


def test_lost_answers_are_of_calls_that_were_carried_out(service: tuple[Service, str]) -> None:
    it, url = service
    trouble = PutRecordsTrouble(Random(1), refused=0, lost=1)
    with Proxy(url, trouble) as proxy:
        with pytest.raises(http.client.RemoteDisconnected):
            put(proxy.url, 3)
        assert ask(proxy.url, "GET", "/")[0] == 201
    assert len(json.loads(it.calls[0].body)["Records"]) == 3
    assert trouble.counts["answers lost"] == 1


def test_a_call_whose_entries_are_all_refused_does_not_go_on(service: tuple[Service, str]) -> None:
    it, url = service
    with Proxy(url, PutRecordsTrouble(Random(1), refused=1, lost=0)) as proxy:
        assert all("ErrorCode" in each for each in put(proxy.url, 5))
    assert it.calls == []
