"""The HTTP client of the price API: budgeted, patient, and silent about its key."""

import logging
import random
import time
from collections.abc import Mapping
from http import HTTPStatus
from threading import Event
from typing import Final

import requests
import urllib3
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, stop_when_event_set

from coingecko.backoff import backoff
from coingecko.budget import CallBudget
from coingecko.clock import Clock
from coingecko.verdict import GiveUp, Ok, Retry, classify
from pricestream.errors import SourceError

log = logging.getLogger(__name__)

_NETWORK_ERRORS: Final = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
    urllib3.exceptions.HTTPError,
)
#: The timeout is for each wait on the network; for a whole body it is this many of it.
_BODY_TIMEOUTS: Final = 3
#: More than all that is ever asked for.
_MAX_BODY_BYTES: Final = 64 * 1024 * 1024
_PIECE_BYTES: Final = 65_536


class Unavailable(Exception):  # noqa: N818 - not an error: a later call may do better
    """The API cannot be asked for now; the text says why."""


class UnknownCoinError(SourceError):
    """CoinGecko does not have the coin that it was asked about."""


class _TryAgain(Exception):  # noqa: N818 - only tells tenacity to go on
    """One attempt failed in a way that may pass."""

    def __init__(self, reason: str, *, told_to_wait: bool) -> None:
        super().__init__(reason)
        self.told_to_wait = told_to_wait


class ApiClient:
    """Asks for JSON, within the budget, and tries again where that makes sense."""

    def __init__(
        self,
        session: requests.Session,
        base_url: str,
        budget: CallBudget,
        clock: Clock,
        rng: random.Random,
        stop: Event,
        *,
        key_header: tuple[str, str] | None = None,
        key_env: str = "",
        timeout_seconds: float = 20.0,
        max_attempts: int = 6,
    ) -> None:
        """Ask ``base_url`` through ``session``; ``key_header`` is the header that carries the key."""
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._budget = budget
        self._clock = clock
        self._rng = rng
        self._stop = stop
        self._headers = {"Accept": "application/json", **(dict([key_header]) if key_header else {})}
        self._secret = key_header[1] if key_header else ""
        self._key_env = key_env
        self._timeout = timeout_seconds
        self._retrying = Retrying(
            stop=stop_after_attempt(max_attempts) | stop_when_event_set(stop),
            wait=self._pause,
            retry=retry_if_exception_type(_TryAgain),
            sleep=lambda seconds: clock.sleep(seconds, stop),
            reraise=True,
        )
        self._is_failing = False
        #: Calls made so far, failed ones included.
        self.calls = 0
        #: How many of them were answered with 429.
        self.refusals = 0

    def get(self, path: str, params: Mapping[str, str], *, deadline_ms: int) -> object:
        """Give the JSON at ``path``.

        A wait for the budget or for the server that ends after ``deadline_ms`` (epoch ms) is not sat
        out here, so that the caller can go on with what else it has to do.

        Raises:
            UnknownCoinError: the API does not have the coin.
            SourceError: the API refuses for good.
            Unavailable: it cannot be asked for now, or kept failing, or ``stop`` is set.
        """
        retrying = self._retrying.copy(
            stop=self._retrying.stop | (lambda _: self._clock.now_ms() >= deadline_ms)  # type: ignore[operator]
        )
        patience_seconds = (deadline_ms - self._clock.now_ms()) / 1000
        try:
            return retrying(self._attempt, path, params, deadline_ms, patience_seconds)
        except _TryAgain as error:
            raise Unavailable(str(error)) from None

    def _attempt(self, path: str, params: Mapping[str, str], deadline_ms: int, patience_seconds: float) -> object:
        self._await_budget(deadline_ms, patience_seconds)
        self._budget.take(self._clock.now_ms())
        self.calls += 1
        verdict = self._call(path, params)
        if isinstance(verdict, Ok):
            self._is_failing = False
            return verdict.body
        reason = verdict.reason
        if isinstance(verdict, GiveUp):
            raise UnknownCoinError(reason) if verdict.is_unknown_coin else SourceError(reason)
        # The first of a series is news; the caller says once more what became of it.
        log.log(logging.DEBUG if self._is_failing else logging.WARNING, "%s; trying again", reason)
        self._is_failing = True
        if verdict.after is not None:
            self._budget.block(self._clock.now_ms(), verdict.after)
        raise _TryAgain(reason, told_to_wait=verdict.after is not None)

    def _call(self, path: str, params: Mapping[str, str]) -> Ok | Retry | GiveUp:
        try:
            # Redirects are not followed: the key's header would go along to another host.
            with self._session.get(
                self._base_url + path,
                params=params,
                headers=self._headers,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                body = _read(response, within_seconds=_BODY_TIMEOUTS * self._timeout)
        except _NETWORK_ERRORS as error:
            # The library's own text holds addresses and objects; its name says enough.
            return Retry(f"CoinGecko cannot be reached ({type(error).__name__})")
        except requests.RequestException as error:
            return GiveUp(f"{self._base_url} cannot be asked ({type(error).__name__}); see producer.coingecko.base_url")
        self.refusals += response.status_code == HTTPStatus.TOO_MANY_REQUESTS
        return classify(
            response.status_code,
            response.headers,
            body,
            now_ms=self._clock.now_ms(),
            key_env=self._key_env,
            hide=self._secret,
        )

    def _await_budget(self, deadline_ms: int, patience_seconds: float) -> None:
        while wait := self._budget.wait(self._clock.now_ms()):
            # On a clock that was set back the deadline is further away than it was.
            if self._clock.now_ms() + wait.seconds * 1000 > deadline_ms or wait.seconds > patience_seconds:
                raise Unavailable(wait.reason)
            self._clock.sleep(wait.seconds, self._stop)
            if self._stop.is_set():
                raise Unavailable("it is told to stop")

    def _pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        # Where the server named a time the budget holds calls back until then.
        if isinstance(error, _TryAgain) and error.told_to_wait:
            return 0.0
        return backoff(state.attempt_number, self._rng)


def _read(response: requests.Response, *, within_seconds: float) -> bytes:
    """Read a body piece by piece: one that trickles in, or does not end, must not hold up who asks.

    Raises:
        requests.Timeout: it takes longer than that.
        requests.exceptions.ContentDecodingError: it is larger than any answer.
    """
    if response.is_redirect:
        # The library has read it to see where it leads.
        return response.content
    until = time.monotonic() + within_seconds
    body = bytearray()
    while piece := response.raw.read1(_PIECE_BYTES, decode_content=True):
        body += piece
        if time.monotonic() > until:
            raise requests.Timeout
        if len(body) > _MAX_BODY_BYTES:
            raise requests.exceptions.ContentDecodingError
    return bytes(body)
