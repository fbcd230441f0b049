"""Live feed: ticks put on a stream at a steady pace, as the clock goes, and the bars that they must make."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from benchmarks.errors import BenchmarkError
from benchmarks.history import coin_name
from faults.kinesis_stream import Stream
from pricestream.aws_error import words_of
from pricestream.tick import Tick, heartbeat

if TYPE_CHECKING:
    from mypy_boto3_kinesis.type_defs import PutRecordsRequestEntryTypeDef

#: A poll every so often; a heartbeat ends each, as those of our producer.
POLL_SECONDS: Final = 0.25
#: What PutRecords takes.
_RECORDS_A_CALL: Final = 500


@dataclass(frozen=True)
class Call:
    """One call of PutRecords."""

    #: The newest time of an event in it, epoch ms.
    clock_ms: int
    #: When it was answered, epoch ms.
    returned_ms: int


@dataclass(frozen=True)
class Bar:
    """What is compared of a bar."""

    open: float
    close: float
    tick_count: int


@dataclass
class LiveFeed:
    """So many ticks a second of as many coins, each at its time: that of tick number n is n seconds by the rate."""

    stream: Stream
    ticks_a_second: int
    #: When the first tick is due, epoch ms.
    began_ms: int
    calls: list[Call] = field(default_factory=list)
    #: How many ticks are on the stream.
    ticks: int = 0
    _seq: int = 0

    def run(self, stopping: Event) -> None:
        """Poll until told to stop.

        Raises:
            BenchmarkError: the stream has refused records, or is out of reach.
        """
        while not stopping.is_set():
            began = time.monotonic()
            self.poll(time.time_ns() // 1_000_000)
            stopping.wait(POLL_SECONDS - (time.monotonic() - began))

    def poll(self, now_ms: int) -> None:
        """Put the ticks on the stream that are due, and a heartbeat behind them.

        Raises:
            BenchmarkError: the stream has refused records, or is out of reach.
        """
        records = [*self._due(now_ms), self._beat(now_ms)]
        for start in range(0, len(records), _RECORDS_A_CALL):
            self._put(records[start : start + _RECORDS_A_CALL])
        self.ticks += len(records) - 1

    def bars(self, seconds: int) -> dict[tuple[str, int], Bar]:
        """Work out the bars of what was put, by coin and start of the window, epoch ms.

        Args:
            seconds: the length of a window.
        """
        found: dict[tuple[str, int], Bar] = {}
        for number in range(self.ticks):
            event_ms, price = self._event_ms(number), self._price(number)
            key = coin_name(number % self.ticks_a_second), event_ms - event_ms % (seconds * 1_000)
            before = found.get(key)
            found[key] = Bar(before.open, price, before.tick_count + 1) if before else Bar(price, price, 1)
        return found

    def _due(self, now_ms: int) -> Iterator[Tick]:
        number = self.ticks
        while (event_ms := self._event_ms(number)) <= now_ms:
            coin = coin_name(number % self.ticks_a_second)
            self._seq += 1
            yield Tick(coin, "usd", self._price(number), event_ms, now_ms, "bench", self._seq, "replay")
            number += 1

    def _event_ms(self, number: int) -> int:
        return self.began_ms + number * 1_000 // self.ticks_a_second

    def _price(self, number: int) -> float:
        # A coin's own, and another one from second to second.
        return 100.0 + number % self.ticks_a_second + number // self.ticks_a_second % 97 / 100

    def _beat(self, now_ms: int) -> Tick:
        self._seq += 1
        return heartbeat(clock_ms=now_ms, producer_id="bench", seq=self._seq, source="replay")

    def _put(self, ticks: Sequence[Tick]) -> None:
        records: list[PutRecordsRequestEntryTypeDef] = [
            {"Data": tick.to_json(), "PartitionKey": tick.coin_id} for tick in ticks
        ]
        try:
            answer = self.stream.client.put_records(StreamName=self.stream.name, Records=records)
        except (BotoCoreError, ClientError) as error:
            raise BenchmarkError(f"stream {self.stream.name}: {words_of(error)}") from None
        if answer["FailedRecordCount"]:
            raise BenchmarkError(f"stream {self.stream.name} has refused records")
        self.calls.append(Call(max(tick.event_time for tick in ticks), time.time_ns() // 1_000_000))
