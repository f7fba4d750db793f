// Shapes: whether a value is what the JSON Schemas of docs/spec ask for, and where it is not.

const shapePatterns = new Map();

function patternOf(source) {
  if (!shapePatterns.has(source)) shapePatterns.set(source, new RegExp(source, "u"));
  return shapePatterns.get(source);
}

function typeOf(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return { boolean: "boolean", number: "integer", string: "string" }[typeof value] ?? "object";
}

/** Characters, not UTF-16 units; counted only where it can matter. */
const lengthOf = (text, limit) => (text.length > limit ? [...text].length : text.length);

/** The first thing wrong with `value`, as [path, problem]; null when nothing is. */
function shapeProblem(schema, value, path, definitions) {
  if (schema.$ref) {
    return shapeProblem(definitions[schema.$ref.slice("#/$defs/".length)], value, path, definitions);
  }
  if (schema.anyOf) {
    const problems = schema.anyOf.map((each) => shapeProblem(each, value, path, definitions));
    return problems.includes(null) ? null : problems.find((_, i) => schema.anyOf[i].type !== "null");
  }
  const type = typeOf(value);
  if (schema.type && schema.type !== type) return [path, `Expected \`${schema.type}\`, got \`${type}\``];
  if (schema.enum && !schema.enum.includes(value)) {
    return [path, `Invalid value ${JSON.stringify(value)}`];
  }
  if (type === "string") return textShape(schema, value, path);
  if (type === "integer") return numberShape(schema, value, path);
  if (type === "array") return listShape(schema, value, path, definitions);
  return type === "object" ? objectShape(schema, value, path, definitions) : null;
}

function textShape(schema, value, path) {
  if (schema.pattern && !patternOf(schema.pattern).test(value)) {
    return [path, `Expected \`str\` matching regex '${schema.pattern}'`];
  }
  const { maxLength = Infinity, minLength = 0 } = schema;
  if (lengthOf(value, maxLength) > maxLength) return [path, `Expected \`str\` of length <= ${maxLength}`];
  if (value.length < minLength) return [path, `Expected \`str\` of length >= ${minLength}`];
  return null;
}

function numberShape(schema, value, path) {
  const { minimum = -Infinity, maximum = Infinity, exclusiveMaximum = Infinity } = schema;
  if (value < minimum) return [path, `Expected \`int\` >= ${minimum}`];
  if (value > maximum) return [path, `Expected \`int\` <= ${maximum}`];
  return value >= exclusiveMaximum ? [path, `Expected \`int\` < ${exclusiveMaximum}`] : null;
}

function listShape(schema, value, path, definitions) {
  const { minItems = 0, maxItems = Infinity } = schema;
  if (value.length < minItems) return [path, `Expected \`array\` of length >= ${minItems}`];
  if (value.length > maxItems) return [path, `Expected \`array\` of length <= ${maxItems}`];
  if (!schema.items) return null;
  for (let i = 0; i < value.length; i += 1) {
    const problem = shapeProblem(schema.items, value[i], `${path}[${i}]`, definitions);
    if (problem) return problem;
  }
  return null;
}

function objectShape(schema, value, path, definitions) {
  const { properties = {}, required = [], additionalProperties = true, maxProperties = Infinity } = schema;
  const missing = required.find((name) => !(name in value));
  if (missing !== undefined) return [path, `Object missing required field \`${missing}\``];
  const keys = Object.keys(value);
  if (keys.length > maxProperties) return [path, `Expected \`object\` of length <= ${maxProperties}`];
  for (const key of keys) {
    const known = Object.hasOwn(properties, key);
    if (!known && additionalProperties === false) return [path, `Object contains unknown field \`${key}\``];
    if (schema.propertyNames) {
      const problem = shapeProblem(schema.propertyNames, key, path, definitions);
      if (problem) return problem;
    }
    const inner = known ? properties[key] : additionalProperties;
    if (inner === true) continue;
    const problem = shapeProblem(inner, value[key], `${path}.${key}`, definitions);
    if (problem) return problem;
  }
  return null;
}

/** One of the page's schemas by name; refuses a value of another shape. */
function requireShape(name, value, path = "$") {
  const schema = SCHEMAS[name];
  const problem = shapeProblem(schema, value, path, schema.$defs ?? {});
  if (problem) throw new Refused(problem[1], problem[0]);
}
