// Canonical JSON (RFC 8785 on a strict subset): one value, one spelling; a reader that says where.

const MOST_NESTING = 32;
const JSON_ESCAPES = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
const JSON_WORDS = [["true", true], ["false", false], ["null", null]];

function textProblem(text) {
  if (!/[^\x00-\x7f]/.test(text)) return null;
  if (/[\ud800-\udfff]/u.test(text)) return "text has half of a surrogate pair, which is no character";
  if (text.normalize("NFC") !== text) {
    return "text is not in Unicode normal form C: two spellings would look alike";
  }
  return null;
}

const below = (path, key) => (path ? `${path}.${key}` : key);

class JsonReader {
  constructor(text, pause = null) {
    this.text = text;
    this.at = 0;
    this.pause = pause;
  }

  refuse(path, problem, at = this.at) {
    const before = this.text.slice(0, at);
    const line = before.split("\n").length;
    const column = at - (before.lastIndexOf("\n") + 1) + 1;
    const place = path || "(top)";
    throw new Refused(`JSON refused at ${place} (line ${line}, column ${column}): ${problem}`, place);
  }

  start() {
    if (this.text.startsWith("\ufeff")) {
      this.refuse("", "the text starts with a byte order mark; save it as plain UTF-8");
    }
  }

  end(value) {
    this.space();
    if (this.at < this.text.length) this.refuse("", "something follows the document's end");
    return value;
  }

  document() {
    this.start();
    return this.end(this.value("", 0));
  }

  /** The same, with a pause for the page between the members of the outermost lists. */
  async documentInTurns() {
    this.start();
    const value = this.space() === "{" ? await this.objectInTurns() : this.value("", 0);
    return this.end(value);
  }

  space() {
    const found = /[ \t\n\r]*/y;
    found.lastIndex = this.at;
    this.at += found.exec(this.text)[0].length;
    return this.text.charAt(this.at);
  }

  value(path, depth) {
    const char = this.space();
    if (char === '"') return this.string(path);
    if (char && "-0123456789".includes(char)) return this.integer(path);
    if (char === "[" || char === "{") {
      if (depth >= MOST_NESTING) this.refuse(path, `nested deeper than ${MOST_NESTING}`);
      return char === "[" ? this.array(path, depth) : this.object(path, depth);
    }
    for (const [word, meaning] of JSON_WORDS) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return meaning;
      }
    }
    if (!char) this.refuse(path, "the text ends where a value should stand");
    return this.refuse(path, `${JSON.stringify(char)} starts no value`);
  }

  integer(path) {
    const found = /-?[0-9][0-9.eE+-]*/y;
    found.lastIndex = this.at;
    const literal = found.exec(this.text)?.[0] ?? "-";
    const shown = literal.slice(0, 40);
    if (!/^-?(?:0|[1-9][0-9]*)$/.test(literal) || literal === "-0") {
      this.refuse(path, `${shown} is not a plain integer; fractions are strings here`);
    }
    if (literal.length > 17 || !Number.isSafeInteger(Number(literal))) {
      this.refuse(path, `${shown} is beyond 2^53 - 1`);
    }
    this.at += literal.length;
    return Number(literal);
  }

  string(path) {
    const start = this.at;
    const plain = /[^"\\\x00-\x1f]*/y;
    let text = "";
    this.at += 1;
    for (;;) {
      plain.lastIndex = this.at;
      const piece = plain.exec(this.text)[0];
      text += piece;
      this.at += piece.length;
      const char = this.text.charAt(this.at);
      if (char === '"') break;
      if (char === "\\") text += this.escape(path);
      else if (char) this.refuse(path, "a control character in a string must be escaped");
      else this.refuse(path, "a string is not closed", start);
    }
    this.at += 1;
    const problem = textProblem(text);
    if (problem) this.refuse(path, problem, start);
    return text;
  }

  escape(path) {
    const letter = this.text.charAt(this.at + 1);
    if (letter && Object.hasOwn(JSON_ESCAPES, letter)) {
      this.at += 2;
      return JSON_ESCAPES[letter];
    }
    const found = /\\u([0-9A-Fa-f]{4})/y;
    found.lastIndex = this.at;
    const unit = found.exec(this.text);
    if (!unit) this.refuse(path, `${JSON.stringify(`\\${letter}`)} is no escape`);
    this.at += 6;
    return String.fromCharCode(parseInt(unit[1], 16));
  }

  array(path, depth) {
    const items = [];
    this.at += 1;
    if (this.space() === "]") {
      this.at += 1;
      return items;
    }
    do items.push(this.value(`${path}[${items.length}]`, depth + 1));
    while (!this.ends(path, "]"));
    return items;
  }

  object(path, depth) {
    const members = Object.create(null);
    this.at += 1;
    if (this.space() === "}") {
      this.at += 1;
      return members;
    }
    do {
      const key = this.key(path, members);
      members[key] = this.value(below(path, key), depth + 1);
    } while (!this.ends(path, "}"));
    return members;
  }

  async objectInTurns() {
    const members = Object.create(null);
    this.at += 1;
    if (this.space() === "}") {
      this.at += 1;
      return members;
    }
    do {
      const key = this.key("", members);
      members[key] = this.space() === "[" ? await this.arrayInTurns(key) : this.value(key, 1);
    } while (!this.ends("", "}"));
    return members;
  }

  async arrayInTurns(path) {
    const items = [];
    this.at += 1;
    if (this.space() === "]") {
      this.at += 1;
      return items;
    }
    do {
      items.push(this.value(`${path}[${items.length}]`, 2));
      await this.pause();
    } while (!this.ends(path, "]"));
    return items;
  }

  /** A new key and its colon. */
  key(path, members) {
    if (this.space() !== '"') this.refuse(path, "a key in double quotes should stand here");
    const start = this.at;
    const key = this.string(path);
    if (!key) this.refuse(path, "an empty key", start);
    if (!/^[\x20-\x7e]*$/.test(key)) {
      this.refuse(path, `key ${JSON.stringify(key)} is not printable ASCII`, start);
    }
    if (key in members) this.refuse(below(path, key), `key "${key}" stands here twice`, start);
    if (this.space() !== ":") this.refuse(below(path, key), "a colon should follow the key");
    this.at += 1;
    return key;
  }

  ends(path, end) {
    const char = this.space();
    if (char !== "," && char !== end) this.refuse(path, `a comma or "${end}" should stand here`);
    this.at += 1;
    return char === end;
  }
}

const parseStrict = (bytes) => new JsonReader(textOf(bytes)).document();

/** The canonical text of a value that the reader made. Keys are ASCII, so their order is plain. */
function canonicalText(value) {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(",")}]`;
  const members = Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonicalText(value[key])}`);
  return `{${members.join(",")}}`;
}

const canonicalBytes = (value) => utf8Of(canonicalText(value));
const sameValue = (a, b) => canonicalText(a) === canonicalText(b);
