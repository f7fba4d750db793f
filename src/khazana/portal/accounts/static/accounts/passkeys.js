// A passkey's button can be pressed once the scripts that answer it are in place, not before.
document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("button[data-passkey]")) button.disabled = false;
});
