"""What the page answers, without a browser: the callbacks as Dash calls them, over HTTP."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from dashboard.feed import Feed
from dashboard.guard import LOOPBACK_HOSTS
from dashboard.lake import Lake
from dashboard.page import make_app
from dashboard.tree_disk import DiskFile, DiskTree
from tests.support.csv_tree import START, Published, bar

MINUTE = 60


class Asker:
    """Asks the page as its own script does."""

    def __init__(self, client: FlaskClient, language: str = "en") -> None:
        self._client = client
        self._headers = {"Host": "127.0.0.1", "Accept-Language": language}
        self._known = client.get("/_dash-dependencies", headers=self._headers).get_json()

    def __call__(self, output: str, changed: str, **values: Any) -> dict[str, Any]:
        """Give what one callback answers.

        Args:
            output: a part of its name.
            changed: the input that calls it, such as ``seen.data``.
            values: of the inputs and states, by ``id_property``; None where they are not given.
        """
        [callback] = [each for each in self._known if output in each["output"] and not each["clientside_function"]]

        def filled(parts: list[dict[str, str]]) -> list[dict[str, Any]]:
            return [{**each, "value": values.get(f"{each['id']}_{each['property']}")} for each in parts]

        names = re.findall(r"([\w-]+)\.([\w-]+)", callback["output"])
        outputs = [{"id": name, "property": prop} for name, prop in names]
        body = {
            "output": callback["output"],
            "outputs": outputs if callback["output"].startswith("..") else outputs[0],
            "inputs": filled(callback["inputs"]),
            "state": filled(callback["state"]),
            "changedPropIds": [changed],
        }
        answer = self._client.post("/_dash-update-component", json=body, headers=self._headers)
        if answer.status_code == 204:
            return {}
        assert answer.status_code == 200, answer.get_data(as_text=True)
        found: dict[str, Any] = answer.get_json()["response"]
        return found


@pytest.fixture
def tree(tmp_path: Path) -> Published:
    return Published(tmp_path / "csv")


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    feed = Feed(Lake(DiskTree(tmp_path / "csv")), DiskFile(tmp_path / "status.json"), ("solana",), 0.0)
    client: FlaskClient = make_app(feed, LOOPBACK_HOSTS).server.test_client()
    return client


@pytest.fixture
def ask(client: FlaskClient) -> Asker:
    return Asker(client)


def texts(part: Any) -> str:
    """Give all that is said in a component, in its order."""
    if isinstance(part, dict):
        return texts(part.get("props", {}).get("children"))
    return " ".join(filter(None, map(texts, part))) if isinstance(part, list) else "" if part is None else str(part)


def look(ask: Asker, seen: str | None = None) -> dict[str, Any]:
    return ask("seen.data", "tick.n_intervals", seen_data=seen)


def test_only_news_is_told_as_news(ask: Asker, tree: Published) -> None:
    tree.add(bar("bitcoin", START, MINUTE, 1.0))
    seen = look(ask)["seen"]["data"]
    assert "seen" not in look(ask, seen)
    tree.add(bar("bitcoin", START + MINUTE, MINUTE, 1.0))
    assert look(ask, seen)["seen"]["data"] != seen


def test_the_list_has_links_with_all_that_they_say(ask: Asker, tree: Published) -> None:
    tree.add(bar("bitcoin", START, MINUTE, 100.0, stale="true"), bar("solana", START, MINUTE, 2.0))
    look(ask)
    answer = ask("coins.children", "seen.data", place_search="?coin=bitcoin&in=usd&sort=name")
    links = [item["props"]["children"]["props"] for item in answer["coins"]["children"]]
    assert [link["aria-label"] for link in links] == [
        "bitcoin in USD: 101.000, +1.00%, stale",
        "solana in USD: 2.02000, +1.00%",
    ]
    assert [link["href"] for link in links] == [
        "?coin=bitcoin&in=usd&interval=1m&sort=name", "?coin=solana&in=usd&interval=1m&sort=name",
    ]  # fmt: skip
    assert [link.get("aria-current") for link in links] == ["true", None]
    assert [link["tabIndex"] for link in links] == [0, -1]
    assert texts(answer["pager"]["children"]) == "1-2 of 2"
    assert answer["over"]["children"] == "change over 1 min"
    assert (answer["market"]["hidden"], answer["empty"]["hidden"]) == (False, True)


def test_an_empty_lake_shows_why(ask: Asker) -> None:
    look(ask)
    answer = ask("coins.children", "seen.data")
    assert answer["coins"]["children"] == []
    assert (answer["market"]["hidden"], answer["empty"]["hidden"]) == (True, False)
    assert ask("chart.figure", "seen.data", client_data={"dark": False, "touch": False}) == {}


def test_the_chart_is_drawn_with_its_words_and_its_table(ask: Asker, tree: Published) -> None:
    tree.fill(["bitcoin"], range(30))
    tree.add(bar("bitcoin", START + 30 * MINUTE, MINUTE, 100.0, anomaly="true", tick_count=None, origin="candles"))
    look(ask)
    answer = ask("chart.figure", "seen.data", client_data={"dark": True, "touch": False})
    assert answer["chart"]["figure"]["layout"]["plot_bgcolor"] == "#131822"
    assert answer["chart-box"]["aria-label"].startswith("Candles of bitcoin in USD, 1m: last 101.00")
    assert texts(answer["heading"]["children"]).startswith("bitcoin   USD 101.00")
    assert texts(answer["intervals"]["children"]) == "1m"
    assert texts(answer["looks"]["children"]) == "60 120 240 All"
    assert texts(answer["legend"]["children"]) == "Average Bollinger bands Anomaly"
    rows = answer["bars"]["children"]["props"]["children"][1]["props"]["children"]
    assert len(rows) == 15
    assert texts(rows[0]) == "2026-01-05 09:30 100.000 102.000 99.000 101.000 \u2013 Anomaly"
    assert (answer["drawn"]["hidden"], answer["none"]["hidden"]) == (False, True)


def test_a_coin_without_bars_is_told_in_the_language_that_is_asked_for(client: FlaskClient, tree: Published) -> None:
    tree.add(bar("bitcoin", START, MINUTE, 1.0))
    ask = Asker(client, "es")
    look(ask)
    query = "?coin=%3Cb%3E&in=eur"
    answer = ask("chart.figure", "place.search", place_search=query, client_data={"dark": False, "touch": True})
    assert texts(answer["none"]["children"]).startswith("No hay barras de <b> aquí Nada en EUR")
    assert (answer["drawn"]["hidden"], answer["none"]["hidden"]) == (True, False)


def test_a_zoom_is_kept_until_something_else_is_chosen(ask: Asker) -> None:
    change = {"xaxis.range[0]": "2026-01-05", "xaxis.range[1]": "2026-01-06"}
    zoom = [1_767_571_200_000, 1_767_657_600_000]
    assert ask("zoom.data", "chart.relayoutData", chart_relayoutData=change)["zoom"]["data"] == zoom
    assert ask("zoom.data", "chart.relayoutData", chart_relayoutData={"autosize": True}, zoom_data=zoom) == {}
    assert ask("zoom.data", "place.search", chart_relayoutData=change, zoom_data=zoom)["zoom"]["data"] is None


def test_what_cannot_be_read_is_said_on_the_page(ask: Asker, tree: Published) -> None:
    tree.add(bar("bitcoin", START, MINUTE, 1.0))
    [file] = tree.root.rglob("bars.csv")
    file.write_bytes(b"\x00no bars")
    look(ask)
    ask("coins.children", "seen.data")
    assert texts(look(ask)["notice"]["children"]) == "Files that hold no bars and are left out: 1."
    assert "No status" in texts(look(ask)["health"]["children"])


@pytest.mark.parametrize(
    "query", ["?coin=" + "x" * 5000, "?page=-1&last=abc", "?coin=a&coin=b", "?%00=%00", "?interval=1m' OR 1=1"]
)
def test_any_address_is_answered(ask: Asker, tree: Published, query: str) -> None:
    tree.add(bar("bitcoin", START, MINUTE, 1.0))
    look(ask)
    for output in ("coins.children", "chart.figure"):
        assert json.dumps(ask(output, "place.search", place_search=query, client_data={}))
