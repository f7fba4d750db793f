// The page: files in, a report out. Text goes in as text only, never as markup.

const MOST_FILE_BYTES = 200 * 1024 * 1024;
const MOST_SETS_LISTED = 200;
const NEEDS = {
  documents: "documents",
  continuity: "previous",
  beside: "beside",
  valuation: "valuation",
  control: "control",
  maturity: "program",
  transfers: "program",
  explanations: "program",
  book_entries: "program",
};

const page = { dropped: { statement: null, office: null }, shown: null, turn: 0 };

/** What is on the page beside its fixed words, said anew. */
function sayAgain() {
  showDropped();
  if (page.shown) showReport();
}

function showDropped() {
  const files = Object.values(page.dropped).filter(Boolean);
  byId("dropped").hidden = !files.length;
  byId("dropped").replaceChildren(
    word("page", "dropped"),
    ...files.flatMap((file) => [" ", isolated(printable(file.name))]),
  );
}

function showProblem(key, detail = "") {
  byId("status").textContent = "";
  byId("problem").replaceChildren(
    element("p", {}, word("page", key)),
    ...(detail ? [english(detail)] : []),
  );
}

/** A file's name as a shell takes it: never an option, never two words. */
function quoted(text) {
  const name = text.startsWith("-") ? `./${text}` : text;
  return /^[A-Za-z0-9._/:@-]+$/.test(name) ? name : `'${name.replace(/'/g, "'\\''")}'`;
}

function commandFor({ statementName, officeName, fingerprint }) {
  const office = quoted(officeName ?? fingerprint ?? "office.json");
  const chain = "--chain core:http://127.0.0.1:8332";
  return printable(`khazana verify ${quoted(statementName)} --office ${office} ${chain} --require full`);
}

function conclusionOf({ results }, pinned) {
  const here = results.filter((each) => HERE.includes(each.name));
  const verdict = (name) => here.find((each) => each.name === name).verdict;
  if (here.some((each) => each.verdict === FAILED)) return "failed";
  if (!pinned) return "unknown";
  const needed = ["schema", "root", "identity", "signatures", "balance"];
  return needed.every((name) => verdict(name) === PASSED) ? "passed" : "open";
}

function checkItem(each, note) {
  const verdict = element(
    "span",
    { class: `verdict ${each.verdict.replace(" ", "-")}` },
    word("verdict", each.verdict),
  );
  const extra = each.findings.filter((finding) => finding.text !== each.summary);
  const found = extra.map(({ rule, text, where }) => element("li", {}, english(`${rule}: ${text} (${where})`)));
  return element(
    "li",
    { "data-check": each.name, "data-verdict": each.verdict },
    element(
      "div",
      { class: "row" },
      verdict,
      element("h3", {}, word("check", each.name)),
      isolated(each.name, { class: "name" }),
      note ? element("span", { class: "limit" }, note) : null,
    ),
    note ? null : english(each.summary),
    found.length ? element("ul", { class: "found" }, ...found.slice(0, 50)) : null,
    !note && WORDS.limit[each.name]
      ? element("p", { class: "limit" }, `${word("page", "cannot")} ${word("limit", each.name)}`)
      : null,
  );
}

/** A failed check in the conclusion, so that nobody has to look for it. */
const failedLine = (each) =>
  element("p", { class: "row" }, isolated(each.name, { class: "name" }), element("span", {}, word("check", each.name)));

function saysSection({ statement, reserve }) {
  const { header } = statement;
  const name = header.office.name[spoken.language] ?? header.office.name.en ?? header.office.id;
  const said = [
    ["office", element("bdi", {}, printable(name))],
    ["network", isolated(statement.network.name)],
    ["period", isolated(`${header.period.after.height} – ${header.period.until.height}`)],
    ["root", isolated(statement.root)],
    ["size", isolated(`${statement.parts.length}, ${statement.withheld.length}`)],
  ];
  const pairs = said.flatMap(([key, value]) => [
    element("dt", {}, word("page", key)),
    element("dd", {}, value),
  ]);
  const order = ["perimeter", "entity", "account", "wallet"];
  const sets = [...setsOf(reserve)].sort(([a], [b]) => order.indexOf(kindOf(a)) - order.indexOf(kindOf(b)));
  const rows = sets.slice(0, MOST_SETS_LISTED).map(([part, { figures }]) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, isolated(part)),
      element("td", { class: "amount" }, bitcoin(figures.opening)),
      element("td", { class: "amount" }, bitcoin(figures.closing)),
    ),
  );
  const columns = ["part", "opening", "closing"].map((key, i) =>
    element("th", { scope: "col", ...(i ? { class: "amount" } : {}) }, word("page", key)),
  );
  const table = element(
    "table",
    {},
    element("caption", {}, word("page", "says_note")),
    element("thead", {}, element("tr", {}, ...columns)),
    element("tbody", {}, ...rows),
  );
  const more = sets.length - rows.length;
  return [
    element("h2", {}, word("page", "says")),
    header.office.notice === null ? null : element("p", {}, element("bdi", {}, printable(header.office.notice))),
    element("dl", {}, ...pairs),
    element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": word("page", "says") }, table),
    more > 0 ? element("p", { class: "hint" }, isolated(more), ` ${word("page", "more_rows")}`) : null,
  ].filter(Boolean);
}

function showReport() {
  const { report, given } = page.shown;
  const pinned = given.officeName !== null || given.fingerprint !== null;
  const conclusion = conclusionOf(report, pinned);
  const here = report.results.filter((each) => HERE.includes(each.name));
  const elsewhere = report.results.filter((each) => !HERE.includes(each.name));
  const engine = report.engines.includes("browser") ? "engine_both" : "engine_own";
  byId("banner").hidden = !report.statement?.test;
  byId("report").replaceChildren(
    element(
      "div",
      { class: `conclusion ${conclusion}`, id: "conclusion", "data-conclusion": conclusion },
      element("p", {}, word("page", `conclusion_${conclusion}`)),
      ...here.filter((each) => each.verdict === FAILED).map(failedLine),
    ),
    element("h2", {}, word("page", "here")),
    element("p", { class: "hint" }, word("page", "english")),
    element("ol", { class: "checks" }, ...here.map((each) => checkItem(each))),
    ...(report.engines.length ? [element("p", { class: "hint" }, word("page", engine))] : []),
    ...(report.statement ? saysSection(report) : []),
    element("h2", {}, word("page", "not_here")),
    element("p", {}, word("page", "not_here_why")),
    element("p", {}, word("page", "command")),
    element("pre", { dir: "ltr", lang: "en", id: "command", tabindex: "0" }, commandFor(given)),
    element("p", { class: "hint" }, word("page", "command_hint")),
    element(
      "ol",
      { class: "checks compact" },
      ...elsewhere.map((each) => checkItem(each, word("needs", NEEDS[each.name] ?? "chain"))),
    ),
  );
  byId("report").hidden = false;
}

/** The chosen file of a kind: the one in its input, else the one dropped. */
const chosen = (kind) => byId(kind).files[0] ?? page.dropped[kind];

async function bytesOf(file) {
  return new Uint8Array(await file.arrayBuffer());
}

async function pinGiven(office, typed) {
  if (office) return pinByFile(await bytesOf(office));
  return typed ? pinByFingerprint(typed) : null;
}

async function check() {
  const [statement, office] = [chosen("statement"), chosen("office")];
  const typed = byId("fingerprint").value.trim();
  page.turn += 1;
  const { turn } = page;
  page.shown = null;
  byId("report").hidden = true;
  byId("banner").hidden = true;
  byId("problem").replaceChildren();
  if (!statement) return showProblem("need_statement");
  if (office && typed) return showProblem("one_pin");
  if (statement.size > MOST_FILE_BYTES) return showProblem("too_large");
  byId("status").textContent = word("page", "working");
  let pin;
  try {
    pin = await pinGiven(office, typed);
  } catch (error) {
    return error instanceof Refused ? showProblem("pin_refused", error.message) : showProblem("unreadable");
  }
  let bytes;
  try {
    bytes = await bytesOf(statement);
  } catch {
    return showProblem("unreadable");
  }
  const report = await checkFile(bytes, pin, Date.now());
  if (turn !== page.turn) return undefined; // another file was chosen meanwhile
  const given = {
    statementName: statement.name,
    officeName: office ? office.name : null,
    fingerprint: office || !pin ? null : pin.fingerprint,
  };
  page.shown = { report, given };
  byId("status").textContent = word("page", "done");
  showReport();
  return byId("report").focus();
}

async function checkAndSay() {
  byId("check").setAttribute("aria-disabled", "true");
  try {
    await check();
  } catch (error) {
    showProblem("broken", String(error));
  } finally {
    byId("check").setAttribute("aria-disabled", "false");
  }
}

/** Which of two dropped files is the office's: the one that says so. */
async function take(files) {
  for (const file of files) {
    const text = file.size > MOST_OFFICE_BYTES ? "" : await file.text();
    const isOffice = text.includes("khazana.office/1") && !text.includes("khazana.statement/1");
    const kind = isOffice ? "office" : "statement";
    byId(kind).value = "";
    page.dropped[kind] = file;
  }
  showDropped();
  if (page.dropped.statement) await checkAndSay();
}

function begin() {
  for (const kind of ["statement", "office"]) {
    byId(kind).addEventListener("change", () => {
      page.dropped[kind] = null;
      showDropped();
    });
  }
  byId("form").noValidate = true;
  byId("form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (byId("check").getAttribute("aria-disabled") !== "true") checkAndSay();
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("over");
  });
  document.addEventListener("dragleave", () => document.body.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("over");
    take([...event.dataTransfer.files]);
  });
  offerLanguages(sayAgain);
}

begin();
