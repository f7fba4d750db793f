// Who an office is: office.json, its chain of versions, and how a reader pins it (docs/spec/office.md).

const OFFICE_DOMAIN = utf8Of("khazana.office/1\0");
const OFFICE_PAYLOAD_TYPE = "application/vnd.khazana.office+json";
const MOST_OFFICE_BYTES = 1 << 20;
const keyId = (key) => toHex(sha256(key));
const grouped = (fingerprint) => fingerprint.match(/.{1,4}/g).join(" ");

const officeRefused = (version, problem) =>
  new Refused(`The office file is refused at version ${version}: ${problem}.`);
const officeConflict = (problem) =>
  new Refused(`The office's identity contradicts the one already known: ${problem}.`);

/** What DSSE signs: the type and the payload, each with its length. */
function preAuthenticationEncoding(type, payload) {
  const kind = utf8Of(type);
  return joinedBytes(utf8Of(`DSSEv1 ${kind.length} ${type} ${payload.length} `), payload);
}

/** Refuses a spelling such as a thirteenth month; instants of one spelling compare as text. */
function requireInstant(text) {
  const parsed = new Date(text);
  const real = !Number.isNaN(parsed.getTime()) && parsed.toISOString() === text.replace("Z", ".000Z");
  if (!real || text.startsWith("0000")) throw new Refused(`${text} is no time`);
}

async function readOffice(bytes) {
  if (bytes.length > MOST_OFFICE_BYTES) throw officeRefused(0, `it has more than ${MOST_OFFICE_BYTES} bytes`);
  return officeOf(parseStrict(bytes));
}

/** The verified office in parsed JSON. */
async function officeOf(document) {
  try {
    requireShape("office", document ?? null);
  } catch (error) {
    throw officeRefused(0, `${error.message} - at ${error.where}`);
  }
  const versions = document.versions.map((file, i) => versionOf(i + 1, file));
  await requireChain(versions);
  const newest = versions[versions.length - 1];
  return {
    versions,
    newest,
    id: newest.id,
    fingerprint: versions[0].digest,
    revoked: new Set(versions.flatMap((version) => version.revoked)),
  };
}

function versionOf(number, { body, signatures }) {
  const lists = [
    ["key", body.keys.map((key) => key.id)],
    ["signature by key", signatures.map((each) => each.key)],
    ["revoked key", body.revoked],
    ...Object.entries(body.roles).map(([name, role]) => [`key of role ${name}`, role.keys]),
  ];
  for (const [what, ids] of lists) {
    const twice = ids.find((id, i) => ids.indexOf(id) !== i);
    if (twice) throw officeRefused(number, `${what} ${twice} is listed twice`);
  }
  try {
    requireVersion(body);
  } catch (error) {
    throw officeRefused(number, error.message);
  }
  for (const [what, ids] of lists) {
    // Lists that are sets must be sorted, so that what was signed has one spelling.
    if (what !== "signature by key" && ids.some((id, i) => i && id < ids[i - 1])) {
      throw officeRefused(number, "its lists of keys are not sorted by id");
    }
  }
  const bytes = canonicalBytes(body);
  return {
    ...body,
    keys: new Map(body.keys.map((key) => [key.id, fromHex(key.public)])),
    signatures: new Map(signatures.map((each) => [each.key, fromHex(each.signature)])),
    bytes,
    digest: toHex(sha256(OFFICE_DOMAIN, bytes)),
  };
}

function requireVersion(body) {
  requireInstant(body.valid_from);
  requireInstant(body.valid_until);
  if ((body.version === 1) !== (body.previous === null)) {
    throw new Refused("version 1 has no previous version, and every later one has");
  }
  if (body.valid_until <= body.valid_from) throw new Refused("it ends before it begins");
  const problem = networkProblem(body.network, body.test);
  if (problem) throw new Refused(problem[1]);
  for (const role of ["root", "statement"]) {
    if (!(role in body.roles)) throw new Refused(`there is no role called ${role}`);
  }
  for (const { id, public: key } of body.keys) {
    if (id !== keyId(fromHex(key))) throw new Refused(`the id of key ${key} is not the SHA-256 of its bytes`);
    requirePublicKey(fromHex(key));
  }
  const listed = new Set(body.keys.map((key) => key.id));
  for (const [name, role] of Object.entries(body.roles)) {
    if (role.threshold > role.keys.length) {
      throw new Refused(`a threshold of ${role.threshold} cannot be reached with ${role.keys.length} keys`);
    }
    const stray = role.keys.find((id) => !listed.has(id));
    if (stray) throw new Refused(`role ${name} names key ${stray}, which is not listed`);
  }
  const alive = body.revoked.find((id) => listed.has(id));
  if (alive) throw new Refused(`key ${alive} is listed although it is revoked`);
}

async function requireChain(versions) {
  const revoked = new Set();
  for (const [i, version] of versions.entries()) {
    const number = i + 1;
    if (version.version !== number) {
      throw officeRefused(number, `version ${version.version} stands in its place`);
    }
    const before = versions[i - 1] ?? null;
    if (before) requireSuccession(before, version);
    const back = [...revoked].find((id) => version.keys.has(id));
    if (back) throw officeRefused(number, `the revoked key ${back} came back`);
    if ([...revoked].some((id) => !version.revoked.includes(id))) {
      throw officeRefused(number, "it drops a key from the revoked ones");
    }
    await requireVersionSignatures(version, before);
    for (const id of version.revoked) revoked.add(id);
  }
}

function requireSuccession(before, version) {
  const number = version.version;
  if (version.previous !== before.digest) {
    throw officeRefused(number, "it names another version as the one before");
  }
  for (const [what, field] of [["id", "id"], ["network", "network"], ["test flag", "test"]]) {
    if (!sameValue(version[field], before[field])) throw officeRefused(number, `its ${what} changed`);
  }
  if (version.valid_from <= before.valid_from) {
    throw officeRefused(number, "it begins no later than the one before");
  }
}

/** The public keys of a role, by id. */
const roleKeys = (version, role) =>
  new Map((version.roles[role]?.keys ?? []).map((id) => [id, version.keys.get(id)]));

/** A threshold of root keys of the version before, and of its own, must have signed. */
async function requireVersionSignatures(version, before) {
  const authorities = [...(before ? [["the previous", before]] : []), ["its own", version]];
  const keys = new Map(authorities.flatMap(([, authority]) => [...roleKeys(authority, "root")]));
  const message = preAuthenticationEncoding(OFFICE_PAYLOAD_TYPE, version.bytes);
  for (const [id, signature] of version.signatures) {
    if (!keys.has(id)) {
      throw officeRefused(version.version, `key ${id} signed it without being a root key`);
    }
    if (!(await signatureFits(keys.get(id), signature, message))) {
      throw officeRefused(version.version, `the signature of key ${id} does not fit`);
    }
  }
  for (const [whose, authority] of authorities) {
    const { keys: ids, threshold } = authority.roles.root;
    const count = ids.filter((id) => version.signatures.has(id)).length;
    if (count < threshold) {
      const text = `${count} of ${whose} version's root keys signed it, and ${threshold} must`;
      throw officeRefused(version.version, text);
    }
  }
}

/** The version in force: the newest that has begun, unless it has ended. */
function inForce(office, at) {
  const newest = office.versions.filter((version) => version.valid_from <= at).pop();
  return newest && at < newest.valid_until ? newest : null;
}

/** The longer of two accounts of one office; refuses another office, or a fork. */
function latestOf(known, offered) {
  requireFingerprint(known.fingerprint, offered);
  known.versions.forEach((mine, i) => {
    const theirs = offered.versions[i];
    if (theirs && theirs.digest !== mine.digest) {
      throw officeConflict(`there are two different versions ${mine.version}`);
    }
  });
  return known.versions.length >= offered.versions.length ? known : offered;
}

function requireFingerprint(fingerprint, offered) {
  if (offered.fingerprint === fingerprint) return;
  throw officeConflict(`its fingerprint is ${grouped(offered.fingerprint)}, not ${grouped(fingerprint)}`);
}

/** What a reader knows of the office: its fingerprint, and perhaps its file. */
async function pinByFile(bytes) {
  const office = await readOffice(bytes);
  return { fingerprint: office.fingerprint, office };
}

function pinByFingerprint(text) {
  const digits = text.replace(/\s/g, "").toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(digits)) {
    throw new Refused(
      `${JSON.stringify(text)} is no fingerprint of an office: give all 64 hex digits (spaces do ` +
        "not matter) or the office's file. A shortened fingerprint can be forged.",
    );
  }
  return { fingerprint: digits, office: null };
}

function admitted(pin, office, offered) {
  if (office) return latestOf(office, offered);
  requireFingerprint(pin.fingerprint, offered);
  return offered;
}
