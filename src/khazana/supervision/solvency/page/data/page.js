// The customer's page: files in, one sentence out.

const answer = { said: null };
const MOST_FILE_BYTES = 1 << 27;

function fileOf(id) {
  const [file] = byId(id).files;
  if (file && file.size > MOST_FILE_BYTES) throw new Rejected("slip_malformed", "the file is too large");
  return file ?? null;
}

async function bytesOf(id) {
  const file = fileOf(id);
  return file ? new Uint8Array(await file.arrayBuffer()) : null;
}

async function judge() {
  const statement = await bytesOf("statement");
  const file = fileOf("slip");
  const text = byId("slip-text").value.trim();
  if (!statement || (!file && !text)) return { missing: true };
  const epoch = readEpoch(payloadOf(statement));
  const pinned = byId("digest").value.replace(/\s/g, "").toLowerCase();
  checkStatement(epoch, { pinned: pinned || undefined });
  const slip = await slipGiven(file, text);
  const raw = await bytesOf("level");
  const level = raw ? readLevel(raw, epoch, slip.tree) : null;
  const contribution = wordsOf(byId("words").value);
  const balance = unitsOf(byId("balance").value, headOf(epoch, slip.tree).scale);
  return { ...checkSlip(slip, { epoch, contribution, level, balance }), epoch, pinned };
}

function show() {
  const { said } = answer;
  byId("report").hidden = said === null;
  byId("report").replaceChildren();
  byId("banner").hidden = !(said && said.found && said.found.epoch.test);
  if (said === null) return;
  const kind = said.found ? "passed" : "failed";
  const box = element("div", { id: "conclusion", class: `conclusion ${kind}`, "data-reason": said.reason ?? "" });
  if (said.found) {
    const { head, balance, epoch, pinned } = said.found;
    box.append(element("p", {}, word("page", "inside")));
    box.append(element("p", {}, word("page", "yours"), " ", isolated(`${written(balance, head.scale)} ${head.asset}`)));
    box.append(element("p", {}, word("page", "all"), " ", isolated(`${written(head.sum, head.scale)} ${head.asset}`)));
    box.append(element("p", {}, isolated(printable(`${epoch.provider.name}, ${epoch.epoch}, ${epoch.block.height}`))));
    if (!pinned) box.append(element("p", {}, word("page", "unpinned")));
    box.append(isolated(epoch.digest, { class: "detail" }));
    box.append(element("p", {}, word("page", "limits")));
  } else {
    box.append(element("p", {}, word("page", said.reason === "missing" ? "missing" : "rejected")));
    if (said.problem) box.append(element("p", {}, word("reason", said.reason)));
    if (said.problem) box.append(english(`${said.reason}: ${said.problem}`));
  }
  byId("report").append(box);
}

async function check() {
  try {
    const found = await judge();
    answer.said = found.missing ? { reason: "missing" } : { found };
  } catch (error) {
    const reason = error instanceof Rejected ? error.reason : "statement_malformed";
    if (!(error instanceof Rejected) && !(error instanceof Refused)) throw error;
    answer.said = { reason, problem: error.message };
  }
  show();
  byId("report").focus();
}

function begin() {
  byId("form").noValidate = true;
  byId("form").addEventListener("submit", (event) => {
    event.preventDefault();
    check();
  });
  offerLanguages(show);
}

begin();
