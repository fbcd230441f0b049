"""Bad S3: what a proxy does to its calls: errors of the service, answers that are lost, bodies that end too soon."""

from collections import Counter
from random import Random
from threading import Lock
from typing import Final

from faults.proxy import Answer, Call, Forward, Loss

_ERRORS: Final = {
    (500, "InternalError"): "We encountered an internal error. Please try again.",
    (503, "SlowDown"): "Please reduce your request rate.",
    (503, "ServiceUnavailable"): "Please reduce your request rate.",
}


class S3Trouble:
    """Makes some calls fail, whatever they are; everything else is passed on."""

    def __init__(self, rng: Random, *, errors: float = 0.2, lost: float = 0.0, cut: float = 0.0) -> None:
        """Answer with an error, lose an answer, and cut the body of a GET short, each with these chances.

        Half of the calls that are answered with a 500 have been carried out, as S3's own may have been.
        """
        self._rng = rng
        self._chances = {"error": errors, "lost": lost, "cut": cut}
        self._lock = Lock()
        #: ``calls``, ``errors given``, ``answers lost`` and ``bodies cut``.
        self.counts: Counter[str] = Counter({"calls": 0, "errors given": 0, "answers lost": 0, "bodies cut": 0})

    def __call__(self, call: Call, forward: Forward) -> Answer | Loss:
        """Meddle with one call."""
        with self._lock:
            self.counts["calls"] += 1
            what = self._rng.choices([*self._chances, ""], [*self._chances.values(), self._rest()])[0]
            error, is_done = self._rng.choice(list(_ERRORS)), self._rng.random() < 0.5
            self.counts["errors given"] += what == "error"
            self.counts["answers lost"] += what == "lost"
        if what == "error":
            if error[0] == 500 and is_done:
                forward(call)
            return _error(*error, call)
        answer = forward(call)
        if what == "lost":
            return Loss.ANSWER
        if what == "cut" and call.method == "GET" and len(answer.body) > 1:
            with self._lock:
                self.counts["bodies cut"] += 1
            whole = {"Content-Length": str(len(answer.body)), "Connection": "close"}
            return Answer(answer.status, answer.body[: len(answer.body) // 2], {**answer.headers, **whole})
        return answer

    def _rest(self) -> float:
        return 1 - sum(self._chances.values())


def _error(status: int, code: str, call: Call) -> Answer:
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code>'
        f"<Message>{_ERRORS[status, code]}</Message><RequestId>{call.number:016X}</RequestId></Error>"
    )
    # A HEAD has no body to say it in.
    body = b"" if call.method == "HEAD" else text.encode()
    return Answer(status, body, {"Content-Type": "application/xml"})
