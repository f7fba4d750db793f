// Keeps the card of the chain in step while the page is open. Without this script, or without the
// stream, the page says the same when it is loaded again.
"use strict";
(() => {
  const card = document.getElementById("chain");
  if (!card || !window.EventSource) return;
  const source = new EventSource(card.dataset.news);
  const put = (id, value) => {
    const place = document.getElementById(id);
    if (place) place.textContent = value;
  };
  source.addEventListener("tip", (event) => {
    const tip = JSON.parse(event.data);
    put("tip-height", String(tip.height));
    put("tip-seen", tip.seen);
    card.dataset.height = String(tip.height);
    document.getElementById("tip-none").hidden = true;
    document.getElementById("tip").hidden = false;
    if (tip.replaced_from !== null) {
      put("tip-replaced-from", String(tip.replaced_from));
      document.getElementById("tip-replaced").hidden = false;
    }
  });
  source.addEventListener("over", () => {
    source.close();
    document.getElementById("session-over").hidden = false;
  });
})();
