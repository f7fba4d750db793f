// What every page of this kind is made of: elements from text, words in four languages.

const PAGE_LANGUAGES = ["en", "ur", "ar", "es"];
const RIGHT_TO_LEFT = ["ur", "ar"];
const spoken = { language: "en" };
const byId = (id) => document.getElementById(id);
const word = (table, key) => WORDS[table][key][spoken.language];

/** An element with attributes and children; a child that is text stays text. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Hashes, names and amounts keep their direction in every language. */
const isolated = (text, attributes = {}) => element("bdi", { dir: "ltr", ...attributes }, String(text));

/** Control characters become visible, so that a file cannot turn a line around. */
const printable = (text) =>
  String(text).replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (char) =>
    char === "\u200c" || char === "\u200d"
      ? char
      : `\\u${char.codePointAt(0).toString(16).padStart(4, "0")}`,
  );

const english = (text) => element("bdi", { class: "detail", dir: "ltr", lang: "en" }, printable(text));

/** Satoshis as bitcoin, exactly. */
function bitcoin(sats) {
  const amount = BigInt(sats);
  const digits = (amount < 0n ? -amount : amount).toString().padStart(9, "0");
  const whole = digits.slice(0, -8).replace(/\B(?=(\d{3})+$)/g, ",");
  return isolated(`${amount < 0n ? "−" : ""}${whole}.${digits.slice(-8)}`);
}

/** Every fixed word of the page in this language; then whatever else is on it. */
function speak(language, sayAgain) {
  spoken.language = language;
  document.documentElement.lang = language;
  document.documentElement.dir = RIGHT_TO_LEFT.includes(language) ? "rtl" : "ltr";
  document.title = word("page", "title");
  for (const each of document.querySelectorAll("[data-word]")) {
    each.textContent = word("page", each.dataset.word);
  }
  byId("languages").setAttribute("aria-label", word("page", "languages"));
  for (const button of byId("languages").children) {
    button.setAttribute("aria-pressed", String(button.lang === language));
  }
  sayAgain();
}

/** A button for each language, and the first that the address or the reader asks for. */
function offerLanguages(sayAgain) {
  for (const language of PAGE_LANGUAGES) {
    const dir = RIGHT_TO_LEFT.includes(language) ? "rtl" : "ltr";
    const button = element("button", { type: "button", lang: language, dir }, WORDS.page.name[language]);
    button.addEventListener("click", () => speak(language, sayAgain));
    byId("languages").append(button);
  }
  const asked = [location.hash.slice(1), ...navigator.languages.map((tag) => tag.slice(0, 2))];
  speak(asked.find((language) => PAGE_LANGUAGES.includes(language)) ?? "en", sayAgain);
}
