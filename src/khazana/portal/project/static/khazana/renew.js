// Asks whether the page is still the newest, and shows a line when it is not. Nothing moves under
// the reader's eyes, and without this script everything else works the same.
"use strict";
(() => {
  const note = document.getElementById("renewed");
  if (!note || !window.fetch) return;
  let etag = null;
  const ask = async () => {
    try {
      const answer = await fetch(window.location.href, {
        method: "HEAD",
        headers: etag ? { "If-None-Match": etag } : {},
        cache: "no-store",
      });
      const now = answer.headers.get("ETag");
      if (answer.status === 200 && now) {
        if (etag && now !== etag) note.hidden = false;
        else etag = now;
      }
    } catch {
      // The next time will tell.
    }
  };
  ask();
  window.setInterval(ask, Number(note.dataset.seconds) * 1000);
})();
