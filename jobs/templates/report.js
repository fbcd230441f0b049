"use strict";
(function () {
  const data = JSON.parse(document.getElementById("chart-data").textContent);
  const byId = (id) => document.getElementById(id);
  const chart = byId("chart");
  const rows = Array.from(document.querySelectorAll("#coins tr"));
  const stacked = matchMedia("(max-width: 1180px)");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const touch = matchMedia("(pointer: coarse)");
  const whole = [data.startMs, data.endMs];
  let chosen = 0;
  let shown = whole;
  let pointed = 0;

  // The rule of jobs/report_number.py: digits chosen for the coin, a power of ten where they do not do.
  function price(value, coin) {
    if (value === null) return "–";
    const size = Math.abs(value);
    const isLost = coin.decimals !== null && size > 0 && size < 1 && size < 100 * Math.pow(10, -coin.decimals);
    if (coin.decimals === null || size >= 1e12 || isLost) {
      const [factor, exponent] = value.toExponential(coin.mantissa).split("e");
      const raised = Array.from(String(Number(exponent)), (sign) => (sign === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign]));
      return factor + "×10" + raised.join("");
    }
    const digits = { minimumFractionDigits: coin.decimals, maximumFractionDigits: coin.decimals };
    return value.toLocaleString("en-US", digits);
  }

  function color(name) {
    return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  }

  function element(tag, text, name) {
    const made = document.createElement(tag);
    made.textContent = text;
    if (name) made.className = name;
    return made;
  }

  // Plotly tells times as text, such as "2026-01-05 09:30:12.5", with fewer parts where they are zero.
  function epoch(text) {
    const [year, month, day = 1, hour = 0, minute = 0, second = 0] = String(text).match(/\d+/g).map(Number);
    return Date.UTC(year, month - 1, day, hour, minute, second);
  }

  const middle = (window) => data.startMs + (window + 0.5) * data.intervalMs;
  const isUp = (coin, i) => coin.close[i] >= coin.open[i];

  function traces(coin) {
    const at = coin.window.map(middle);
    // Two places without a bar, one interval apart, tell Plotly how wide a candle is: it takes the
    // smallest distance that it finds, and where bars are rare that would be too much.
    const ends = [middle(-2), middle(-1)];
    const padded = (values) => values.concat([null, null]);
    const line = (name) => ({ line: { color: color(name), width: 1 }, fillcolor: color(name) });
    const candles = {
      type: "candlestick", x: at.concat(ends), open: padded(coin.open), high: padded(coin.high),
      low: padded(coin.low), close: padded(coin.close), increasing: line("up"), decreasing: line("down"),
      whiskerwidth: 0, hoverinfo: "none", yaxis: "y",
    };
    const colors = coin.window.map((_, i) => color(isUp(coin, i) ? "up" : "down"));
    const ticks = {
      type: "bar", x: at, y: coin.ticks, width: data.intervalMs * 0.7, marker: { color: colors, line: { width: 0 } },
      opacity: 0.55, hoverinfo: "none", yaxis: "y2",
    };
    return [candles, ticks];
  }

  // What the visible bars need: Plotly alone would keep room for those out of sight.
  function heights(coin) {
    const [from, to] = shown;
    let low = Infinity, high = -Infinity, most = 1;
    coin.window.forEach((window, i) => {
      const at = middle(window);
      if (at < from || at > to || coin.low[i] === null || coin.high[i] === null) return;
      low = Math.min(low, coin.low[i]);
      high = Math.max(high, coin.high[i]);
      most = Math.max(most, coin.ticks[i]);
    });
    if (low > high) return { prices: [0, 1], ticks: [0, 1] };
    const room = (high - low) * 0.06 || Math.abs(high) * 0.001 || 1;
    return { prices: [low - room, high + room], ticks: [0, most * 1.08] };
  }

  function layout(coin) {
    const axis = {
      gridcolor: color("grid"), zeroline: false, fixedrange: true, tickfont: { color: color("muted") },
      automargin: true, side: "right", ticks: "outside", ticklen: 5, tickcolor: "transparent",
    };
    const height = heights(coin);
    const family = getComputedStyle(document.body).fontFamily;
    return {
      autosize: true, showlegend: false, bargap: 0, hovermode: "x", hoverdistance: -1, spikedistance: -1,
      paper_bgcolor: "transparent", plot_bgcolor: "transparent", font: { family, size: 12, color: color("muted") },
      margin: { l: 4, r: 8, t: 6, b: 28 }, dragmode: touch.matches ? false : "zoom",
      xaxis: {
        type: "date", range: shown.slice(), gridcolor: color("grid"), linecolor: color("line"), anchor: "y2",
        ticks: "outside", ticklen: 6, tickcolor: "transparent",
        rangeslider: { visible: false }, nticks: stacked.matches ? 5 : 8, tickfont: { color: color("muted") },
        minallowed: whole[0], maxallowed: whole[1],
        showspikes: true, spikemode: "across", spikesnap: "hovered data", spikethickness: 1, spikedash: "dot",
        spikecolor: color("muted"),
      },
      yaxis: Object.assign({}, axis, {
        domain: [0.25, 1], range: height.prices, nticks: 7, separatethousands: true,
        exponentformat: coin.decimals === null ? "power" : "none",
      }),
      yaxis2: Object.assign({}, axis, {
        domain: [0, 0.19], range: height.ticks, nticks: 3, dtick: height.ticks[1] < 4 ? 1 : null,
      }),
    };
  }

  function draw() {
    const coin = data.coins[chosen];
    Plotly.react(chart, traces(coin), layout(coin), { displayModeBar: false, doubleClick: false });
  }

  function read(i) {
    const coin = data.coins[chosen];
    pointed = Math.max(0, Math.min(coin.window.length - 1, i));
    const at = new Date(data.startMs + coin.window[pointed] * data.intervalMs).toISOString();
    const moment = at.slice(0, 10) + " " + at.slice(11, data.intervalMs % 60000 ? 19 : 16);
    const values = [
      ["", moment], ["O", price(coin.open[pointed], coin)], ["H", price(coin.high[pointed], coin)],
      ["L", price(coin.low[pointed], coin)], ["C", price(coin.close[pointed], coin)],
      ["Ticks", coin.ticks[pointed].toLocaleString("en-US")],
    ];
    byId("readout").replaceChildren(...values.map(([name, text]) => {
      const part = element("span", "");
      if (name) part.append(element("b", name));
      part.append(text);
      return part;
    }));
  }

  function show(range) {
    shown = range;
    const height = heights(data.coins[chosen]);
    Plotly.relayout(chart, { "xaxis.range": range.slice(), "yaxis.range": height.prices, "yaxis2.range": height.ticks });
    press();
  }

  function press() {
    Array.from(byId("ranges").children).forEach((button, i) => {
      const [from, to] = bounds(data.ranges[i].windows);
      button.setAttribute("aria-pressed", String(from === shown[0] && to === shown[1]));
    });
  }

  const bounds = (windows) => [windows === null ? whole[0] : whole[1] - windows * data.intervalMs, whole[1]];

  function choose(index) {
    chosen = index;
    const coin = data.coins[index];
    rows.forEach((row, i) => {
      row.classList.toggle("chosen", i === index);
      row.querySelector("button").setAttribute("aria-pressed", String(i === index));
    });
    byId("chart-name").textContent = coin.name;
    byId("chart-currency").textContent = coin.currency;
    byId("chart-last").textContent = coin.last;
    byId("chart-change").textContent = coin.change;
    byId("chart-change").className = "change " + coin.trend;
    byId("chart-facts").replaceChildren(...coin.facts.map(([name, text]) => {
      const fact = element("div", "");
      fact.append(element("dt", name), element("dd", text));
      return fact;
    }));
    chart.setAttribute("aria-label", coin.name + " in " + coin.currency + ": last " + coin.last + ", " + coin.change);
    draw();
    read(coin.window.length - 1);
  }

  rows.forEach((row, i) => {
    row.addEventListener("click", () => {
      choose(i);
      if (stacked.matches) byId("chart-card").scrollIntoView({ behavior: calm.matches ? "auto" : "smooth" });
    });
    row.addEventListener("keydown", (event) => {
      const next = rows[i + { ArrowUp: -1, ArrowDown: 1 }[event.key]];
      if (!next) return;
      event.preventDefault();
      next.querySelector("button").focus();
      choose(rows.indexOf(next));
    });
  });

  chart.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    read(pointed + step);
    Plotly.Fx.hover(chart, [{ curveNumber: 0, pointNumber: pointed }], ["xy"]);
  });

  data.ranges.forEach((range) => {
    const button = element("button", range.label);
    button.type = "button";
    button.addEventListener("click", () => show(bounds(range.windows)));
    byId("ranges").append(button);
  });

  choose(0);
  press();
  chart.on("plotly_hover", (event) => {
    if (event.points[0].pointNumber < data.coins[chosen].window.length) read(event.points[0].pointNumber);
  });
  chart.on("plotly_unhover", () => read(data.coins[chosen].window.length - 1));
  chart.on("plotly_doubleclick", () => show(whole));
  chart.on("plotly_relayout", (change) => {
    // Only what a drag sends; what show() itself sends has the whole range in one piece.
    if (!("xaxis.range[0]" in change)) return;
    const [from, to] = ["xaxis.range[0]", "xaxis.range[1]"].map((key) => epoch(change[key]));
    show([Math.max(from, whole[0]), Math.min(to, whole[1])]);
  });
  dark.addEventListener("change", draw);
  // Not Plotly's own "responsive", which hears of the window's size alone.
  new ResizeObserver(() => Plotly.Plots.resize(chart)).observe(chart);
})();
