from collections.abc import Callable, Iterable, Iterator
from threading import Barrier, BrokenBarrierError, Lock, Thread
from typing import Any

from moto.kinesis.models import Shard

from scripts.stand_in import newest_number, one_at_a_time


def call_twice_at_once(application: Callable[[Any, Any], Iterable[bytes]]) -> list[bytes]:
    answers: list[bytes] = []
    threads = [Thread(target=lambda: answers.append(b"".join(application({}, print)))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_requests_that_come_together_go_through_one_after_the_other() -> None:
    inside = Lock()
    overlaps = []

    def moto(environ: Any, start_response: Any) -> Iterator[bytes]:  # noqa: ARG001 the signature is WSGI's
        def answer() -> Iterator[bytes]:
            # Held while the answer is read, which is part of the request.
            overlaps.append(not inside.acquire(blocking=False))
            yield b"half "
            meet()
            yield b"and half"
            inside.release()

        return answer()

    # Two requests inside together would meet here; one alone waits in vain.
    barrier = Barrier(2)

    def meet() -> None:
        try:
            barrier.wait(timeout=0.2)
            overlaps.append(True)
        except BrokenBarrierError:
            barrier.reset()

    assert call_twice_at_once(one_at_a_time(moto)) == [b"half and half"] * 2
    assert overlaps == [False, False]


def test_an_answer_is_closed_once_it_is_read() -> None:
    class Answer(list[bytes]):
        closed = 0

        def close(self) -> None:
            self.closed += 1

    answer = Answer([b"x"])
    assert list(one_at_a_time(lambda *_: answer)({}, print)) == [b"x"]  # type: ignore[arg-type]
    assert answer.closed == 1


def test_the_newest_record_of_a_shard_is_the_one_put_last() -> None:
    shard = Shard(0, 0, 10)
    assert newest_number(shard) == 0
    for _ in range(3):
        shard.put_record("bitcoin", "data", "")
    assert newest_number(shard) == 3
