// The office's signatures over a statement: DSSE envelopes, and when one counts (S17 to S20, R16).

const SIGNATURE_TYPE = "khazana.signature/1";
const ROOT_PAYLOAD_TYPE = "application/vnd.khazana.root+json";
const signatureRefused = (problem) => new Refused(`The signature is refused: ${problem}.`);

/** What a piece of signature evidence signs, and with which signatures. */
function readSignature(item, statement) {
  if (item.subject_root !== statement.root) {
    throw signatureRefused(`it is about another root, ${item.subject_root}`);
  }
  const stray = Object.keys(item).find((key) => !["type", "subject_root", "envelope"].includes(key));
  if (stray) throw signatureRefused(`unknown field ${stray}`);
  const envelope = item.envelope ?? null;
  try {
    requireShape("envelope", envelope);
  } catch (error) {
    throw signatureRefused(`the envelope is malformed: ${error.message} - at ${error.where}`);
  }
  const keys = envelope.signatures.map((each) => each.keyid);
  if (new Set(keys).size !== keys.length) throw signatureRefused("one key signs an envelope twice");
  const payload = decoded(envelope.payload);
  const signatures = envelope.signatures.map((each) => ({ key: each.keyid, value: decoded(each.sig) }));
  if (envelope.payloadType !== ROOT_PAYLOAD_TYPE) {
    throw signatureRefused(`it signs a ${envelope.payloadType}, not a root`);
  }
  const claim = parseStrict(payload);
  if (!sameBytes(canonicalBytes(claim), payload)) {
    throw signatureRefused("what it signs is not in canonical form");
  }
  try {
    requireShape("claim", claim);
  } catch (error) {
    throw signatureRefused(`what it signs is malformed: ${error.message} - at ${error.where}`);
  }
  return { claim, payload, signatures };
}

function decoded(text) {
  try {
    return fromBase64(text);
  } catch (error) {
    throw signatureRefused(error.message);
  }
}

/** The first point in which the signed words are not about this statement and this office. */
function claimProblem(claim, statement, office, now) {
  const size = statement.leaves.length;
  if (claim.root !== statement.root) return `it signs another root, ${claim.root}`;
  if (claim.tree_size !== size) {
    return `it signs a tree of ${claim.tree_size} parts, and there are ${size}`;
  }
  if (claim.office !== office.fingerprint) {
    return `it signs in the name of the office ${grouped(claim.office)}`;
  }
  if (!sameValue(claim.network, statement.network)) {
    return `it signs for the network ${claim.network.name}`;
  }
  if (claim.test !== statement.test) return "its test flag is not the statement's";
  if (!sameValue(claim.period, statement.header.period)) return "it signs for another period";
  try {
    requireInstant(claim.signed_at);
  } catch (error) {
    return error.message;
  }
  if (Date.parse(claim.signed_at) > now) {
    return `it says that it was made at ${claim.signed_at}, which is in the future`;
  }
  const version = office.versions[claim.identity_version - 1];
  if (!version) {
    return (
      `it names version ${claim.identity_version} of the office, and only ` +
      `${office.newest.version} are known: get the office's newest file`
    );
  }
  if (inForce(office, claim.signed_at) !== version) {
    return `version ${version.version} of the office was not in force at ${claim.signed_at}`;
  }
  return null;
}

/** What one piece of signature evidence is worth: a problem, or the signers that count. */
async function judgedSignature(item, statement, office, now) {
  const { claim, payload, signatures } = readSignature(item, statement);
  const problem = claimProblem(claim, statement, office, now);
  if (problem) throw signatureRefused(problem);
  const version = office.versions[claim.identity_version - 1];
  const keys = roleKeys(version, "statement");
  const message = preAuthenticationEncoding(ROOT_PAYLOAD_TYPE, payload);
  const signers = [];
  for (const { key, value } of signatures) {
    if (!keys.has(key)) continue; // by somebody else: nothing can be said about it
    if (!(await signatureFits(keys.get(key), value, message))) {
      throw signatureRefused(
        `the signature in the name of key ${key} was not made by that key over these bytes`,
      );
    }
    if (!office.revoked.has(key)) signers.push(key);
  }
  return { version: version.version, signers };
}

/** Whether the signers under one and the same version reach its threshold, in words. */
function thresholdOf(office, judged) {
  let best = "no signature of the statement role is good";
  for (const { version, roles } of office.versions) {
    const under = judged.filter((each) => each.version === version);
    if (!under.length) continue;
    const found = new Set(under.flatMap((each) => each.signers)).size;
    const needed = roles.statement.threshold;
    best = `${found} of the ${needed} signatures needed (version ${version})`;
    if (found >= needed) return [true, best];
  }
  return [false, best];
}

async function checkSignatures(statement, office, pinned, now) {
  const items = statement.evidence
    .map((item, row) => [`$.evidence[${row}]`, item])
    .filter(([, item]) => item.type === SIGNATURE_TYPE);
  const finish = (...given) => notBeforeClosing(result("signatures", ...given), statement, items);
  if (!office) {
    const copied = items.filter(([, item]) => item.subject_root !== statement.root);
    if (copied.length) {
      const text = "a signature about another root was copied into this file";
      const findings = copied.map(([where]) => ({ rule: "signatures", text, where }));
      return finish(FAILED, text, { findings });
    }
    return finish(NOT_CHECKABLE, `${items.length} signature(s) in the file, by an unknown signer`, {
      basis: "none",
    });
  }
  const judged = [];
  const findings = [];
  for (const [where, item] of items) {
    try {
      judged.push(await judgedSignature(item, statement, office, now));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      findings.push({ rule: "evidence", text: error.message, where });
    }
  }
  const [enough, reached] = thresholdOf(office, judged);
  if (pinned && !enough) findings.push({ rule: "signatures", text: reached, where: "$.evidence" });
  const basis = pinned ? `keys of ${office.id}` : "keys that the file itself names";
  if (findings.length) {
    const text = [...new Set(findings.map((finding) => finding.text))].join("; ");
    return finish(FAILED, text, { findings, basis });
  }
  if (!pinned) return finish(NOT_CHECKABLE, `${reached}, but nobody vouches for this office`, { basis });
  return finish(PASSED, reached, { basis });
}

/** Rule R16: nobody can have signed a closing block before it was there. */
function notBeforeClosing(judged, statement, items) {
  let instants;
  try {
    instants = items.map(([, item]) => readSignature(item, statement).claim.signed_at);
    instants.forEach(requireInstant);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return judged; // the check of the signatures says what is wrong with them
  }
  const closed = statement.header.period.until_mtp;
  const first = instants.sort()[0];
  if (first === undefined || first >= closed) return judged;
  const text = `signed at ${first}, before the closing block (${closed})`;
  const findings = [...judged.findings, { rule: "R16", text, where: "$.evidence" }];
  return { ...judged, verdict: FAILED, summary: text, findings };
}
