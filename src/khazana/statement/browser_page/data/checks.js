// The checks in their order, with the names that `khazana verify` gives them (docs/spec/checks.md).

const PASSED = "passed";
const FAILED = "failed";
const NOT_CHECKABLE = "not checkable";
const IDENTITY_TYPE = "khazana.identity/1";
const HERE = ["schema", "root", "identity", "signatures", "evidence", "balance", "attested"];

/** limits: names of the words that say what this check cannot show. */
function result(name, verdict, summary, { findings = [], limits = [], basis = "the file itself" } = {}) {
  return { name, verdict, summary, findings, limits, basis };
}

/** Lets the page answer between two pieces of work, at most every 30 milliseconds. */
function pacer() {
  let last = performance.now();
  return () => {
    if (performance.now() - last < 30) return undefined;
    return new Promise((resolve) => {
      setTimeout(() => {
        last = performance.now();
        resolve();
      }, 0);
    });
  };
}

/**
 * All checks of a file. pin: what the reader knows of the office, or null. now: milliseconds.
 * Gives the results in order and, where the form is good, what the statement says.
 */
async function checkFile(bytes, pin, now, pause = pacer()) {
  forgetSignatures();
  let statement;
  let reserve;
  try {
    statement = await readStatement(bytes, pause);
    reserve = await typedParts(statement, pause);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const findings = [{ rule: "schema", text: error.message, where: error.where || "the file" }];
    const schema = result("schema", FAILED, error.message, { findings });
    const blocked = CHECKS.slice(1).map((name) =>
      result(name, NOT_CHECKABLE, "not made because schema failed", { basis: "none" }),
    );
    return { results: [schema, ...blocked], statement: null, reserve: null, engines: [] };
  }
  const { parts, withheld } = statement;
  const made = [
    result("schema", PASSED, `${parts.length} parts disclosed, ${withheld.length} withheld`),
    await checkRoot(statement, pause),
  ];
  const [identity, office] = await checkIdentity(statement, pin);
  made.push(identity, await checkSignatures(statement, office, pin !== null, now));
  made.push(await checkEvidence(statement), checkBalance(reserve), checkAttested(reserve));
  const byName = new Map(made.map((each) => [each.name, each]));
  const results = CHECKS.map(
    (name) =>
      byName.get(name) ??
      result(name, NOT_CHECKABLE, "not made here: it needs khazana verify", { basis: "none" }),
  );
  return { results, statement, reserve, engines: [...signatureEngines] };
}

async function checkRoot(statement, pause) {
  const found = await computedRoot(statement, pause);
  if (found === statement.root) {
    return result("root", PASSED, `${statement.leaves.length} parts give the root ${found}`);
  }
  const text = `the parts give the root ${found}, the file says ${statement.root}`;
  return result("root", FAILED, text, { findings: [{ rule: "root", text, where: "$.root" }] });
}

const describedOffice = (office) =>
  `${office.id}, version ${office.newest.version}, ${grouped(office.fingerprint)}`;

/** The result, and the office by which signatures are to be judged. */
async function checkIdentity(statement, pin) {
  const carried = [];
  const findings = [];
  const find = (text, where) => findings.push({ rule: "identity", text, where });
  for (const [row, item] of statement.evidence.entries()) {
    if (item.type !== IDENTITY_TYPE || item.subject_root !== statement.root) continue;
    try {
      carried.push(await officeOf(item.office));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      find(error.message, `$.evidence[${row}]`);
    }
  }
  if (pin === null) {
    if (findings.length) return [result("identity", FAILED, findings[0].text, { findings }), null];
    const claimed = carried.length === 1 ? carried[0] : null;
    const says = claimed ? `; the file names ${describedOffice(claimed)}` : "";
    const text = `unknown signer: no office was given to compare with${says}`;
    return [result("identity", NOT_CHECKABLE, text, { basis: "none" }), claimed];
  }
  let { office } = pin;
  for (const offered of carried) {
    try {
      office = admitted(pin, office, offered);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      find(error.message, "$.evidence");
    }
  }
  if (office) disagreements(statement, office, find);
  const basis = `the office's ${pin.office ? "file" : "fingerprint"} that you gave`;
  if (findings.length) return [result("identity", FAILED, findings[0].text, { findings, basis }), null];
  if (!office) {
    const text = "the file carries no identity: give the office's file instead of its fingerprint";
    return [result("identity", NOT_CHECKABLE, text, { basis }), null];
  }
  return [result("identity", PASSED, `the pinned office is ${describedOffice(office)}`, { basis }), office];
}

/** What the header says against the office's identity. */
function disagreements(statement, office, find) {
  const { newest, id, fingerprint } = office;
  const { network, test, header } = statement;
  if (!sameValue(newest.network, network)) {
    find(`${id} publishes on ${newest.network.name}, the statement is on ${network.name}`, "$.network");
  }
  if (newest.test !== test) find("the test flag is not the office's", "$.test");
  const named = header.office;
  const where = "$.parts[0].body.office";
  if (named.fingerprint !== null && named.fingerprint !== fingerprint) {
    find(`the header names the office ${grouped(named.fingerprint)}`, where);
  }
  if (named.id !== id) find(`the header says ${named.id}, the pinned office is ${id}`, where);
}

/** Evidence beside signatures: about this root, of a known type, and in itself sound. */
async function checkEvidence(statement) {
  const findings = [];
  const unknown = [];
  let count = 0;
  for (const [row, item] of statement.evidence.entries()) {
    if (item.type === SIGNATURE_TYPE) continue;
    const where = `$.evidence[${row}]`;
    count += 1;
    if (item.subject_root !== statement.root) {
      findings.push({ rule: "evidence", text: `it is about another root, ${item.subject_root}`, where });
    } else if (item.type !== IDENTITY_TYPE) {
      unknown.push(`${where}: evidence of type ${item.type} is not known to this page`);
    } else {
      const problem = await identityProblem(item);
      if (problem) findings.push({ rule: "evidence", text: problem, where });
    }
  }
  if (findings.length) {
    const text = findings.map((finding) => `${finding.where}: ${finding.text}`).join("; ");
    return result("evidence", FAILED, text, { findings });
  }
  if (unknown.length) return result("evidence", NOT_CHECKABLE, unknown.join("; "));
  return result("evidence", PASSED, `${count} piece(s) of evidence beside signatures hold`);
}

async function identityProblem(item) {
  const stray = Object.keys(item).find((key) => !["type", "subject_root", "office"].includes(key));
  if (stray) return `unknown field ${stray}`;
  try {
    await officeOf(item.office);
    return null;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return error.message;
  }
}
