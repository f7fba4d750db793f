// What a customer gives a page: files, a photo, pasted text, an amount as people write it.

/** The statement's bytes, out of its envelope; who signed it is not asked here. */
function payloadOf(raw) {
  const value = parseStrict(raw);
  if (value === null || typeof value.payload !== "string") throw new Refused("it is no envelope");
  return fromBase64(value.payload);
}

/** An amount as people write it, in smallest units; undefined when none was given. */
function unitsOf(text, scale) {
  const plain = text.trim();
  if (plain === "") return undefined;
  const found = /^(\d{1,16})(?:\.(\d{1,15}))?$/.exec(plain);
  const decimals = found ? (found[2] ?? "") : "";
  const units = found && decimals.length <= scale ? Number(found[1] + decimals.padEnd(scale, "0")) : NaN;
  if (!Number.isSafeInteger(units)) throw new Rejected("balance_differs", "the amount is no plain number");
  return units;
}

function written(units, scale) {
  const digits = String(units).padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  return scale ? `${whole}.${digits.slice(-scale)}` : whole;
}

const isPhoto = (raw) =>
  sameBytes(raw.slice(0, 3), Uint8Array.of(0xff, 0xd8, 0xff)) || // JPEG
  sameBytes(raw.slice(0, 4), Uint8Array.of(0x89, 0x50, 0x4e, 0x47)) || // PNG
  sameBytes(raw.slice(8, 12), Uint8Array.of(0x57, 0x45, 0x42, 0x50)); // WebP

/** The text of the QR code in a photo, read by the browser itself; nothing leaves the device. */
async function textInPhoto(file) {
  const unread = (problem) => new Rejected("slip_malformed", problem);
  if (!("BarcodeDetector" in globalThis)) {
    throw unread("this browser reads no photos; scan the code with the camera and paste its text");
  }
  let found;
  try {
    found = await new BarcodeDetector({ formats: ["qr_code"] }).detect(await createImageBitmap(file));
  } catch {
    throw unread("the photo could not be read; scan the code with the camera and paste its text");
  }
  if (found.length !== 1) throw unread(`the photo shows ${found.length} codes, not one`);
  return utf8Of(found[0].rawValue);
}

/** The slip in a file (its own, its text, or a photo of its code) or in pasted text. */
async function slipGiven(file, text) {
  if (!file) return readSlip(slipBytes(utf8Of(text)));
  const raw = new Uint8Array(await file.arrayBuffer());
  return readSlip(slipBytes(isPhoto(raw) ? await textInPhoto(file) : raw));
}

/** A customer's own words as they are hashed. */
const wordsOf = (text) => contributionOf(text.trim().normalize("NFC"));
