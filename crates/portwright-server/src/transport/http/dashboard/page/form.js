// A form made from a JSON Schema: what is plain gets a field of its own, the rest is JSON text.

import { number, parse, plain } from "./api.js";
import { h } from "./dom.js";

let count = 0;

// A schema with what it refers to put in its place, and "that or null" as that.
function resolved(schema, defs, depth = 0) {
  const own = schema && typeof schema === "object" ? schema : {};
  if (depth > 8) return own;
  const name = typeof own.$ref === "string" && /^#\/(?:\$defs|definitions)\/([^/]+)$/.exec(own.$ref)?.[1];
  if (name && Object.hasOwn(defs, name)) return resolved({ ...defs[name], ...own, $ref: undefined }, defs, depth + 1);
  const ways = [own.anyOf ?? own.oneOf].flat().filter((one) => one && one.type !== "null");
  if (ways.length === 1) return resolved({ ...ways[0], ...own, anyOf: undefined, oneOf: undefined }, defs, depth + 1);
  if (ways.length > 1 && ways.every((one) => "const" in one)) return { ...own, enum: ways.map((one) => one.const) };
  return "const" in own ? { ...own, enum: [own.const] } : own;
}

const type = (schema) => {
  const types = [schema.type].flat().filter((one) => one && one !== "null");
  return types.length === 1 ? types[0] : undefined;
};

function control(schema, id, required) {
  if (Array.isArray(schema.enum)) {
    const options = schema.enum.filter((value) => value !== null).map((value) => h("option", { value: JSON.stringify(value) }, String(value)));
    const select = h("select", { id }, !required && h("option", { value: "" }, "—"), options);
    return [select, () => (select.value === "" ? undefined : JSON.parse(select.value))];
  }
  switch (type(schema)) {
    case "boolean": {
      const select = h("select", { id }, !required && h("option", { value: "" }, "—"), h("option", { value: "true" }, "true"), h("option", { value: "false" }, "false"));
      return [select, () => (select.value === "" ? undefined : select.value === "true")];
    }
    case "integer":
    case "number": {
      const input = h("input", { id, type: "number", step: type(schema) === "integer" ? 1 : "any", min: schema.minimum, max: schema.maximum, placeholder: schema.default });
      return [input, () => {
        if (input.validity.badInput) throw new Error("is not a number");
        return input.value === "" ? undefined : number(input.value);
      }];
    }
    case "string": {
      const long = (schema.maxLength ?? 0) > 200 || /sql|text|content|body|query/i.test(id);
      const input = h(long ? "textarea" : "input", { id, rows: long ? 3 : undefined, spellcheck: "false", autocomplete: "off", placeholder: schema.default });
      return [input, () => (input.value === "" && !required ? undefined : input.value)];
    }
    default: {
      const input = h("textarea", { id, rows: 3, spellcheck: "false", placeholder: type(schema) === "array" ? "[ … ]  as JSON" : "as JSON" });
      return [input, () => {
        if (input.value.trim() === "") return undefined;
        try {
          return parse(input.value);
        } catch {
          throw new Error("is not JSON");
        }
      }];
    }
  }
}

// The fields, and what reads them: the arguments, or an error that names the field.
export function form(schema) {
  const required = new Set(schema?.required ?? []);
  const fields = Object.entries(schema?.properties ?? {}).map(([name, property]) => {
    const own = resolved(property, { ...schema.definitions, ...schema.$defs });
    const id = `field-${++count}-${name.replace(/[^\w-]/g, "_")}`;
    const [input, read] = control(own, id, required.has(name));
    const hint = own.description && h("small", { id: `${id}-hint` }, own.description);
    if (hint) input.setAttribute("aria-describedby", `${id}-hint`);
    if (required.has(name)) input.setAttribute("aria-required", "true");
    return { name, read, row: h("div", { class: "field" }, h("label", { for: id }, name, required.has(name) && h("span", { class: "needed" }, " needed")), input, hint) };
  });
  const read = () => {
    const values = {};
    for (const field of fields) {
      let value;
      try {
        value = field.read();
      } catch (error) {
        throw new Error(`“${field.name}” ${error.message}`);
      }
      if (value !== undefined) values[field.name] = value;
    }
    return values;
  };
  return { rows: fields.map((field) => field.row), read };
}

// Arguments that the tool wants to see in headers as well, by the header's name.
export function mirrored(schema, values, found = {}) {
  for (const [name, property] of Object.entries(schema?.properties ?? {})) {
    const value = values?.[name];
    if (value === undefined || value === null || !property) continue;
    if (property["x-mcp-header"] && plain(value)) found[property["x-mcp-header"]] = value;
    if (!plain(value) && !Array.isArray(value)) mirrored(property, value, found);
  }
  return found;
}

// What an address's template (RFC 6570) leaves open, and the address.
const OPEN = /\{([+#./;?&]?)([^{}]+)\}/g;
const names = (list) => list.split(",").map((one) => one.replace(/\*$|:\d+$/, ""));
export const variables = (template) => [...new Set([...template.matchAll(OPEN)].flatMap(([, , list]) => names(list)))];
export const expanded = (template, values) => template.replace(OPEN, (_, kind, list) => {
  const encode = kind === "+" || kind === "#" ? encodeURI : encodeURIComponent;
  const given = names(list).filter((name) => (values[name] ?? "") !== "");
  const named = ";?&".includes(kind) && kind !== "";
  const text = given.map((name) => (named ? `${name}=` : "") + encode(values[name])).join({ "?": "&" }[kind] ?? (kind === "+" || kind === "#" || kind === "" ? "," : kind));
  return given.length ? (kind === "+" ? "" : kind) + text : "";
});
