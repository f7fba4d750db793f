// What adds up without any chain: the printed figures of every set of accounts (Rule R13).

/** Exactly: a sum of amounts may pass 2^53, where numbers stop being exact. */
const sumOf = (amounts) => amounts.reduce((sum, amount) => sum + BigInt(amount), 0n);
const gradesSum = ({ A, B, C, D }) => sumOf([A, B, C, D]);

const SETS = ["wallet", "account", "entity", "perimeter"];

function* setsOf({ bodies }) {
  for (const kind of SETS) for (const body of bodies[kind]) yield [`${kind}/${body.id}`, body];
}

function* sumFindings(reserve) {
  const finding = (text, where) => ({ rule: "R13", text, where });
  for (const [part, { figures: f }] of setsOf(reserve)) {
    const moved = sumOf([f.inflow, f.coinbase, -f.outflow, f.off_chain]);
    const reached = moved + sumOf([f.opening, -f.fee, f.perimeter_change]);
    if (reached !== BigInt(f.closing)) {
      yield finding(`opening and movements make ${reached} sat, closing is stated as ${f.closing} sat`, part);
    }
    const explained = sumOf(f.reasons.map((reason) => reason.amount));
    if (explained !== moved) {
      yield finding(`the reasons make ${explained} sat, the movements ${moved} sat`, part);
    }
    const graded = gradesSum(f.grades);
    if (graded !== BigInt(f.closing)) {
      yield finding(`the grades make ${graded} sat, closing is stated as ${f.closing} sat`, part);
    }
    const c = f.corrections;
    if (sumOf([c.opening, c.loss, c.restatement, c.perimeter_change]) !== BigInt(c.closing)) {
      yield finding("the corrections do not add up", part);
    }
    for (const { reason, amount, grades } of f.reasons) {
      if (gradesSum(grades) !== BigInt(amount)) yield finding(`the grades of ${reason} do not add up`, part);
    }
  }
  for (const { id, lanes, figures } of reserve.bodies.perimeter) {
    for (const side of ["opening", "closing"]) {
      const total = sumOf(lanes.map((lane) => lane[side]));
      if (total !== BigInt(figures[side])) {
        yield finding(`the legal lanes make ${total} sat at ${side}`, `perimeter/${id}`);
      }
    }
  }
}

/** A question that needs parts which this disclosure does not show is not answered. */
function withheldWords(reserve, ...kinds) {
  const kind = kinds.find((each) => reserve.withheld(each) > 0);
  return kind && `${reserve.withheld(kind)} parts of kind ${kind} are withheld in this disclosure`;
}

function checkBalance(reserve) {
  const hidden = withheldWords(reserve, "wallet", "account");
  if (hidden) return result("balance", NOT_CHECKABLE, `could not be made: ${hidden}`, { basis: "none" });
  const findings = [...sumFindings(reserve)];
  const basis = "the printed figures alone";
  const limits = ["balance"];
  if (findings.length) {
    const more = findings.length > 1 ? ` (and ${findings.length - 1} more)` : "";
    const text = `${findings[0].text} in ${findings[0].where}${more}`;
    return result("balance", FAILED, text, { findings, basis, limits });
  }
  const count = [...setsOf(reserve)].length;
  return result("balance", PASSED, `${count} accounts, entities and perimeters add up`, { basis, limits });
}

/** What custodians hold is their word; what can be seen is a grade above what the letter carries. */
function checkAttested(reserve) {
  const hidden = withheldWords(reserve, "account");
  if (hidden) return result("attested", NOT_CHECKABLE, `could not be made: ${hidden}`, { basis: "none" });
  const findings = [];
  for (const { id, opening, attested } of reserve.bodies.account) {
    for (const each of [opening, ...attested].filter((one) => one !== null)) {
      const due = each.attested_by !== null && each.file_sha256 !== null ? "C" : "D";
      if (each.grade === due) continue;
      const text =
        `the balance attested for block ${each.block.height} claims grade ${each.grade}, ` +
        `what it carries is grade ${due}`;
      findings.push({ rule: "R19", text, where: `account ${id}` });
    }
  }
  if (findings.length) {
    const more = findings.length > 1 ? ` (and ${findings.length - 1} more)` : "";
    return result("attested", FAILED, `${findings[0].text} in ${findings[0].where}${more}`, { findings });
  }
  const held = reserve.bodies.account.map((body) => body.figures.closing).filter(Boolean);
  if (!held.length) return result("attested", PASSED, "no balance is held by a custodian");
  const text =
    `${held.length} custodial accounts hold ${sumOf(held)} sat at closing; that is the ` +
    "custodians' word, no chain shows it";
  return result("attested", NOT_CHECKABLE, text, { basis: "none" });
}
