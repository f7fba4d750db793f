// Bytes and their spellings: hex, UTF-8, base64. Everything refuses a second spelling.

class Refused extends Error {
  /** Something from outside that is not acceptable. where: the place in the file, if there is one. */
  constructor(problem, where = "") {
    super(problem);
    this.where = where;
  }
}

function toHex(bytes) {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** Of hex whose spelling was checked. */
function fromHex(text) {
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

const utf8Of = (text) => new TextEncoder().encode(text);

function textOf(bytes) {
  try {
    // A byte order mark stays in the text, so that the reader refuses it.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Refused("it is not UTF-8", "(text)");
  }
}

function joinedBytes(...pieces) {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

const sameBytes = (a, b) => a.length === b.length && a.every((byte, i) => byte === b[i]);

/** Standard base64 with padding, in its one spelling. */
function fromBase64(text) {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw new Refused("it is not standard base64");
  }
  let units;
  try {
    units = atob(text);
  } catch {
    throw new Refused("it is not standard base64");
  }
  // Unused bits at the end would be a second spelling of the same bytes.
  if (btoa(units) !== text) throw new Refused("its base64 is not in canonical form");
  return Uint8Array.from(units, (unit) => unit.charCodeAt(0));
}
