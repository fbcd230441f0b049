"use strict";
// What a page of Dash leaves to the browser: the theme, links without a reload, arrow keys, the language, and whether
// the server is still there.
(function () {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const touch = matchMedia("(pointer: coarse)");
  const client = () => ({ dark: dark.matches, touch: touch.matches });

  window.dash_clientside = Object.assign({}, window.dash_clientside, { page: { client } });
  for (const query of [dark, touch]) {
    query.addEventListener("change", () => window.dash_clientside.set_props("client", { data: client() }));
  }

  function plainClick(event) {
    return event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-language]");
    if (button) {
      const year = 365 * 24 * 3600;
      document.cookie = "pricestream_language=" + button.dataset.language + "; path=/; SameSite=Strict; max-age=" + year;
      location.reload();
      return;
    }
    const link = event.target.closest("a.go");
    if (!link || !plainClick(event)) return;
    event.preventDefault();
    if (link.getAttribute("href") === location.search) return;
    history.pushState({}, "", link.getAttribute("href"));
    // Dash's own Location hears of this one.
    dispatchEvent(new PopStateEvent("popstate"));
    const card = document.getElementById("chart-card");
    if (link.classList.contains("coin") && matchMedia("(max-width: 1100px)").matches) {
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      card.scrollIntoView({ behavior: calm ? "auto" : "smooth" });
    }
  });

  document.addEventListener("keydown", (event) => {
    const link = event.target.closest("#coins a.coin");
    if (!link || event.ctrlKey || event.metaKey || event.altKey) return;
    const links = Array.from(document.querySelectorAll("#coins a.coin"));
    const at = links.indexOf(link);
    const next = {
      ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: links.length - 1, PageDown: at + 10, PageUp: at - 10,
    }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    links[Math.max(0, Math.min(links.length - 1, next))].focus();
  });

  // Dash makes what it is given anew, with all that is inside: who had the focus there gets it back.
  let held = null;
  const nameOf = (link) => link.dataset.name || link.textContent;
  document.addEventListener("focusin", (event) => {
    const link = event.target.closest("a.go");
    const place = link && link.closest("[id]");
    held = place && { link, name: nameOf(link), place: place.id };
  });
  document.addEventListener("pointerdown", () => { held = null; });
  new MutationObserver(() => {
    if (!held || held.link.isConnected || document.activeElement !== document.body) return;
    const links = Array.from(document.querySelectorAll("#" + held.place + " a.go"));
    const same = links.find((link) => nameOf(link) === held.name);
    if (same) same.focus({ preventScroll: true });
  }).observe(document.documentElement, { childList: true, subtree: true });

  // The server's clock comes with each of its answers: where it stands still, so does all the rest.
  let heard = "";
  let since = Date.now();
  setInterval(() => {
    const alive = document.getElementById("alive");
    const lost = document.getElementById("lost");
    if (!alive || !lost) return;
    if (alive.textContent !== heard || document.hidden) {
      heard = alive.textContent;
      since = Date.now();
    }
    const patience = Number(document.documentElement.dataset.patience) || 20000;
    lost.hidden = Date.now() - since < patience;
  }, 1000);
})();
