// The portal's end of the customer's check: the slip stays here, the published files are fetched.

const MOST_FILE_BYTES = 1 << 27;

class NotFetched extends Error {}

/** A published file; the request names the file and nothing of the reader. */
async function fetched(address) {
  try {
    const answer = await fetch(address, { credentials: "omit", referrerPolicy: "no-referrer" });
    if (!answer.ok) throw new NotFetched(`${address} gives ${answer.status}`);
    return new Uint8Array(await answer.arrayBuffer());
  } catch (error) {
    throw new NotFetched(error.message);
  }
}

/** What is published of the tree with this root; null where nothing is. */
const publishedOf = (root) =>
  [...byId("published").children].find((each) => each.dataset.root === root) ?? null;

function givenFile() {
  const [file] = byId("slip").files;
  if (file && file.size > MOST_FILE_BYTES) throw new Rejected("slip_malformed", "the file is too large");
  return file ?? null;
}

async function judge() {
  const text = byId("slip-text").value.trim();
  const file = givenFile();
  if (!text && !file) return { note: "nothing-given" };
  const slip = await slipGiven(file, text);
  const published = publishedOf(slip.root);
  if (published === null) return { note: "not-published" };
  const epoch = readEpoch(payloadOf(await fetched(published.dataset.statement)));
  const pinned = byId("digest").value.replace(/\s/g, "").toLowerCase();
  checkStatement(epoch, { pinned: pinned || undefined });
  const head = headOf(epoch, slip.tree);
  const needsLevel = slip.height !== depthOf(head.leaves);
  const level = needsLevel ? readLevel(await fetched(published.dataset.level), epoch, slip.tree) : null;
  const contribution = wordsOf(byId("words").value);
  const balance = unitsOf(byId("balance").value, head.scale);
  return { found: { ...checkSlip(slip, { epoch, contribution, level, balance }), epoch, pinned, published } };
}

function passed({ head, balance, epoch, pinned, published }) {
  const line = (key, units) =>
    element("p", {}, word("page", key), " ", isolated(`${written(units, head.scale)} ${head.asset}`));
  const link = element("a", { href: published.dataset.page }, published.dataset.name);
  const said = [
    element("p", {}, element("strong", {}, word("page", "inside"))),
    line("yours", balance),
    line("all", head.sum),
    element("p", {}, link),
    element("p", { class: "mono small" }, isolated(epoch.digest)),
    pinned ? null : element("p", {}, word("page", "unpinned")),
    element("p", {}, word("page", "limits")),
  ];
  if (published.dataset.newer) byId("newer").hidden = false;
  return said.filter((each) => each !== null);
}

function rejected({ reason, problem }) {
  return [
    element("p", {}, element("strong", {}, word("page", "rejected"))),
    element("p", {}, word("reason", reason)),
    english(`${reason}: ${problem}`),
  ];
}

function show(said) {
  const report = byId("report");
  report.replaceChildren();
  for (const id of ["nothing-given", "not-published", "not-fetched", "newer"]) byId(id).hidden = true;
  report.hidden = Boolean(said.note);
  if (said.note) {
    byId(said.note).hidden = false;
    return;
  }
  report.className = said.found ? "note" : "note warning";
  report.dataset.reason = said.found ? "" : said.reason;
  report.append(...(said.found ? passed(said.found) : rejected(said)));
  report.focus();
}

async function check() {
  try {
    show(await judge());
  } catch (error) {
    if (error instanceof Rejected) show({ reason: error.reason, problem: error.message });
    else if (error instanceof Refused) show({ reason: "statement_malformed", problem: error.message });
    else if (error instanceof NotFetched) show({ note: "not-fetched" });
    else throw error;
  }
}

/** A slip that the address brought behind its #; taken out of it, so that no history keeps it. */
function takeFromAddress() {
  const brought = location.hash.slice(1);
  if (!/^KSS1[.:]/.test(brought)) return;
  byId("slip-text").value = brought;
  history.replaceState(null, "", location.pathname + location.search);
}

function begin() {
  spoken.language = document.documentElement.lang;
  takeFromAddress();
  byId("form").hidden = false;
  byId("form").addEventListener("submit", (event) => {
    event.preventDefault();
    check();
  });
}

begin();
